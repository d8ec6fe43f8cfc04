"""NovelAI's and Draw Things' JSON."""

from collections.abc import Mapping
from typing import Any

from eigenlorax.recall.bounded import listed, mapping, number, text, unread, whole
from eigenlorax.recall.recalled import Recalled, RecalledLora, Settings, stem_of
from eigenlorax.recall.sizes import size_of


def is_novelai(told: Mapping[str, Any]) -> bool:
    """Whether a JSON object is NovelAI's."""
    return "uc" in told and "scale" in told and "c" not in told


def read_novelai(told: Mapping[str, Any], description: str = "", model: str = "") -> Recalled:
    """What NovelAI writes into `Comment`; the prompt may stand in `Description` alone.

    Its models, samplers' noise and prompt weights are its own: another program draws another picture.
    """
    left = dict(told)
    settings = Settings(
        steps=whole(left.pop("steps", None)),
        sampler=text(left.pop("sampler", None)),
        schedule=text(left.pop("noise_schedule", None)),
        guidance=number(left.pop("scale", None)),
        seed=whole(left.pop("seed", None)),
        width=whole(left.pop("width", None)),
        height=whole(left.pop("height", None)),
        guidance_rescale=number(left.pop("cfg_rescale", None)),
    )
    prompt, negative = text(left.pop("prompt", None)), text(left.pop("uc", None))
    return Recalled(
        "NovelAI", prompt or description.strip(), negative, settings, (), model.strip(), "", unread(left)
    )


def is_draw_things(told: Mapping[str, Any]) -> bool:
    """Whether a JSON object is Draw Things'."""
    return "c" in told and "uc" in told


def read_draw_things(told: Mapping[str, Any]) -> Recalled:
    """What Draw Things writes into XMP's user comment."""
    left = dict(told)
    width, height = size_of(text(left.pop("size", None))) or (None, None)
    settings = Settings(
        steps=whole(left.pop("steps", None)),
        sampler=text(left.pop("sampler", None)),
        guidance=number(left.pop("scale", None)),
        seed=whole(left.pop("seed", None)),
        width=width,
        height=height,
    )
    loras = [mapping(one) for one in listed(left.pop("lora", None))]
    left.pop("strength", None)
    left.pop("v2", None)
    return Recalled(
        "Draw Things",
        text(left.pop("c", None)),
        text(left.pop("uc", None)),
        settings,
        tuple(
            RecalledLora(name, weight)
            for one in loras
            if (name := stem_of(text(one.get("model"))))
            for weight in [number(one.get("weight"))]
            if weight is not None
        ),
        stem_of(text(left.pop("model", None))),
        "",
        unread(left),
    )
