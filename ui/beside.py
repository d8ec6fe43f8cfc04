"""Original and style side by side in the library: one style at a time, with a way to the next."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from eigenlorax.cases.pictures import Looking
from eigenlorax.errors import InvalidRequestError
from eigenlorax.jobs.asked import as_json
from eigenlorax.jobs.comparing import BESIDE, CompareAsked
from eigenlorax.jobs.job import Job
from eigenlorax.jobs.server import JobServer
from eigenlorax.recipe import GenerationRequest
from eigenlorax.studio import Studio
from eigenlorax.trigger_words import with_trigger_words
from ui import beside_text, markup, text
from ui.compare import captions
from ui.events import Updates
from ui.panel import panel
from ui.viewing import Asked, Show, Viewer


@dataclass(frozen=True)
class Beside:
    """The pair of pictures and what chooses it."""

    room: gr.Column
    style: gr.Dropdown
    previous: gr.Button
    draw: gr.Button
    next: gr.Button
    status: gr.HTML
    slider: gr.ImageSlider
    captions: gr.HTML


def beside_room(studio: Studio) -> Beside:
    """Lay it out."""
    names = comparable(studio)
    with gr.Column(elem_id="beside", visible=bool(names)) as room:
        panel(markup.heading(beside_text.HEADING, beside_text.INFO))
        with gr.Row(elem_id="beside-choice"):
            previous = gr.Button(beside_text.PREVIOUS, size="sm", min_width=120, scale=0)
            style = gr.Dropdown(
                names, label=beside_text.STYLE, elem_id="beside-style", min_width=160, scale=1
            )
            following = gr.Button(beside_text.NEXT, size="sm", min_width=120, scale=0)
            draw = gr.Button(beside_text.DRAW, size="sm", min_width=90, scale=0, elem_id="beside-draw")
        status = panel(elem_id="beside-status")
        slider = gr.ImageSlider(
            label=beside_text.SLIDER, interactive=False, format="png", elem_id="beside-slider",
            buttons=["fullscreen"], max_height=520, visible=False, show_label=False,
        )  # fmt: skip
        told = panel(elem_id="beside-captions")
    return Beside(room, style, previous, draw, following, status, slider, told)


def renewed_beside(studio: Studio, room: Beside) -> Updates:
    """After a change of the subspace: the styles that there are now; nothing at all while there is none."""
    names = comparable(studio)
    return {
        room.style: gr.Dropdown(names),
        room.room: gr.Column(visible=bool(names)),
        room.slider: gr.ImageSlider(value=None, visible=False),  # of another version
        room.captions: "",
    }


def comparable(studio: Studio) -> list[str]:
    """Styles whose LoRA is at hand."""
    return [
        entry.report.name for entry in studio.entries() if entry.report.usable and entry.style is not None
    ]


def neighbour(names: Sequence[str], name: str | None, step: int) -> str:
    """The style so many places on, round and round; the first, or the last, when none is chosen.

    Raises:
        InvalidRequestError: there is no style.
    """
    if not names:
        raise InvalidRequestError(beside_text.NOTHING)
    if name not in names:
        return names[0] if step >= 0 else names[-1]
    return names[(names.index(name) + step) % len(names)]


def side_by_side(studio: Studio, name: str, prompts: str) -> Asked:
    """Both pictures of a style, at the first of the prompts that styles are compared with."""
    looking = Looking()
    prompt = next((line.strip() for line in prompts.splitlines() if line.strip()), looking.prompts[0])
    side = studio.base.native_size
    request = GenerationRequest(
        with_trigger_words(prompt, {name: 1.0}, studio.styles), "", looking.seeds[0], looking.steps,
        looking.guidance, side, side, {name: 1.0},
    )  # fmt: skip
    return Asked(as_json(CompareAsked(request, name)), name)


def wire_beside(studio: Studio, jobs: JobServer, room: Beside, prompts: gr.Textbox) -> Viewer:
    """Connect the buttons; returns who shows the pictures."""
    viewer = Viewer(
        jobs, room.status, None, {BESIDE: show_beside(studio, room)}, [room.slider, room.captions]
    )

    def turn(step: int) -> Callable[[str, str], Iterator[Updates]]:
        def drawn(name: str, lines: str) -> Iterator[Updates]:
            """Draw the style chosen, or its neighbour, and its original LoRA at one seed."""
            names = comparable(studio)
            chosen = neighbour(names, name, step) if names else ""
            if chosen:
                yield {room.style: gr.Dropdown(names, value=chosen)}
            yield from viewer.run(BESIDE, lambda: _asked(studio, chosen, lines))

        return drawn

    outputs = [*viewer.outputs, room.style]
    quiet: dict[str, Any] = {
        "concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private",
    }  # fmt: skip
    for button, step in ((room.previous, -1), (room.draw, 0), (room.next, 1)):
        button.click(turn(step), [room.style, prompts], outputs, **quiet)
    return viewer


def show_beside(studio: Studio, room: Beside) -> Show:
    """How the pair appears; one of a version that is no longer open does not."""

    def done(job: Job) -> Updates:
        open_now = next((one for one in studio.growth.versions() if one.is_open), None)
        if open_now is None or (job.ended or 0.0) < open_now.saved.timestamp():
            return {room.status: ""}
        sides = (job.result or {})["sides"]
        told = [
            (words, text.side_times(side["switch_ms"], side["seconds"]))
            for words, side in zip(captions(job.asked), sides, strict=True)
        ]
        pair = tuple(str(Path(side["pictures"][0]["path"])) for side in sides)
        return {
            room.slider: gr.ImageSlider(value=pair, visible=True),
            room.captions: markup.captions(told[0], told[1]),
            room.status: "",
        }

    return Show(done)


def _asked(studio: Studio, name: str, prompts: str) -> Asked:
    if not name:
        raise InvalidRequestError(beside_text.NOTHING)
    return side_by_side(studio, name, prompts)
