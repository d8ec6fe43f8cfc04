"""Folders of other programs that are looked at in place: the user names them, nothing in them is changed."""

from dataclasses import dataclass
from pathlib import Path

from eigenlorax.errors import InvalidRequestError
from eigenlorax.library.kept_json import KeptJson
from eigenlorax.library.places import Place, recognise
from eigenlorax.library.walk import Seen, walk


@dataclass(frozen=True)
class Found:
    """What a folder in place holds.

    Attributes:
        root: As the user named it.
        place: What it turned out to be.
        files: Its LoRA files.
        troubles: What was passed over and why, in words for the user.
    """

    root: Path
    place: Place
    files: tuple[Seen, ...]
    troubles: tuple[str, ...]


class Folders:
    """The folders that the user has approved.

    Args:
        data: The data folder; what lies in it is the library's own and never in place.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._kept = KeptJson(data / "folders.json")

    def roots(self) -> list[Path]:
        """In the order in which they were approved."""
        folders = self._kept.read().get("folders")
        return [Path(one) for one in folders if isinstance(one, str)] if isinstance(folders, list) else []

    def approve(self, given: Path) -> Path:
        """Look at a folder in place from now on; gives it as it is kept.

        Raises:
            InvalidRequestError: it is no folder, lies in the data folder or around it, or in one that is
                approved already.
            NotWrittenError: the disk refused.
        """
        root = given.expanduser().resolve()
        if not root.is_dir():
            raise InvalidRequestError(f"there is no folder at {given}: check the path")
        data = self._data.resolve()
        if root.is_relative_to(data) or data.is_relative_to(root):
            raise InvalidRequestError(f"{root} holds this program's own data: name a folder beside it")
        for other in self.roots():
            if root.is_relative_to(other):
                raise InvalidRequestError(f"{other} is looked at already, and {root} with it")
        kept = [str(other) for other in self.roots() if not other.is_relative_to(root)]
        with self._kept.changing() as content:
            content["folders"] = [*kept, str(root)]
        return root

    def forget(self, root: Path) -> None:
        """Look at a folder no longer; nothing in it is touched.

        Raises:
            InvalidRequestError: it is not one of them.
            NotWrittenError: the disk refused.
        """
        if root not in (roots := self.roots()):
            raise InvalidRequestError(f"{root} is not one of the folders that are looked at")
        with self._kept.changing() as content:
            content["folders"] = [str(other) for other in roots if other != root]


def find(root: Path) -> Found:
    """The LoRA files of a folder in place, by the layout of whichever program it belongs to."""
    if not root.is_dir():
        gone = f"{root} is not there: connect its disk, or take it off the list"
        return Found(root, Place("folder", ()), (), (gone,))
    place = recognise(root)
    files, troubles = dict[Path, Seen](), list(place.notes)
    for folder in place.folders:
        walked = walk(folder)
        files.update({one.path: one for one in walked.files})
        troubles += walked.troubles
    return Found(root, place, tuple(files.values()), tuple(dict.fromkeys(troubles)))
