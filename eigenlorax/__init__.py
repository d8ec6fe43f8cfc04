"""EigenLoRAx Studio: a collection of SDXL LoRAs as one shared principal subspace (arXiv:2502.04700).

In a program of your own: `eigenlorax.attach(pipe, "subspace")` puts styles on a pipeline of diffusers.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eigenlorax.attached import AttachedStyles, attach

__version__ = "0.1.0"
__all__ = ["AttachedStyles", "__version__", "attach"]

#: Name -> where it lives; torch and diffusers are imported when the first of them is asked for.
_LATER = {"AttachedStyles": "eigenlorax.attached", "attach": "eigenlorax.attached"}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
