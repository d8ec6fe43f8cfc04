"""Pictures that were deleted: moved aside within the data folder, and brought back."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from eigenlorax.library.atomic import told
from eigenlorax.outputs.outputs import Outputs


@dataclass(frozen=True)
class Held:
    """What lies in the trash.

    Attributes:
        pictures: How many.
        bytes: Their size on the disk.
        last: Names what was deleted last; empty where the trash is.
    """

    pictures: int = 0
    bytes: int = 0
    last: str = ""


class Trash:
    """A folder of what was deleted, each time in a folder of its own; nothing leaves it but by `empty`.

    Args:
        outputs: Where the pictures come from and go back to.
        root: The data folder.
    """

    def __init__(self, outputs: Outputs, root: Path) -> None:
        self.folder = root / "trash"
        self._outputs = outputs

    def discard(self, keys: Sequence[str]) -> int:
        """Move pictures here; returns how many.

        Raises:
            InvalidFileError: one of them is no picture of the outputs; then none is moved.
            NotWrittenError: the disk refused; what was moved before can be brought back.
        """
        paths = {key: self._outputs.path_of(key) for key in keys}
        if not paths:
            return 0
        batch = self.folder / datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        with told(batch):
            for key, path in paths.items():
                target = batch / key
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(path, target)
        return len(paths)

    def undo(self) -> list[str]:
        """Bring back what was deleted last; returns the keys, none where the trash is empty.

        A picture whose name has been taken since gets a number behind it.

        Raises:
            NotWrittenError: the disk refused.
        """
        batch = max(self._batches(), default=None)
        if batch is None:
            return []
        keys = []
        with told(self._outputs.folder):
            for file in sorted(path for path in batch.rglob("*") if path.is_file()):
                target = _free(self._outputs.folder / file.relative_to(batch))
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(file, target)
                keys.append(target.relative_to(self._outputs.folder).as_posix())
            shutil.rmtree(batch)
        return keys

    def last(self) -> int:
        """How many pictures `undo` would bring back."""
        batch = max(self._batches(), default=None)
        return sum(path.is_file() for path in batch.rglob("*")) if batch else 0

    def held(self) -> Held:
        """What lies here now."""
        batches = self._batches()
        files = [path.stat().st_size for batch in batches for path in batch.rglob("*") if path.is_file()]
        return Held(len(files), sum(files), max((batch.name for batch in batches), default=""))

    def empty(self, last: str) -> int:
        """Remove for good what was deleted up to a moment; what has come since can still be brought back.

        Args:
            last: As `held` named it when the user was asked.

        Returns:
            How many pictures are gone.

        Raises:
            NotWrittenError: the disk refused; what is left can be brought back.
        """
        gone = 0
        with told(self.folder):
            for batch in self._batches():
                if batch.name <= last:
                    gone += sum(path.is_file() for path in batch.rglob("*"))
                    shutil.rmtree(batch)
        return gone

    def _batches(self) -> list[Path]:
        return [path for path in self.folder.glob("*-*-*") if path.is_dir()]


def _free(path: Path) -> Path:
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found
