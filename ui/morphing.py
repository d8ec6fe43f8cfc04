"""What happens when Morph is pressed: one seed along the way from blend A to blend B."""

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from eigenlorax.easel import Drawing
from eigenlorax.errors import InvalidRequestError, StudioError
from eigenlorax.library.animation import keep_animation
from eigenlorax.studio import Studio
from ui import drawing_markup, markup, pictures, text
from ui import drawing_text as words
from ui.asked import Values, request_from
from ui.events import GPU, Updates, drive, warn
from ui.generate import PREVIEW_EVERY, Drawn, counted, failed, seen, told_of
from ui.generate_tab import GenerateTab
from ui.rack import strengths

_ENDS = tuple(words.REMEMBER)


def wire_morphing(studio: Studio, page: gr.Blocks, tab: GenerateTab) -> Dependency:
    """Connect the room; returns the event that draws, so that Cancel can stop it."""
    room = tab.morphing
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}

    def remember(end: str) -> Any:
        def kept(styles: str, blends: Any) -> Updates:
            try:
                found = {**blends_of(blends), end: strengths(styles)}
            except StudioError as error:
                return {tab.seeing.status: markup.line(warn(error), "bad")}
            return {room.remembered: found, room.told: drawing_markup.remembered(found)}

        return kept

    def morph(**values: Any) -> Iterator[Updates]:
        """Draw one seed along the way from blend A to blend B, as a strip and as a moving picture.

        `blends` is {"a": {"neon": 1.0}, "b": {"chalk": 0.8}}; yields as `generate` does.
        """
        yield from drive(
            morphed(studio, values),
            lambda event: seen(tab, event),
            lambda done, seconds: _finished(tab, studio, *done, seconds),
            lambda reason: failed(tab, reason),
        )

    for end, button in room.remember.items():
        button.click(
            remember(end),
            [tab.rack, room.remembered],
            [room.remembered, room.told, tab.seeing.status],
            **quiet,
        )
    page.load(lambda saved: drawing_markup.remembered(blends_of(saved)), room.remembered, room.told, **quiet)
    return room.morph.click(
        morph,
        inputs_kwargs={**tab.inputs, "blends": room.remembered, "morph_pictures": room.pictures},
        outputs=told_of(tab),
        concurrency_id=GPU,
        concurrency_limit=1,
        show_progress="hidden",
        api_name="morph",
    )


def blends_of(saved: Any) -> dict[str, dict[str, float]]:
    """What a browser remembered, as far as it is readable."""
    if not isinstance(saved, dict):
        return {}
    return {
        end: {str(name): float(value) for name, value in saved[end].items() if isinstance(value, int | float)}
        for end in _ENDS
        if isinstance(saved.get(end), dict)
    }


Morphed = tuple[Drawn, Path]


def morphed(studio: Studio, values: Values) -> Generator[Drawing, None, Morphed]:
    """The form's values -> the pictures and the animation's file.

    Raises:
        InvalidRequestError: a blend is missing, or a setting is out of range.
    """
    blends = blends_of(values["blends"])
    if missing := [end.upper() for end in _ENDS if end not in blends]:
        raise InvalidRequestError(words.NEEDS_BOTH.format(" and as ".join(missing)))
    stops, count = [blends[end] for end in _ENDS], int(values["morph_pictures"])
    request = request_from(studio, values, _union(stops))
    drawn = yield from counted(request, studio.morph(request, stops, count, PREVIEW_EVERY))
    images = [picture.image for picture in drawn.finished.pictures]
    return drawn, keep_animation(images, drawn.finished.path)


def _union(stops: list[dict[str, float]]) -> dict[str, float]:
    """Every style on the way at its largest strength, for the trigger words, which must not change."""
    names = dict.fromkeys(name for stop in stops for name in stop)
    return {name: max(stop.get(name, 0.0) for stop in stops) for name in names}


def _finished(
    tab: GenerateTab, studio: Studio, drawn: Drawn, animation: Path, seconds: float
) -> Mapping[Any, Any]:
    paths = [picture.path for picture in drawn.finished.pictures]
    strip = [(path, words.way_caption(index, len(paths))) for index, path in enumerate(paths)]
    seeing, finished = tab.seeing, drawn.finished
    facts = text.drawn(finished.switch_ms, drawn.steps, seconds, drawn.request.seed)
    return {
        **pictures.finished(seeing, [(animation, words.ANIMATION), *strip]),
        seeing.status: markup.lines(
            facts,
            words.WORN[finished.mode],
            text.prompt_used(drawn.request.prompt),
            words.several(paths, animation),
        ),
        seeing.model: drawing_markup.model(studio, finished.plan),
        seeing.last_seed: drawn.request.seed,
        seeing.views: gr.Tabs(selected="picture"),
        tab.asking.cancel: gr.update(interactive=False),
    }
