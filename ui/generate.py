"""What happens when Generate is pressed."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from eigenlorax.easel import Drawing
from eigenlorax.events import retold
from eigenlorax.jobs.job import State
from eigenlorax.jobs.server import JobServer
from eigenlorax.jobs.teaching import TRAIN
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.paint import Preview, Step
from eigenlorax.studio import Finished, Studio, Work
from ui import drawing_markup, drawing_text, markup, pictures, text
from ui.asked import Values, request_from, same_seed
from ui.events import GPU, Updates, drive
from ui.generate_tab import GenerateTab
from ui.rack import strengths

PREVIEW_EVERY = 2
"""Steps from one preview to the next."""


@dataclass(frozen=True)
class Drawn:
    """Pictures, what they were made from, and the steps that it took."""

    request: GenerationRequest
    finished: Finished
    steps: int


def wire_generate(studio: Studio, jobs: JobServer, tab: GenerateTab) -> list[Dependency]:
    """Connect Generate and the rack's live mode; returns their events, so that Cancel can stop them.

    Args:
        studio: What draws.
        jobs: The queue, whose running job a picture has to wait for.
        tab: The tab.
    """
    asking, seeing = tab.asking, tab.seeing

    def drawing(values: Values) -> Iterator[Updates]:
        if title := running(jobs):
            yield {seeing.status: markup.line(text.busy(title))}
        yield from drive(
            draw(studio, values),
            lambda event: seen(tab, event),
            lambda drawn, seconds: _finished(tab, studio, drawn, seconds),
            lambda reason: failed(tab, reason),
        )

    def generate(**values: Any) -> Iterator[Updates]:
        """Draw pictures in a blend of styles and save them with their recipes inside.

        `styles` is a JSON text such as {"neon": {"strength": 0.8, "dials": {"style": 1.5, "curve":
        "fade in"}}}; a seed of -1 draws a new one. Yields the first picture's file, all files where there are
        several, a line about them and the seed; progress lines before that.
        """
        yield from drawing(values)

    def redraw(**values: Any) -> Iterator[Updates]:
        """Draw the last picture again with the styles as they are now."""
        yield from drawing(same_seed(values))

    asking.random.click(lambda: -1, outputs=asking.fields["seed"], api_visibility="private")
    asking.reuse.click(_reused_seed, seeing.last_seed, asking.fields["seed"], api_visibility="private")
    drawn: dict[str, Any] = {
        "inputs_kwargs": tab.inputs,
        "outputs": told_of(tab),
        "concurrency_id": GPU,
        "concurrency_limit": 1,
        "show_progress": "hidden",
    }
    asked = [asking.generate.click, asking.fields["prompt"].submit]
    return [
        # "once" would swallow a press right after Cancel.
        gr.on(asked, generate, **drawn, trigger_mode="multiple", api_name="generate"),
        tab.rack.redraw(redraw, **drawn, trigger_mode="always_last", api_visibility="private"),
    ]


def running(jobs: JobServer) -> str:
    """The title of the training that has the model; nothing while none has."""
    first = next(iter(jobs.jobs(1)), None)
    return first.title if first and first.kind == TRAIN and first.state is State.RUNNING else ""


def told_of(tab: GenerateTab) -> list[Component]:
    """Everything that changes while a picture is drawn and when it is done."""
    seeing = tab.seeing
    return [
        seeing.picture, seeing.pictures, seeing.single, seeing.several, seeing.status, seeing.last_seed,
        seeing.views, seeing.model, tab.asking.cancel,
    ]  # fmt: skip


def draw(studio: Studio, values: Values) -> Generator[Drawing, None, Drawn]:
    """The form's values -> pictures and the request they were made from."""
    request = request_from(studio, values, strengths(values["styles"]))
    return (yield from counted(request, studio.generate(request, previews=PREVIEW_EVERY)))


def counted(request: GenerationRequest, work: Work) -> Generator[Drawing, None, Drawn]:
    """The same work, whose result tells how many steps it took."""
    steps = 0

    def noted(event: Drawing) -> Drawing:
        nonlocal steps
        steps = event.total if isinstance(event, Step) else steps
        return event

    finished = yield from retold(work, noted)
    return Drawn(request, finished, steps)


def seen(tab: GenerateTab, event: Drawing) -> dict[Any, Any]:
    """What the page shows of an event: where the drawing is, and what it looks like by now."""
    told: dict[Any, Any] = {
        tab.seeing.status: drawing_line(event),
        tab.asking.cancel: gr.update(interactive=True),
    }
    return told | pictures.unfinished(tab.seeing, event.images) if isinstance(event, Preview) else told


def failed(tab: GenerateTab, reason: str) -> dict[Any, Any]:
    """What the page shows when the input was at fault."""
    return {tab.seeing.status: markup.line(reason, "bad"), tab.asking.cancel: idle()}


def drawing_line(event: Drawing, what: str = "") -> str:
    """An event as a bar with words."""
    if not isinstance(event, Step | Preview):
        return markup.line(event.sentence)
    words = text.step(event.done, event.total)
    return markup.progress(f"{what} · {words}" if what else words, event.done, event.total)


def idle() -> Any:
    """Cancel has nothing to cancel."""
    return gr.update(interactive=False)


def _finished(tab: GenerateTab, studio: Studio, drawn: Drawn, seconds: float) -> dict[Any, Any]:
    request, finished, seeing = drawn.request, drawn.finished, tab.seeing
    kept = finished.pictures
    items = [(one.path, _caption(request, index)) for index, one in enumerate(kept)]
    return {
        **pictures.finished(seeing, items),
        seeing.status: markup.lines(*_told(drawn, seconds)),
        seeing.model: drawing_markup.model(studio, finished.plan),
        seeing.last_seed: request.seed,
        seeing.views: gr.Tabs(selected="picture"),
        tab.asking.cancel: idle(),
    }


def _caption(request: GenerationRequest, index: int) -> str:
    own = request.of_picture(index)
    return drawing_text.seed_caption(own.variation_seed if own.variation_strength else own.seed)


def _told(drawn: Drawn, seconds: float) -> list[str]:
    """The lines under pictures."""
    request, finished = drawn.request, drawn.finished
    words = [text.drawn(finished.switch_ms, drawn.steps, seconds, request.seed)]
    if any(request.styles.values()):
        words.append(drawing_text.WORN[finished.mode])
    if (canvas := request.canvas) is not None:
        words.append(drawing_text.started_from(canvas.mask is not None, canvas.strength))
    paths = [one.path for one in finished.pictures]
    saved = text.saved(paths[0]) if len(paths) == 1 else drawing_text.several(paths)
    return [*words, text.prompt_used(request.prompt), saved]


def _reused_seed(last: int | None) -> int:
    if last is None:
        gr.Info(text.NO_SEED_YET)
    return -1 if last is None else last
