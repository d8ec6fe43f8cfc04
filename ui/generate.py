"""What happens when Generate is pressed, and when the rack's live mode draws again."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from eigenlorax.jobs.drawing import GENERATE, REDRAW, DrawAsked, with_pictures_kept
from eigenlorax.jobs.job import Job, JobPicture
from eigenlorax.recall.control_text import control_name
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.options import Mode
from eigenlorax.studio import Studio
from ui import control_text, drawing_markup, drawing_text, markup, pictures, text
from ui.asked import Values, request_from, same_seed
from ui.events import Updates
from ui.generate_tab import GenerateTab
from ui.rack import strengths
from ui.viewing import Asked, Show, Viewer

PREVIEW_EVERY = 2
"""Steps from one preview to the next."""
_TITLE_LETTERS = 60


def wire_generate(studio: Studio, viewer: Viewer, tab: GenerateTab) -> None:
    """Connect Generate and the rack's live mode."""
    asking, seeing = tab.asking, tab.seeing

    # Programs may leave out what has a value, or None in the handler's signature.
    def generate(
        control_image: Any = None, control_model: str | None = None, **values: Any
    ) -> Iterator[Updates]:
        """Draw pictures in a blend of styles and save them with their recipes inside.

        `styles` is a JSON text such as {"neon": {"strength": 0.8, "dials": {"style": 1.5, "curve":
        "fade in"}}}; a seed of -1 draws a new one. Yields the first picture's file, all files where there are
        several, a line about them and the seed; progress lines before that.
        """
        values |= {"control_image": control_image, "control_model": control_model}
        yield from viewer.run(GENERATE, lambda: asked_from(studio, values))

    def redraw(request: gr.Request, **values: Any) -> Iterator[Updates]:
        """Draw the last picture again with the styles as they are now; only the newest wish counts."""
        page = request.session_hash or "page"
        yield from viewer.replace(REDRAW, lambda: asked_from(studio, same_seed(values), page))

    def preview(request: gr.Request, **values: Any) -> Iterator[Updates]:
        """Show where a slider leads while it still moves; the redraw at its end takes this one's place."""
        page = request.session_hash or "page"
        yield from viewer.replace(REDRAW, lambda: asked_from(studio, same_seed(values), page, glimpse=True))

    asking.random.click(lambda: -1, outputs=asking.fields["seed"], api_visibility="private")
    asking.reuse.click(_reused_seed, seeing.last_seed, asking.fields["seed"], api_visibility="private")
    # "once" would swallow a press while a picture is drawn, "always_last" would wait for its end.
    drawn: dict[str, Any] = {
        "inputs_kwargs": tab.inputs,
        "outputs": [*told_of(tab), viewer.seen],
        "concurrency_limit": None,
        "show_progress": "hidden",
        "trigger_mode": "multiple",
    }
    pressed = [asking.generate.click, asking.fields["prompt"].submit]
    gr.on(pressed, generate, **drawn, api_name="generate")
    tab.rack.redraw(redraw, **drawn, api_visibility="private")
    tab.rack.preview(preview, **drawn, api_visibility="private")


def told_of(tab: GenerateTab) -> list[Component]:
    """Everything that changes while a picture is drawn and when it is done."""
    seeing = tab.seeing
    return [
        seeing.picture, seeing.pictures, seeing.single, seeing.several, seeing.status, seeing.last_seed,
        seeing.views, seeing.model, tab.asking.cancel,
    ]  # fmt: skip


def asked_from(studio: Studio, values: Values, page: str = "", *, glimpse: bool = False) -> Asked:
    """The form's values -> what a drawing job is asked.

    Args:
        studio: Whose styles have trigger words.
        values: The form's.
        page: Who asks, where only the newest wish counts.
        glimpse: Whether a glimpse of the picture will do.

    Raises:
        InvalidRequestError: the rack's value cannot be read.
    """
    request = request_from(studio, values, strengths(values["styles"]))
    asked = DrawAsked(request, PREVIEW_EVERY, page, glimpse)
    return Asked(with_pictures_kept(studio.library.root, asked), title_of(request))


def title_of(request: GenerationRequest) -> str:
    """What a picture is called in the queue: how its prompt begins."""
    return shortened(request.prompt)


def shortened(prompt: str) -> str:
    """How a prompt begins, in one line."""
    words = " ".join(prompt.split())
    return words if len(words) <= _TITLE_LETTERS else f"{words[:_TITLE_LETTERS].rstrip()}…"


def show_drawing(studio: Studio, tab: GenerateTab) -> Show:
    """How pictures appear."""

    def done(job: Job) -> Updates:
        assert job.result is not None
        kept, seeing = job.result["pictures"], tab.seeing
        if not kept:
            return {seeing.status: markup.line(drawing_text.GLIMPSE)}
        prompts = [words for words, _ in job.asked["request"].get("prompts", ())] or [""] * len(kept)
        items = [
            (Path(one["path"]), drawing_text.caption(one["seed"], shortened(words)))
            for one, words in zip(kept, prompts, strict=True)
        ]
        return {
            **pictures.finished(seeing, items),
            seeing.status: markup.lines(*_told(job)),
            seeing.model: drawing_markup.model(studio, job.result["placed"]),
            seeing.last_seed: job.asked["request"]["seed"],
            seeing.views: gr.Tabs(selected="picture"),
        }

    return Show(done, lambda _, seen: unfinished(tab, seen))


def unfinished(tab: GenerateTab, seen: Sequence[JobPicture]) -> Updates:
    """What a picture looks like by now."""
    shown = pictures.kept_sheet([one.path for one in seen])
    return {} if shown is None else pictures.unfinished(tab.seeing, shown)


def drawn_facts(job: Job) -> list[str]:
    """How quickly the styles changed and the pictures came, and how the styles were worn."""
    request, result = job.asked["request"], job.result or {}
    seconds = (job.ended or 0.0) - (job.started or 0.0)
    words = [text.drawn(result["switch_ms"], result["steps"], seconds, request["seed"])]
    if any(request["styles"].values()) or "stops" in job.asked:
        words.append(drawing_text.WORN[Mode(result["mode"])])
    return words


def _told(job: Job) -> list[str]:
    """The lines under pictures."""
    request, words = job.asked["request"], drawn_facts(job)
    if (canvas := request["canvas"]) is not None:
        words.append(drawing_text.started_from(canvas["mask"] is not None, canvas["strength"]))
    if (control := request["control"]) is not None:
        words.append(control_text.steered(
            control_name(control["model"]), control["scale"], control["start"], control["end"]
        ))  # fmt: skip
    paths = [Path(one["path"]) for one in (job.result or {})["pictures"]]
    saved = text.saved(paths[0]) if len(paths) == 1 else drawing_text.several(paths)
    used = drawing_text.OWN_PROMPTS if request.get("prompts") else text.prompt_used(request["prompt"])
    return [*words, used, saved]


def _reused_seed(last: int | None) -> int:
    if last is None:
        gr.Info(text.NO_SEED_YET)
    return -1 if last is None else last
