"""LoRAs come in: dropped on the page, or named by path."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from gradio.events import Dependency

from eigenlorax.studio import Imported, Studio
from ui import markup, text
from ui.library_tab import LibraryTab

Refresh = Callable[[Dependency], Dependency]


def wire_adding(studio: Studio, tab: LibraryTab, refresh: Refresh) -> None:
    """Connect the drop zone and the path box; `refresh` renews what shows the library."""

    def import_files(files: list[str]) -> tuple[str, None]:
        """Bring LoRA files into the library, with the previews and notes uploaded beside them."""
        return markup.import_results(import_dropped(studio, [Path(file) for file in files or []])), None

    def import_path(path: str) -> tuple[str, str]:
        """Bring a LoRA file, or all LoRA files of a folder, on the server's disk into the library."""
        return markup.import_results(import_named(studio, path or "")), ""

    refresh(tab.drop.upload(import_files, tab.drop, [tab.results, tab.drop], show_progress="minimal"))
    named = {"inputs": tab.path, "outputs": [tab.results, tab.path], "show_progress": "minimal"}
    refresh(tab.add.click(import_path, **named))
    refresh(tab.path.submit(import_path, **named, api_visibility="private"))


def import_dropped(studio: Studio, files: Sequence[Path]) -> list[Imported | str]:
    """Import uploaded files, each of which lies in a folder of its own, and remove them.

    They are brought together first, because a preview or a note belongs to the LoRA of its stem.
    """
    with tempfile.TemporaryDirectory(dir=files[0].parent.parent if files else None) as together:
        staged = [_move(file, Path(together), str(place)) for place, file in enumerate(files)]
        return list(studio.import_paths(staged))


def _move(file: Path, folder: Path, own: str) -> Path:
    """Into the folder, or into one of its own there when another file of that name came first."""
    target = folder / file.name
    if target.exists():
        target = folder / own / file.name
        target.parent.mkdir()
    file.replace(target)
    shutil.rmtree(file.parent, ignore_errors=True)
    return target


def import_named(studio: Studio, given: str) -> list[Imported | str]:
    """Import from a path that the user typed or pasted, quotes allowed."""
    cleaned = given.strip().strip("\"'")
    path = Path(cleaned).expanduser()
    if not cleaned:
        return [text.EMPTY_PATH]
    if not path.exists():
        return [text.no_such_path(cleaned)]
    return list(studio.import_paths([path])) or [text.nothing_found(cleaned)]
