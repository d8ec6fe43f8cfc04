"""Two pictures of one prompt and seed side by side: a style against its LoRA, or against no style."""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.events import Dependency

from eigenlorax.easel import Drawing
from eigenlorax.studio import Finished, Studio, Work
from ui import markup, text
from ui.asked import Values, request_from, same_seed
from ui.events import GPU, Updates, drive
from ui.generate import drawing_line, idle
from ui.generate_tab import GenerateTab
from ui.rack import strengths, strongest


@dataclass(frozen=True)
class Side:
    """One of the two pictures: what it shows, and how long it took."""

    caption: str
    finished: Finished
    seconds: float

    @property
    def told(self) -> tuple[str, str]:
        """The caption and the times, in words."""
        return self.caption, text.side_times(self.finished, self.seconds)


@dataclass(frozen=True)
class SideStep:
    """A step of one of the two pictures."""

    caption: str
    step: Drawing


Pair = Generator[SideStep, None, tuple[Side, Side]]


def wire_compare(studio: Studio, tab: GenerateTab) -> list[Dependency]:
    """Connect both compare buttons; returns their events, so that Cancel can stop them."""

    def compare_with_original(**values: Any) -> Iterator[Updates]:
        """Draw the strongest style in use alone, and its original LoRA, at the same seed and strength."""
        yield from _shown(tab, original_and_style(studio, values))

    def compare_with_base(**values: Any) -> Iterator[Updates]:
        """Draw the base model alone, and with the styles in use, at the same seed."""
        yield from _shown(tab, base_and_styles(studio, values))

    seeing, handlers = tab.seeing, (compare_with_original, compare_with_base)
    return [
        button.click(
            handler,
            inputs_kwargs=tab.inputs,
            outputs=[seeing.slider, seeing.captions, seeing.status, seeing.views, tab.asking.cancel],
            concurrency_id=GPU,
            concurrency_limit=1,
            show_progress="hidden",
        )
        for button, handler in zip((seeing.compare_original, seeing.compare_base), handlers, strict=True)
    ]


def original_and_style(studio: Studio, values: Values) -> Pair:
    """The strongest style's original LoRA, then the style alone, without the dials that no LoRA has."""
    name, strength = strongest(strengths(values["styles"]))
    request = replace(request_from(studio, same_seed(values), {name: strength}), batch=1, dials={})
    left = yield from _side(
        text.original_caption(name, strength), studio.generate_with_lora(request, name, strength)
    )
    right = yield from _side(text.style_caption(name, strength), studio.generate(request))
    return left, right


def base_and_styles(studio: Studio, values: Values) -> Pair:
    """The base model alone, then the blend in use; the prompt is the same, trigger words included."""
    blend = strengths(values["styles"])
    strongest(blend)
    request = replace(request_from(studio, same_seed(values), blend), batch=1)
    left = yield from _side(text.BASE_CAPTION, studio.generate(replace(request, styles={})))
    right = yield from _side(text.blend_caption(blend), studio.generate(request))
    return left, right


def _side(caption: str, work: Work) -> Generator[SideStep, None, Side]:
    started = time.perf_counter()
    try:
        while True:
            yield SideStep(caption, next(work))
    except StopIteration as end:
        return Side(caption, end.value, time.perf_counter() - started)
    finally:
        work.close()


def _shown(tab: GenerateTab, pair: Pair) -> Iterator[Updates]:
    seeing, cancel = tab.seeing, tab.asking.cancel
    return drive(
        pair,
        lambda event: {
            seeing.status: _progress(event),
            seeing.views: gr.Tabs(selected="compare"),
            cancel: gr.update(interactive=True),
        },
        lambda sides, _: {
            seeing.slider: tuple(str(side.finished.path) for side in sides),
            seeing.captions: markup.captions(*(side.told for side in sides)),
            seeing.status: markup.line(text.COMPARED),
            cancel: idle(),
        },
        lambda reason: {seeing.status: markup.line(reason, "bad"), cancel: idle()},
    )


def _progress(event: SideStep) -> str:
    return drawing_line(event.step, event.caption)
