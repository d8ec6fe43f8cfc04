"""What is done with a picture of the gallery: drawn again, sent to a form, learnt from."""

from pathlib import Path
from typing import Any

import gradio as gr

from eigenlorax.cases.recall import recall_file, restored
from eigenlorax.errors import InvalidRequestError, StudioError
from eigenlorax.jobs.drawing import GENERATE, DrawAsked, with_pictures_kept
from eigenlorax.jobs.server import JobServer
from eigenlorax.outputs.outputs import Outputs
from eigenlorax.studio import Studio
from ui import gallery_text as words
from ui import recall, train_pictures
from ui.events import Updates, warn
from ui.generate import PREVIEW_EVERY, title_of
from ui.generate_tab import GenerateTab
from ui.train_tab import TrainTab
from ui.training import came

_TO_THE_CANVAS = (
    "() => { setTimeout(() => document.querySelector('#start')?.scrollIntoView({block: 'center'}), 300); }"
)
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def wire_gallery(
    studio: Studio, jobs: JobServer, outputs: Outputs, gallery: gr.HTML, rooms: gr.Tabs, tab: GenerateTab
) -> None:
    """Connect what leads to the Generate tab."""

    def to_generate() -> Updates:
        return {rooms: gr.Tabs(selected="generate")}

    def send(key: str) -> Updates:
        return {**recall.recalled(studio, tab, lambda: _read(outputs, key)), **to_generate()}

    def start(key: str) -> Updates:
        try:
            picture = str(outputs.path_of(key))
        except StudioError as error:
            warn(error)
            return {rooms: gr.skip()}
        canvas = {"background": picture, "layers": [], "composite": None}
        return {tab.asking.canvas: canvas, tab.asking.starting: gr.Accordion(open=True), **to_generate()}

    def again(key: str) -> Updates:
        try:
            found = restored(studio, recall_file(outputs.path_of(key)))
            if found.denoise is not None:
                raise InvalidRequestError(words.DRAWN_OVER)
            if found.control is not None:
                raise InvalidRequestError(words.STEERED)
            asked = with_pictures_kept(studio.library.root, DrawAsked(found.request, PREVIEW_EVERY))
            jobs.submit(GENERATE, asked, title_of(found.request))
        except StudioError as error:
            warn(error)
            return {rooms: gr.skip()}
        return to_generate()

    gallery.send(send, gallery, [*recall.outputs(tab), rooms], **_QUIET)
    started = gallery.start(start, gallery, [tab.asking.canvas, tab.asking.starting, rooms], **_QUIET)
    started.then(None, js=_TO_THE_CANVAS, api_visibility="private")
    gallery.again(again, gallery, rooms, **_QUIET)


def wire_learning_from(
    studio: Studio, outputs: Outputs, gallery: gr.HTML, rooms: gr.Tabs, training: TrainTab
) -> None:
    """Connect what leads to the Train tab."""
    giving = training.giving
    table = giving.fields["pictures"]

    def teach(key: str, rows: str) -> Updates:
        came_in = came(training, lambda: train_pictures.named(studio, rows, [outputs.path_of(key)]))
        return {**came_in, rooms: gr.Tabs(selected="train")}

    shown = [table, giving.files, giving.drop, giving.path, rooms]
    gallery.teach(teach, [gallery, table], shown, **_QUIET)


def _read(outputs: Outputs, key: str) -> tuple[Any, str]:
    path: Path = outputs.path_of(key)
    return recall_file(path), path.name
