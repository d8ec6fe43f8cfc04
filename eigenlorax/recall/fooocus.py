"""Fooocus' own scheme, a JSON object; its A1111 scheme is read as A1111's."""

from collections.abc import Mapping
from typing import Any

from eigenlorax.recall.bounded import listed, number, text, unread, whole
from eigenlorax.recall.recalled import Recalled, RecalledLora, Settings, hex_of, stem_of
from eigenlorax.recall.sizes import size_of

_NOT_SETTINGS = ("version", "metadata_scheme", "full_prompt", "full_negative_prompt", "created_by", "vae")


def is_fooocus(told: Mapping[str, Any]) -> bool:
    """Whether a JSON object is Fooocus'."""
    return "base_model" in told and "guidance_scale" in told


def read_fooocus(told: Mapping[str, Any]) -> Recalled:
    """Fooocus' parameters.

    Source: lllyasviel/Fooocus, modules/meta_parser.py (FooocusMetadataParser): LoRAs are
    [name, weight, first ten digits of the file's SHA-256], and "name : weight" in `lora_combined_1`.
    """
    left = dict(told)
    width, height = size_of(text(left.pop("resolution", None))) or (None, None)
    skip = whole(left.pop("clip_skip", None))
    settings = Settings(
        steps=whole(left.pop("steps", None)),
        sampler=text(left.pop("sampler", None)),
        schedule=text(left.pop("scheduler", None)),
        guidance=number(left.pop("guidance_scale", None)),
        seed=whole(left.pop("seed", None)),
        width=width,
        height=height,
        clip_skip=skip,
    )
    combined = [left.pop(key) for key in sorted(left) if key.startswith("lora_combined_")]
    loras = [_lora(one) for one in listed(left.pop("loras", None))] or [_combined(one) for one in combined]
    for known in _NOT_SETTINGS:
        left.pop(known, None)
    return Recalled(
        "Fooocus",
        text(left.pop("prompt", None)),
        text(left.pop("negative_prompt", None)),
        settings,
        tuple(lora for lora in loras if lora),
        stem_of(text(left.pop("base_model", None))),
        hex_of(left.pop("base_model_hash", None)),
        unread(left),
    )


def _lora(told: Any) -> RecalledLora | None:
    name, weight, digest = [*listed(told), None, None, None][:3]
    strength = number(weight)
    if not text(name) or strength is None:
        return None
    return RecalledLora(stem_of(text(name)), strength, hex_of(digest))


def _combined(told: Any) -> RecalledLora | None:
    parts = [part.strip() for part in text(told).split(" : ")]
    if len(parts) == 3 and parts[0] in ("True", "False"):
        return None if parts[0] == "False" else _lora(parts[1:])
    return None if parts[0] == "None" else _lora(parts)
