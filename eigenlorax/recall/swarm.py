"""SwarmUI's metadata: JSON with `sui_image_params`, where A1111 has its text."""

from collections.abc import Mapping
from typing import Any

from eigenlorax.recall.bounded import listed, mapping, number, text, unread, whole
from eigenlorax.recall.recalled import (
    Recalled,
    RecalledHires,
    RecalledLora,
    Settings,
    hashed,
    hex_of,
    stem_of,
)
from eigenlorax.recall.tags import split_tags

_NOT_SETTINGS = ("aspectratio", "swarm_version", "images", "automaticvae", "imageformat", "nopreviews")


def is_swarm(told: Mapping[str, Any]) -> bool:
    """Whether a JSON object is SwarmUI's."""
    return isinstance(told.get("sui_image_params"), dict)


def read_swarm(told: Mapping[str, Any]) -> Recalled:
    """SwarmUI's parameters; lists may be JSON lists or text with commas, numbers may be text.

    Source: mcmonkeyprojects/SwarmUI, docs/Image Metadata Format.md and docs/Features/Prompt Syntax.md.
    """
    left = dict(mapping(told["sui_image_params"]))
    hashes = {
        stem_of(text(mapping(one).get("name"))): hex_of(mapping(one).get("hash"))
        for one in listed(told.get("sui_models"))
    }
    stop, upscale = whole(left.pop("clipstopatlayer", None)), number(left.pop("refinerupscale", None))
    control = number(left.pop("refinercontrolpercentage", None))
    is_larger = upscale is not None and upscale != 1.0
    creativity = number(left.pop("initimagecreativity", None))
    settings = Settings(
        steps=whole(left.pop("steps", None)),
        sampler=text(left.pop("sampler", None)) or text(left.pop("comfyuisampler", None)),
        schedule=text(left.pop("scheduler", None)) or text(left.pop("comfyuischeduler", None)),
        guidance=number(left.pop("cfgscale", None)),
        seed=whole(left.pop("seed", None)),
        width=whole(left.pop("width", None)),
        height=whole(left.pop("height", None)),
        clip_skip=-stop if stop is not None and -12 <= stop < -1 else None,
        variation_seed=whole(left.pop("variationseed", None)),
        variation_strength=number(left.pop("variationseedstrength", None)),
        batch=whole(left.pop("batchsize", None)),
        denoise=control if is_larger else creativity,
        hires=RecalledHires(
            upscale,
            steps=whole(left.pop("refinersteps", None)),
            upscaler=text(left.pop("refinerupscalemethod", None)),
        )
        if is_larger
        else None,
    )
    prompt, tagged = split_tags(text(left.pop("prompt", None)))
    loras = (*_loras(left), *tagged)
    model = stem_of(text(left.pop("model", None)))
    for known in _NOT_SETTINGS:
        left.pop(known, None)
    return Recalled(
        "SwarmUI",
        prompt,
        text(left.pop("negativeprompt", None)),
        settings,
        hashed(loras, hashes),
        model,
        hashes.get(model, ""),
        unread(left),
    )


def _loras(left: dict[str, Any]) -> tuple[RecalledLora, ...]:
    names = [stem_of(name) for name in _several(left.pop("loras", None))]
    weights = [number(weight) for weight in _several(left.pop("loraweights", None))]
    encoders = [number(weight) for weight in _several(left.pop("loratencweights", None))]
    return tuple(
        RecalledLora(
            name,
            1.0 if place >= len(weights) or (w := weights[place]) is None else w,
            text_encoder=encoders[place] if place < len(encoders) else None,
        )
        for place, name in enumerate(names)
        if name
    )


def _several(told: Any) -> list[str]:
    if isinstance(told, str):
        return [part.strip() for part in told.split(",")]
    return [str(one)[:400] if isinstance(one, str | int | float) else "" for one in listed(told)]
