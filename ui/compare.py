"""Two pictures of one prompt and seed side by side: a style against its LoRA, or against no style."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from eigenlorax.jobs.comparing import COMPARE, CompareAsked
from eigenlorax.jobs.drawing import with_pictures_kept
from eigenlorax.jobs.job import Job
from eigenlorax.studio import Studio
from ui import markup, text
from ui.asked import Values, request_from, same_seed
from ui.events import Updates
from ui.generate import title_of
from ui.generate_tab import GenerateTab
from ui.rack import strengths, strongest
from ui.viewing import Asked, Show, Viewer


def wire_compare(studio: Studio, viewer: Viewer, tab: GenerateTab) -> None:
    """Connect both compare buttons."""

    def compare_with_original(**values: Any) -> Iterator[Updates]:
        """Draw the strongest style in use alone, and its original LoRA, at the same seed and strength."""
        yield from viewer.run(COMPARE, lambda: original_and_style(studio, values))

    def compare_with_base(**values: Any) -> Iterator[Updates]:
        """Draw the base model alone, and with the styles in use, at the same seed."""
        yield from viewer.run(COMPARE, lambda: base_and_styles(studio, values))

    seeing, handlers = tab.seeing, (compare_with_original, compare_with_base)
    for button, handler in zip((seeing.compare_original, seeing.compare_base), handlers, strict=True):
        button.click(
            handler,
            inputs_kwargs=tab.inputs,
            outputs=[
                seeing.slider, seeing.captions, seeing.status, seeing.views, tab.asking.cancel, viewer.seen,
            ],
            concurrency_limit=None,
            show_progress="hidden",
        )  # fmt: skip


def original_and_style(studio: Studio, values: Values) -> Asked:
    """The strongest style's original LoRA and the style alone, without the dials that no LoRA has."""
    name, strength = strongest(strengths(values["styles"]))
    request = request_from(studio, same_seed(values), {name: strength})
    asked = CompareAsked(replace(request.of_picture(0), dials={}), name)
    return Asked(with_pictures_kept(studio.library.root, asked), title_of(request))


def base_and_styles(studio: Studio, values: Values) -> Asked:
    """The base model alone and the blend in use; the prompt is the same, trigger words included."""
    blend = strengths(values["styles"])
    strongest(blend)
    request = request_from(studio, same_seed(values), blend)
    asked = CompareAsked(request.of_picture(0))
    return Asked(with_pictures_kept(studio.library.root, asked), title_of(request))


def show_comparison(tab: GenerateTab) -> Show:
    """How a comparison appears."""
    seeing = tab.seeing

    def done(job: Job) -> Updates:
        assert job.result is not None
        sides = job.result["sides"]
        told = [
            (words, text.side_times(side["switch_ms"], side["seconds"]))
            for words, side in zip(captions(job.asked), sides, strict=True)
        ]
        return {
            seeing.slider: tuple(str(Path(side["pictures"][0]["path"])) for side in sides),
            seeing.captions: markup.captions(told[0], told[1]),
            seeing.status: markup.line(text.COMPARED),
            seeing.views: gr.Tabs(selected="compare"),
        }

    return Show(done, lambda *_: {seeing.views: gr.Tabs(selected="compare")})


def captions(asked: Mapping[str, Any]) -> tuple[str, str]:
    """What the two halves show."""
    name, blend = asked["lora"], asked["request"]["styles"]
    if name:
        return text.original_caption(name, blend[name]), text.style_caption(name, blend[name])
    return text.BASE_CAPTION, text.blend_caption(blend)
