"""A name for every LoRA file in place: its own where that is free, and the same one for ever."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from eigenlorax.library.kept_json import KeptJson


class Names:
    """Remembers which file has which name, because styles and notes are known by it.

    Args:
        path: The JSON file in the data folder: name -> the file that has it.
    """

    def __init__(self, path: Path) -> None:
        self._kept = KeptJson(path)

    def give(self, paths: Sequence[Path], taken: Collection[str]) -> dict[Path, str]:
        """A name for each file; one whose stem is taken has its folder's name behind it, then a number.

        A file that was moved to another folder has its name back, when the old one is gone.

        Args:
            paths: Every file in place, in the order in which names are given to new ones.
            taken: Names that no file in place can have.

        Raises:
            NotWrittenError: the disk refused to remember the new ones.
        """
        here, known = set(map(str, paths)), self._kept.read()
        owners = {
            name: path
            for name, path in known.items()
            if isinstance(path, str) and path in here and name not in taken
        }
        named = {path: name for name, path in owners.items()}
        for path in paths:
            if str(path) not in named:
                name = next(name for name in _wishes(path) if name not in owners and name not in taken)
                owners[name], named[str(path)] = str(path), name
        if any(known.get(name) != path for name, path in owners.items()):
            with self._kept.changing() as content:
                content.update(owners)
        return {path: named[str(path)] for path in paths}


def _wishes(path: Path) -> Iterator[str]:
    yield path.stem
    yield f"{path.stem} ({path.parent.name})"
    number = 2
    while True:
        yield f"{path.stem} ({path.parent.name} {number})"
        number += 1
