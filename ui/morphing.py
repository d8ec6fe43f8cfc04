"""What happens when Morph is pressed: one seed along the way from blend A to blend B."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from eigenlorax.errors import InvalidRequestError
from eigenlorax.jobs.drawing import with_pictures_kept
from eigenlorax.jobs.job import Job
from eigenlorax.jobs.morphing import MORPH, MorphAsked
from eigenlorax.studio import Studio
from ui import drawing_markup, markup, pictures, text
from ui import drawing_text as words
from ui.asked import Values, request_from
from ui.events import Updates
from ui.generate import PREVIEW_EVERY, drawn_facts, title_of, told_of, unfinished
from ui.generate_tab import GenerateTab
from ui.rack import two_blends
from ui.viewing import Asked, Show, Viewer

_ENDS = ("a", "b")


def wire_morphing(studio: Studio, viewer: Viewer, page: gr.Blocks, tab: GenerateTab) -> None:
    """Connect the room."""
    room = tab.morphing

    def morph(**values: Any) -> Iterator[Updates]:
        """Draw one seed along the way from blend A to blend B, as a strip and as a moving picture.

        `styles` holds both blends, the second under the empty name: {"neon": {"strength": 1.0}, "": {"other":
        {"chalk": {"strength": 0.8}}}}; yields as `generate` does.
        """
        yield from viewer.run(MORPH, lambda: asked_from(studio, values))

    gr.on(
        [tab.rack.change, page.load], told_ends, tab.rack, room.told,
        trigger_mode="always_last", show_progress="hidden", api_visibility="private", queue=False,
    )  # fmt: skip
    room.morph.click(
        morph,
        inputs_kwargs={**tab.inputs, "morph_pictures": room.pictures},
        outputs=[*told_of(tab), viewer.seen],
        concurrency_limit=None,
        show_progress="hidden",
        api_name="morph",
    )


def told_ends(value: str) -> str:
    """Both ends in words, as far as the rack's value can be read."""
    try:
        return drawing_markup.ends(two_blends(value))
    except InvalidRequestError:
        return drawing_markup.ends({})


def asked_from(studio: Studio, values: Values) -> Asked:
    """The form's values -> what a morph is asked.

    Raises:
        InvalidRequestError: a blend is missing.
    """
    blends = two_blends(values["styles"])
    if missing := [end.upper() for end in _ENDS if end not in blends]:
        raise InvalidRequestError(words.NEEDS_BOTH.format(missing[0]))
    stops, count = tuple(blends[end] for end in _ENDS), int(values["morph_pictures"])
    request = request_from(studio, values, _union(stops))
    asked = MorphAsked(replace(request.of_picture(0), styles={}, dials={}), stops, count, PREVIEW_EVERY)
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
