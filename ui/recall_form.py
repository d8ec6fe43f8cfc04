"""From a request to the form's values: the inverse of `ui.asked`."""

import json
from dataclasses import fields
from decimal import Decimal
from typing import Any

from eigenlorax.cases.recall import Restored
from eigenlorax.dials import Dials
from eigenlorax.prompting.wildcards import literal
from eigenlorax.recipe import AUTOMATIC, Fill, GenerationRequest, Hires
from ui import recall_text
from ui.drawing_text import OWN_SAMPLER

REACH = 2.0
"""Largest strength, either sign, and largest factor of a dial that the rack shows."""
_USUAL = Hires()


def form_of(found: Restored) -> dict[str, Any]:
    """The values of the form's fields, by their names, that ask for the restored request.

    Trigger words stand in the prompt already, or were left out on purpose: adding them is switched off.
    """
    request, hires = found.request, found.request.hires or _USUAL
    varied = request.variation_strength > 0
    values: dict[str, Any] = {
        "prompt": literal(request.prompt),
        "negative_prompt": literal(request.negative_prompt),
        "add_triggers": False,
        "seed": request.seed,
        "steps": request.steps,
        "guidance": request.guidance,
        "width": request.width,
        "height": request.height,
        "sampler": request.sampler or OWN_SAMPLER[1],
        "schedule": request.schedule if request.sampler else AUTOMATIC,
        "batch": request.batch,
        "clip_skip": request.clip_skip,
        "variation_seed": request.variation_seed if varied else -1,
        "variation_strength": request.variation_strength,
        "guidance_rescale": request.guidance_rescale,
        "hires": request.hires is not None,
        "hires_scale": hires.scale,
        "hires_steps": hires.steps,
        "hires_denoise": hires.strength,
        "hires_upscaler": hires.upscaler.value,
    }
    if found.denoise is not None:
        values |= {
            "denoise": found.denoise,
            "mask_blur": found.mask_blur,
            "mask_fill": (found.fill or Fill.ORIGINAL).value,
        }
    if (control := found.control) is not None:
        values |= {
            "control_model": control.model or None,
            "control_weight": control.scale,
            "control_start": control.start,
            "control_end": control.end,
        }
    return values


def rack_of(request: GenerationRequest) -> tuple[str, list[str]]:
    """The rack's value that wears the request's styles and no others, and what it does not reach."""
    entries, words = {}, []
    for name, strength in request.styles.items():
        within = max(-REACH, min(REACH, strength))
        if within != strength:
            words.append(recall_text.clamped(name, strength, within))
        dials, odd = _dials(name, request.dials.get(name, Dials()))
        words += odd
        entries[name] = {"on": True, "strength": within, "solo": False, "dials": dials}
    return json.dumps(entries, ensure_ascii=False), words


def _dials(name: str, dials: Dials) -> tuple[dict[str, Any], list[str]]:
    found: dict[str, Any] = {}
    words = []
    for field in fields(Dials):
        factor = getattr(dials, field.name)
        if field.name == "curve" or factor == 1.0:
            continue
        found[field.name] = max(0.0, min(REACH, factor))
        if found[field.name] != factor:
            words.append(recall_text.dial_clamped(name, field.name, factor, REACH))
    if dials.curve:
        found["curve"] = ", ".join(
            f"{_digits(progress)}:{_digits(factor)}" for progress, factor in dials.curve
        )
    return found, words


def _digits(value: float) -> str:
    """All digits of a number, without an exponent, which the rack's field does not take."""
    return format(Decimal(repr(float(value))).normalize(), "f")
