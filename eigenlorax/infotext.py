"""The text that travels inside a picture's PNG, so that it can be made again; `recall` reads it back."""

import json
from collections.abc import Mapping

from eigenlorax.recall.control_text import control_text
from eigenlorax.recall.dials_text import dials_text
from eigenlorax.recall.recalled import RecalledLora, plain
from eigenlorax.recall.tags import exact, lora_tags, split_tags
from eigenlorax.recipe import AUTOMATIC, GenerationRequest

_MODEL_PAIRS = ("Model hash", "Model", "VAE hash", "VAE")


def infotext(
    request: GenerationRequest,
    sampler: str,
    extras: Mapping[str, str],
    hashes: Mapping[str, str] | None = None,
) -> str:
    """The generation parameters in A1111's grammar and order, as its PNG `parameters` chunk holds them.

    Args:
        request: What was drawn, one picture of it.
        sampler: The name of the model's own scheduler, written when the request names no sampler.
        extras: Further pairs; model and VAE stand where A1111 has them, the others last, in order.
        hashes: Style -> twelve digits by which A1111 and Civitai know the LoRA that it came from.

    Source: AUTOMATIC1111/stable-diffusion-webui, modules/processing.py (create_infotext) and
        extensions-builtin/Lora (`Lora hashes`).
    """
    worn = {name: strength for name, strength in request.styles.items() if strength}
    dials = {name: dials for name, dials in request.dials.items() if name in worn}
    lines = [request.prompt + lora_tags(worn, dials)]
    if request.negative_prompt:
        lines.append(f"Negative prompt: {request.negative_prompt}")
    pairs: dict[str, str | None] = {
        "Steps": str(request.steps),
        "Sampler": request.sampler or sampler,
        "Schedule type": None if request.schedule == AUTOMATIC else request.schedule,
        "CFG scale": exact(request.guidance),
        "Seed": str(request.seed),
        "Size": f"{request.width}x{request.height}",
        **{key: extras[key] for key in _MODEL_PAIRS if key in extras},
        **_varied(request),
        "ControlNet 0": control_text(request.control) if request.control else None,
        "Lora hashes": _hashes(worn, hashes or {}),
        "Eigen sampler": None if request.sampler else "model's own",
        "Eigen styles": _styles(request.prompt, lines[0], worn),
        "Eigen dials": dials_text(dials) or None,
        **{key: value for key, value in extras.items() if key not in _MODEL_PAIRS},
    }
    written = {key: value for key, value in pairs.items() if value is not None}
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in written.items()))
    return "\n".join(lines)


def _hashes(worn: Mapping[str, float], hashes: Mapping[str, str]) -> str | None:
    known = [f"{plain(name)}: {digits}" for name in worn if (digits := hashes.get(name))]
    return ", ".join(known) or None


def _styles(prompt: str, tagged: str, worn: Mapping[str, float]) -> str | None:
    """The blend as JSON, where its tags would be read back as another prompt or blend."""
    told = tuple(RecalledLora(name, strength) for name, strength in worn.items())
    return None if split_tags(tagged) == (prompt, told) else json.dumps(worn, ensure_ascii=False)


def _varied(request: GenerationRequest) -> dict[str, str | None]:
    """What A1111 writes behind the model, in its order; None is left out."""
    hires, canvas, varied = request.hires, request.canvas, request.variation_strength > 0
    masked = canvas if canvas is not None and canvas.mask is not None else None
    repainted = hires or canvas
    return {
        "Variation seed": str(request.variation_seed) if varied else None,
        "Variation seed strength": exact(request.variation_strength) if varied else None,
        "Denoising strength": None if repainted is None else exact(repainted.strength),
        "Clip skip": str(request.clip_skip) if request.clip_skip > 1 else None,
        "Batch size": str(request.batch) if request.batch > 1 else None,
        "CFG Rescale": exact(request.guidance_rescale) if request.guidance_rescale else None,
        "Hires upscale": None if hires is None else exact(hires.scale),
        "Hires steps": None if hires is None or not hires.steps else str(hires.steps),
        "Hires upscaler": None if hires is None else hires.upscaler.value,
        "Mask blur": None if masked is None else str(masked.blur),
        "Masked content": None if masked is None else masked.fill.value,
    }


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(c in value for c in ',:"\n') else value
