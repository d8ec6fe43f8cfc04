"""The text that travels inside a picture's PNG, so that it can be made again."""

import json
from collections.abc import Mapping
from dataclasses import fields

from eigenlorax.dials import Dials
from eigenlorax.recipe import AUTOMATIC, GenerationRequest

_MODEL_PAIRS = ("Model hash", "Model", "VAE hash", "VAE")


def infotext(request: GenerationRequest, sampler: str, extras: Mapping[str, str]) -> str:
    """The generation parameters in A1111's grammar and order, as its PNG `parameters` chunk holds them.

    Args:
        request: What was drawn.
        sampler: The name of the model's own scheduler, written when the request names no sampler.
        extras: Further pairs; model and VAE stand where A1111 has them, the others last, in order.

    Source: AUTOMATIC1111/stable-diffusion-webui, modules/processing.py (create_infotext).
    """
    tags = "".join(f" <lora:{name}:{strength:g}>" for name, strength in request.styles.items() if strength)
    lines = [request.prompt + tags]
    if request.negative_prompt:
        lines.append(f"Negative prompt: {request.negative_prompt}")
    pairs: dict[str, str | None] = {
        "Steps": str(request.steps),
        "Sampler": request.sampler or sampler,
        "Schedule type": None if request.schedule == AUTOMATIC else request.schedule,
        "CFG scale": f"{request.guidance:g}",
        "Seed": str(request.seed),
        "Size": f"{request.width}x{request.height}",
        **{key: extras[key] for key in _MODEL_PAIRS if key in extras},
        **_varied(request),
        "ControlNet 0": _control(request),
        "Eigen dials": _dials(request),
        **{key: value for key, value in extras.items() if key not in _MODEL_PAIRS},
    }
    written = {key: value for key, value in pairs.items() if value is not None}
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in written.items()))
    return "\n".join(lines)


def _varied(request: GenerationRequest) -> dict[str, str | None]:
    """What A1111 writes behind the model, in its order; None is left out."""
    hires, canvas, varied = request.hires, request.canvas, request.variation_strength > 0
    masked = canvas if canvas is not None and canvas.mask is not None else None
    repainted = hires or canvas
    return {
        "Variation seed": str(request.variation_seed) if varied else None,
        "Variation seed strength": f"{request.variation_strength:g}" if varied else None,
        "Denoising strength": None if repainted is None else f"{repainted.strength:g}",
        "Clip skip": str(request.clip_skip) if request.clip_skip > 1 else None,
        "Batch size": str(request.batch) if request.batch > 1 else None,
        "CFG Rescale": f"{request.guidance_rescale:g}" if request.guidance_rescale else None,
        "Hires upscale": None if hires is None else f"{hires.scale:g}",
        "Hires steps": None if hires is None or not hires.steps else str(hires.steps),
        "Hires upscaler": None if hires is None else hires.upscaler.value,
        "Mask blur": None if masked is None else str(masked.blur),
        "Masked content": None if masked is None else masked.fill.value,
    }


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(c in value for c in ',:"\n') else value


def _control(request: GenerationRequest) -> str | None:
    """As the ControlNet extension of A1111 writes it."""
    hint = request.control
    if hint is None:
        return None
    model = hint.model.replace(",", " ")
    return (
        f"Model: {model}, Weight: {hint.scale:g}, Guidance Start: {hint.start:g}, Guidance End: {hint.end:g}"
    )


def _dials(request: GenerationRequest) -> str | None:
    """What the dials of the styles worn say beside 1, as JSON."""
    plain = Dials()
    told = {
        name: {
            f.name: getattr(dials, f.name)
            for f in fields(dials)
            if getattr(dials, f.name) != getattr(plain, f.name)
        }
        for name, dials in request.dials.items()
        if request.styles.get(name) and dials != plain
    }
    return json.dumps(told, ensure_ascii=False) if told else None
