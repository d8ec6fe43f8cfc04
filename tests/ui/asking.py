"""The form as the page first shows it, for tests that change a thing or two."""

from typing import Any


def form(**changed: Any) -> dict[str, Any]:
    """The handlers' values: a red apple at 64 x 64 in two steps, without styles."""
    values: dict[str, Any] = {
        "prompt": "a red apple", "negative_prompt": "", "add_triggers": True, "seed": 7, "steps": 2,
        "guidance": 3.0, "width": 64, "height": 64, "sampler": "Model's own", "schedule": "Automatic",
        "batch": 1, "clip_skip": 1, "variation_seed": -1, "variation_strength": 0, "guidance_rescale": 0,
        "hires": False, "hires_scale": 2, "hires_steps": 0, "hires_denoise": 0.7, "hires_upscaler": "Latent",
        "canvas": {"background": None, "layers": [], "composite": None}, "denoise": 0.75, "mask_blur": 0,
        "mask_fill": "original", "control_image": None, "control_model": None, "control_weight": 1,
        "control_start": 0, "control_end": 1, "styles": "{}", "last_seed": None,
    }  # fmt: skip
    assert set(changed) <= set(values)
    return values | changed
