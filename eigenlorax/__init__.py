"""EigenLoRAx Studio: a collection of SDXL LoRAs as one shared principal subspace (arXiv:2502.04700).

In a program of your own: `attach` puts styles on a pipeline of diffusers, and `EigenLoRAxConfig` is a method
of peft, which is to be installed for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eigenlorax.attached import AttachedStyles, attach
    from eigenlorax.peft_tuner import EigenLoRAxConfig, save_basis, style_from_peft, style_to_peft

__version__ = "0.1.0"
__all__ = [
    "AttachedStyles",
    "EigenLoRAxConfig",
    "__version__",
    "attach",
    "save_basis",
    "style_from_peft",
    "style_to_peft",
]

_PEFT = ("EigenLoRAxConfig", "save_basis", "style_from_peft", "style_to_peft")
#: Name -> where it lives; torch, diffusers and peft are imported when the first of them is asked for.
_LATER = {
    "AttachedStyles": "eigenlorax.attached",
    "attach": "eigenlorax.attached",
    **dict.fromkeys(_PEFT, "eigenlorax.peft_tuner"),
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_LATER[name]), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "peft":
            raise
        raise ImportError(f"{name} needs peft: pip install peft") from error


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
