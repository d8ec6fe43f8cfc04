"""What happens when Morph is pressed: one seed along the way from blend A to blend B."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from eigenlorax.errors import InvalidRequestError, StudioError
from eigenlorax.jobs.drawing import with_pictures_kept
from eigenlorax.jobs.job import Job
from eigenlorax.jobs.morphing import MORPH, MorphAsked
from eigenlorax.studio import Studio
from ui import drawing_markup, markup, pictures, text
from ui import drawing_text as words
from ui.asked import Values, request_from
from ui.events import Updates, warn
from ui.generate import PREVIEW_EVERY, drawn_facts, title_of, told_of, unfinished
from ui.generate_tab import GenerateTab
from ui.rack import strengths
from ui.viewing import Asked, Show, Viewer

_ENDS = tuple(words.REMEMBER)


def wire_morphing(studio: Studio, viewer: Viewer, page: gr.Blocks, tab: GenerateTab) -> None:
    """Connect the room."""
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
        yield from viewer.run(MORPH, lambda: asked_from(studio, values))

    for end, button in room.remember.items():
        button.click(
            remember(end),
            [tab.rack, room.remembered],
            [room.remembered, room.told, tab.seeing.status],
            **quiet,
        )
    page.load(lambda saved: drawing_markup.remembered(blends_of(saved)), room.remembered, room.told, **quiet)
    room.morph.click(
        morph,
        inputs_kwargs={**tab.inputs, "blends": room.remembered, "morph_pictures": room.pictures},
        outputs=[*told_of(tab), viewer.seen],
        concurrency_limit=None,
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


def asked_from(studio: Studio, values: Values) -> Asked:
    """The form's values -> what a morph is asked.

    Raises:
        InvalidRequestError: a blend is missing.
    """
    blends = blends_of(values["blends"])
    if missing := [end.upper() for end in _ENDS if end not in blends]:
        raise InvalidRequestError(words.NEEDS_BOTH.format(" and as ".join(missing)))
    stops, count = tuple(blends[end] for end in _ENDS), int(values["morph_pictures"])
    request = request_from(studio, values, _union(stops))
    asked = MorphAsked(replace(request, styles={}, dials={}, batch=1), stops, count, PREVIEW_EVERY)
    return Asked(with_pictures_kept(studio.library.root, asked), title_of(request))


def _union(stops: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Every style on the way at its largest strength, for the trigger words, which must not change."""
    names = dict.fromkeys(name for stop in stops for name in stop)
    return {name: max(stop.get(name, 0.0) for stop in stops) for name in names}


def show_morph(studio: Studio, tab: GenerateTab) -> Show:
    """How a strip and its moving picture appear."""

    def done(job: Job) -> Updates:
        assert job.result is not None
        seeing, animation = tab.seeing, Path(job.result["animation"])
        paths = [Path(one["path"]) for one in job.result["pictures"]]
        strip = [(path, words.way_caption(index, len(paths))) for index, path in enumerate(paths)]
        request = job.asked["request"]
        last = [text.prompt_used(request["prompt"]), words.several(paths, animation)]
        return {
            **pictures.finished(seeing, [(animation, words.ANIMATION), *strip]),
            seeing.status: markup.lines(*drawn_facts(job), *last),
            seeing.model: drawing_markup.model(studio, job.result["placed"]),
            seeing.last_seed: request["seed"],
            seeing.views: gr.Tabs(selected="picture"),
        }

    return Show(done, lambda _, seen: unfinished(tab, seen))
