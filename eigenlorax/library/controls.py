"""The ControlNets that a person has: found in place, told apart by their headers alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.header import read_header
from eigenlorax.library.places import control_folders
from eigenlorax.library.walk import Seen, walk
from eigenlorax.recall.control_text import control_name
from eigenlorax.runtime.control_file import misfit

FOLDER = "controlnet"
"""Where ControlNets lie in the data folder."""


@dataclass(frozen=True)
class ControlFile:
    """A file among ControlNets.

    Attributes:
        name: As `control_name` has it.
        path: Where it lies.
        trouble: Why it cannot steer the model that is loaded; empty when it can.
    """

    name: str
    path: Path
    trouble: str = ""


@dataclass(frozen=True)
class Controls:
    """What lies among ControlNets.

    Attributes:
        files: By name, those that cannot be used among them.
        troubles: What was passed over and why, in words for the user.
    """

    files: tuple[ControlFile, ...]
    troubles: tuple[str, ...]

    @property
    def usable(self) -> dict[str, Path]:
        """Name -> file; of two that are called alike the first."""
        usable = [one for one in self.files if not one.trouble]
        return {one.name: one.path for one in reversed(usable)}


class ControlShelf:
    """All folders of ControlNets.

    Args:
        data: The data folder, in which one lies.
        roots: Gives the folders of other programs that are looked at in place.
        given: Named at the start; None where none was.
        unet: The configuration of the UNet that is to be steered.
    """

    def __init__(
        self, data: Path, roots: Callable[[], Iterable[Path]], given: Path | None, unet: Mapping[str, Any]
    ) -> None:
        self.own = data / FOLDER
        self._roots, self._given, self._unet = roots, given, unet
        self._judged: dict[tuple[Path, int, int], str] = {}

    def look(self) -> Controls:
        """What is there now; a header is read once for each state of its file."""
        walked = [walk(folder) for folder in self._folders()]
        found = {seen.path: seen for one in walked for seen in one.files}
        files = [
            ControlFile(control_name(str(seen.path)), seen.path, self._trouble(seen))
            for seen in found.values()
        ]
        return Controls(
            tuple(sorted(files, key=lambda one: (one.name.casefold(), one.path))),
            tuple(dict.fromkeys(trouble for one in walked for trouble in one.troubles)),
        )

    def _folders(self) -> Iterator[Path]:
        yield from (folder for folder in (self.own, self._given) if folder is not None and folder.is_dir())
        for root in self._roots():
            yield from control_folders(root)

    def _trouble(self, seen: Seen) -> str:
        state = seen.path, seen.size, seen.changed
        if state not in self._judged:
            try:
                self._judged[state] = misfit(read_header(seen.path).shapes, self._unet)
            except InvalidFileError as error:
                self._judged[state] = str(error)
        return self._judged[state]
