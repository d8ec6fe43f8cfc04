"""The settings that few pictures need, behind one door, and the values they stand for."""

from collections.abc import Iterable, Mapping
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from eigenlorax.recipe import AUTOMATIC, MAX_BATCH, SAMPLERS, Hires, Upscaler, seed_of
from eigenlorax.studio import Studio
from ui import drawing_text as words
from ui import text

Values = Mapping[str, Any]
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_SCHEDULES = list(dict.fromkeys(schedule for known in SAMPLERS.values() for schedule in known))


def main_settings(studio: Studio) -> dict[str, Component]:
    """Steps, guidance and size; few-step models start with what suits them."""
    native, suited = studio.base.native_size, studio.base.variant.suggestion
    sides: dict[str, Any] = {
        "value": native, "minimum": max(64, native // 2), "maximum": min(2048, 2 * native), "step": 8,
    }  # fmt: skip
    with gr.Group(elem_id="settings", elem_classes="setting-grid"):
        return {
            "steps": gr.Slider(1, 150, suited.steps if suited else 20, step=1, label=text.STEPS),
            "guidance": gr.Slider(1, 15, suited.guidance if suited else 5, step=0.5, label=text.GUIDANCE),
            "width": gr.Slider(label=text.WIDTH, **sides),
            "height": gr.Slider(label=text.HEIGHT, **sides),
        }


def more_settings(studio: Studio) -> dict[str, Component]:
    """The accordion "More settings", closed; its fields by the names that the handlers use."""
    suited = studio.base.variant.suggestion
    sampler = suited.sampler if suited else words.OWN_SAMPLER[1]
    with gr.Accordion(words.MORE, open=False, elem_id="more"):
        with gr.Group(elem_classes="setting-grid"):
            fields: dict[str, Component] = {
                "sampler": gr.Dropdown([words.OWN_SAMPLER, *SAMPLERS], value=sampler, label=words.SAMPLER),
                "schedule": gr.Dropdown(_called(_SCHEDULES), value=AUTOMATIC, label=words.SCHEDULE),
                "batch": gr.Slider(1, MAX_BATCH, 1, step=1, label=words.BATCH),
                "clip_skip": gr.Slider(1, 12, 1, step=1, label=words.CLIP_SKIP),
                "variation_seed": gr.Number(
                    -1, label=words.VARIATION_SEED, info=words.VARIATION_INFO, precision=0
                ),
                "variation_strength": gr.Slider(0, 1, 0, step=0.05, label=words.VARIATION),
                "guidance_rescale": gr.Slider(0, 1, 0, step=0.05, label=words.RESCALE),
            }
        hires = gr.Checkbox(False, label=words.HIRES, info=words.HIRES_INFO, elem_id="hires")
        with gr.Group(visible=False, elem_classes="setting-grid") as room:
            fields |= {
                "hires": hires,
                "hires_scale": gr.Slider(1, 4, 2, step=0.05, label=words.HIRES_SCALE),
                "hires_steps": gr.Slider(0, 60, 0, step=1, label=words.HIRES_STEPS),
                "hires_denoise": gr.Slider(0, 1, 0.7, step=0.05, label=words.HIRES_DENOISE),
                "hires_upscaler": gr.Dropdown(
                    words.UPSCALERS, value=Upscaler.LATENT.value, label=words.UPSCALER
                ),
            }
        hires.change(lambda on: gr.update(visible=on), hires, room, **_QUIET)
    return fields


def wire_settings(fields: Mapping[str, Component], restored: Dependency) -> None:
    """Let the schedules follow the sampler, now and when the page has loaded.

    Args:
        fields: Of the form.
        restored: The event that brings back what was typed; the schedules follow that too.
    """
    sampler, schedule = fields["sampler"], fields["schedule"]
    # Raw values: Gradio would refuse a schedule that the sampler before did not have.
    follow: dict[str, Any] = {
        "fn": schedules, "inputs": [sampler, schedule], "outputs": schedule, "preprocess": False, **_QUIET,
    }  # fmt: skip
    sampler.input(**follow)
    restored.then(**follow)


def suggestion_button(studio: Studio, fields: Mapping[str, Component]) -> None:
    """A button with the settings that suit a few-step model; none for a plain model."""
    suited = studio.base.variant.suggestion
    if suited is None:
        return
    button = gr.Button(words.USE_SUGGESTION, size="sm", elem_id="suggestion")
    button.click(
        lambda: [suited.steps, suited.guidance, suited.sampler, schedules(suited.sampler, AUTOMATIC)],
        outputs=[fields[name] for name in ("steps", "guidance", "sampler", "schedule")],
        **_QUIET,
    )


def schedules(sampler: str, schedule: str) -> Any:
    """The schedules that a sampler can follow; one that it cannot becomes Automatic."""
    known = SAMPLERS.get(sampler, (AUTOMATIC,))
    return gr.update(choices=_called(known), value=schedule if schedule in known else AUTOMATIC)


def _called(known: Iterable[str]) -> list[tuple[str, str]]:
    return [(words.SCHEDULES.get(schedule, schedule), schedule) for schedule in known]


def settings_of(values: Values) -> dict[str, Any]:
    """The values of `more_settings` as arguments of a request."""
    own = values["sampler"] == words.OWN_SAMPLER[1]
    return {
        "sampler": "" if own else values["sampler"],
        "schedule": AUTOMATIC if own else values["schedule"],
        "batch": int(values["batch"]),
        "clip_skip": int(values["clip_skip"]),
        "variation_seed": seed_of(values["variation_seed"]) if values["variation_strength"] else 0,
        "variation_strength": float(values["variation_strength"]),
        "guidance_rescale": float(values["guidance_rescale"]),
        "hires": _hires(values) if values["hires"] else None,
    }


def _hires(values: Values) -> Hires:
    return Hires(
        float(values["hires_scale"]),
        int(values["hires_steps"]),
        float(values["hires_denoise"]),
        Upscaler(values["hires_upscaler"]),
    )
