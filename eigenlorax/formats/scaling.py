"""The scale alpha / rank of a LoRA layer, wherever a file hides its alpha."""

import re
from collections.abc import Mapping
from math import sqrt
from typing import Any

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.loose_json import json_value
from eigenlorax.module_path import ModulePath

ADAPTER_METADATA = "lora_adapter_metadata"


#: PEFT methods whose configuration calls its alpha just that.
_ENDLESS = 1e300
_ALPHA_BY_NAME = ("LOHA", "LOKR")


class AdapterConfig:
    """PEFT's settings, as diffusers writes them into a file's metadata; empty when there are none.

    Some trainers leave only a plain "alpha" there, which then counts for every module.

    Source: peft's LoraConfig (lora_alpha, r, alpha_pattern, rank_pattern, use_rslora); diffusers puts a
    component's name and a dot before each setting, some trainers leave it out.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "AdapterConfig":
        """Read the `lora_adapter_metadata` entry of a safetensors header.

        Raises:
            InvalidFileError: the entry is there but is not a JSON object.
        """
        text = metadata.get(ADAPTER_METADATA, "{}")
        settings = json_value(text)
        if not isinstance(settings, dict):
            raise InvalidFileError(f"its {ADAPTER_METADATA} entry is not a JSON object; export it again")
        plain = metadata.get("lora_alpha") or metadata.get("alpha")
        if plain and not settings:
            settings = {"lora_alpha": _number(plain)}
        return cls(settings)

    def scale(self, path: ModulePath, rank: int) -> float | None:
        """alpha / r (alpha / sqrt(r) with rslora) for one module, or None when no alpha is set."""
        alpha = self._pattern(path, "alpha_pattern")
        if alpha is None:
            alpha = self._setting(path, "lora_alpha")
        if alpha is None and self._setting(path, "peft_type") in _ALPHA_BY_NAME:
            alpha = self._setting(path, "alpha")
        if alpha is None:
            return None
        if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not abs(alpha) < _ENDLESS:
            raise InvalidFileError(f"its alpha for {path} is {alpha!r}, not a number; export the file again")
        return float(alpha) / (sqrt(rank) if self._setting(path, "use_rslora") is True else rank)

    def _setting(self, path: ModulePath, name: str) -> Any:
        prefixed = self._settings.get(f"{path.component.value}.{name}")
        return self._settings.get(name) if prefixed is None else prefixed

    def _pattern(self, path: ModulePath, name: str) -> Any:
        patterns = self._setting(path, name)
        if not isinstance(patterns, dict):
            return None
        for pattern, value in patterns.items():
            if re.fullmatch(rf"(.*\.)?({re.escape(pattern)})", path.name):
                return value
        return None


def alpha_settings(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """All that `AdapterConfig.from_metadata` looks at."""
    return tuple(metadata.get(key, "") for key in (ADAPTER_METADATA, "lora_alpha", "alpha"))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InvalidFileError(f"its alpha is {text!r}, not a number; export the file again") from error


def layer_scale(rank: int, alpha: float | None, scale: float | None, configured: float | None) -> float:
    """The factor that up @ down is multiplied by.

    An explicit `scale` tensor wins, then an `alpha` tensor (alpha / rank), then the adapter's
    configuration; without any, or with kohya's alpha of 0, the factor is 1.

    Source: kohya-ss/sd-scripts networks/lora.py and AUTOMATIC1111 extensions-builtin/Lora/network.py.
    """
    if scale is not None:
        return scale
    if alpha is not None:
        return alpha / rank if alpha != 0 else 1.0
    return 1.0 if configured is None else configured
