"""InvokeAI's metadata, a JSON object in `invokeai_metadata`."""

from collections.abc import Mapping
from typing import Any

from eigenlorax.recall.bounded import listed, mapping, number, text, unread, whole
from eigenlorax.recall.recalled import Recalled, RecalledLora, Settings, hex_of, stem_of


def is_invoke(told: Mapping[str, Any]) -> bool:
    """Whether a JSON object is InvokeAI's."""
    return "positive_prompt" in told and ("app_version" in told or "generation_mode" in told)


def read_invoke(told: Mapping[str, Any]) -> Recalled:
    """InvokeAI's core metadata, of version 3 and later.

    Source: invoke-ai/InvokeAI, invokeai/app/invocations/metadata.py (CoreMetadata); before version 4 a model
    is named by `model_name`, since then by `name`, and its hash is of BLAKE3, which nobody else uses.
    """
    left = dict(told)
    skip = whole(left.pop("clip_skip", None))
    sampler = text(left.pop("scheduler", None))
    # Without its "_k" there is no Karras, which these samplers take here when nothing is said.
    plain = sampler.startswith(("dpmpp", "kdpm")) and not sampler.endswith("_k")
    settings = Settings(
        steps=whole(left.pop("steps", None)),
        sampler=sampler,
        schedule="normal" if plain else "",
        guidance=number(left.pop("cfg_scale", None)),
        seed=whole(left.pop("seed", None)),
        width=whole(left.pop("width", None)),
        height=whole(left.pop("height", None)),
        # InvokeAI counts the layers that are left out.
        clip_skip=skip + 1 if skip else None,
        guidance_rescale=number(left.pop("cfg_rescale_multiplier", None)),
        denoise=number(left.pop("strength", None)),
    )
    loras = [mapping(one) for one in listed(left.pop("loras", None))]
    model = mapping(left.pop("model", None))
    for known in ("app_version", "generation_mode", "rand_device"):
        left.pop(known, None)
    return Recalled(
        "InvokeAI",
        text(left.pop("positive_prompt", None)),
        text(left.pop("negative_prompt", None)),
        settings,
        tuple(lora for one in loras if (lora := _lora(one))),
        _name(model),
        hex_of(model.get("hash")),
        unread(left),
    )


def _lora(told: Mapping[str, Any]) -> RecalledLora | None:
    model = mapping(told.get("model") or told.get("lora"))
    weight = number(told.get("weight"))
    if not (name := _name(model)) or told.get("isEnabled") is False:
        return None
    return RecalledLora(name, 1.0 if weight is None else weight, hex_of(model.get("hash")))


def _name(model: Mapping[str, Any]) -> str:
    return stem_of(text(model.get("name")) or text(model.get("model_name")))
