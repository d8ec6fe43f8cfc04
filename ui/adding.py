"""LoRAs come in: dropped on the page, or named by path."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eigenlorax.jobs.drops import keep_together
from eigenlorax.jobs.importing import IMPORT
from eigenlorax.jobs.job import Job
from eigenlorax.studio import Studio
from ui import adding_markup, adding_text
from ui.events import Updates
from ui.library_tab import LibraryTab
from ui.viewing import Asked, Show, Viewer


def wire_adding(studio: Studio, viewer: Viewer, tab: LibraryTab) -> None:
    """Connect the drop zone and the path box."""

    def import_files(files: list[str]) -> Iterator[Updates]:
        """Bring LoRA files into the library, with the previews and notes uploaded beside them."""
        yield {tab.drop: None}
        if files:
            yield from viewer.run(IMPORT, lambda: dropped(studio, [Path(file) for file in files]))

    def import_path(path: str) -> Iterator[Updates]:
        """Bring a LoRA file, or all LoRA files of a folder, on the server's disk into the library."""
        yield {tab.path: ""}
        yield from viewer.run(IMPORT, lambda: named(path or ""))

    told: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden"}
    tab.drop.upload(import_files, tab.drop, [tab.results, tab.drop, viewer.seen], **told)
    come = {"inputs": tab.path, "outputs": [tab.results, tab.path, viewer.seen], **told}
    tab.add.click(import_path, **come)
    tab.path.submit(import_path, **come, api_visibility="private")


def dropped(studio: Studio, files: list[Path]) -> Asked:
    """Uploaded files, brought together: a preview or a note belongs to the LoRA of its stem.

    Raises:
        As `keep_together`.
    """
    kept = keep_together(studio.library.root, files)
    return Asked({"paths": [str(path) for path in kept]}, adding_text.files([path.name for path in kept]))


def named(given: str) -> Asked:
    """A path that the user typed or pasted, quotes allowed."""
    cleaned = given.strip().strip("\"'")
    return Asked({"paths": [cleaned] if cleaned else []}, Path(cleaned).name)


def show_import(tab: LibraryTab) -> Show:
    """A line for each file."""

    def done(job: Job) -> Updates:
        return {tab.results: adding_markup.import_results((job.result or {})["imported"])}

    return Show(done)
