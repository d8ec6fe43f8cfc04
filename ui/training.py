"""What happens in the Train tab: pictures come in, a job is put in the queue, and the page looks at it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from eigenlorax.errors import StudioError
from eigenlorax.jobs.server import JobServer
from eigenlorax.jobs.teaching import TRAIN
from eigenlorax.studio import Studio
from ui import markup, train_markup, train_pictures, train_text
from ui.events import Updates, warn
from ui.train_asked import asked_from
from ui.train_pictures import Chosen
from ui.train_tab import TrainTab
from ui.watching import Watch

Opening = Sequence[Callable[..., Any]]
"""Events upon which the page looks anew: it was loaded, its tab was opened."""
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def wire_giving(studio: Studio, tab: TrainTab) -> None:
    """Connect what brings pictures into the table."""
    giving = tab.giving
    table, name, trigger = (giving.fields[key] for key in ("pictures", "name", "trigger"))

    def drop(files: list[str], rows: str) -> Updates:
        return came(tab, lambda: train_pictures.dropped(studio, rows, [Path(file) for file in files or []]))

    def add(path: str, rows: str) -> Updates:
        return came(tab, lambda: train_pictures.typed(studio, rows, path or ""))

    def example() -> Updates:
        filled = {name: train_text.EXAMPLE_NAME, trigger: train_pictures.EXAMPLE_TRIGGER}
        return {**came(tab, lambda: train_pictures.examples(studio)), **filled}

    shown = [table, giving.files, giving.drop, giving.path]
    minimal = _QUIET | {"show_progress": "minimal"}
    giving.drop.upload(drop, [giving.drop, table], shown, **minimal)
    gr.on([giving.add.click, giving.path.submit], add, [giving.path, table], shown, **minimal)
    if giving.example:
        giving.example.click(example, None, [*shown, name, trigger], **minimal)


def came(tab: TrainTab, choose: Callable[[], Chosen]) -> Updates:
    """What the page shows of pictures that were given, or why they cannot be."""
    giving = tab.giving
    try:
        chosen = choose()
    except StudioError as error:
        return {giving.files: markup.line(warn(error), "bad"), giving.drop: None}
    told = train_markup.files(chosen.count, chosen.left_out)
    return {giving.fields["pictures"]: chosen.table, giving.files: told, giving.drop: None, giving.path: ""}


def wire_training(studio: Studio, watch: Watch, jobs: JobServer, load: Opening, tab: TrainTab) -> None:
    """Connect the buttons and the watching."""

    def train(**values: Any) -> Updates:
        """Teach a style from pictures, as a job that goes on when the page is closed.

        `pictures` is a JSON text such as [{"path": "/me/fox.png", "text": "a fox"}].
        """
        seen = values.pop("seen")
        return watch.after(seen, lambda: jobs.submit(TRAIN, asked_from(studio, values), values["name"]))

    inputs = {**tab.giving.fields, "seen": watch.seen}
    tab.start.click(
        train, inputs_kwargs=inputs, outputs=watch.shown, show_progress="hidden", api_name="train"
    )
    watching = tab.watching
    acts = ((watching.pause, jobs.pause), (watching.resume, jobs.resume), (watching.cancel, jobs.cancel))
    for button, act in acts:
        button.click(watch.acting(act), watch.seen, watch.shown, **_QUIET)
    gr.on([*load, watch.timer.tick], watch.look, watch.seen, watch.shown, concurrency_limit=None, **_QUIET)
