"""What jobs leave to be seen while they run and later: curves, and small pictures as files."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from eigenlorax.jobs.database import Database, pictures_folder
from eigenlorax.jobs.job import JobPicture
from eigenlorax.library.atomic import told, written_aside

LARGEST_SIDE = 512
"""Of a kept picture, in pixels; larger ones are made smaller."""
_QUALITY = 90
LATE = 40
"""How many newer pictures of its job may come before a replaced one's file goes."""


class Traces:
    """Curves and pictures of jobs.

    Args:
        database: That of the jobs.
        root: The data folder; pictures lie in a folder of their job's own.
    """

    def __init__(self, database: Database, root: Path) -> None:
        self._database, self._root = database, root

    def folder(self, number: int) -> Path:
        """Where a job's files lie; they go when it is forgotten."""
        return pictures_folder(self._root) / str(number)

    def series(self, number: int, most: int) -> Mapping[str, list[tuple[float, float]]]:
        """A job's curves by name, each of at most `most` + 1 points, evenly chosen, the newest among them."""
        found: dict[str, list[tuple[float, float]]] = {}
        query = "SELECT curve, x, y FROM points WHERE job = ? ORDER BY curve, x"
        for curve, x, y in self._database.rows(query, number):
            found.setdefault(curve, []).append((x, y))
        return {curve: _thinned(points, most) for curve, points in found.items()}

    def pictures(self, number: int) -> list[JobPicture]:
        """A job's pictures in the order in which their labels came up."""
        query = "SELECT label, file FROM pictures WHERE job = ? ORDER BY place"
        rows = self._database.rows(query, number)
        return [JobPicture(label, self.folder(number) / file) for label, file in rows]

    def keep(self, number: int, label: str, picture: Image.Image) -> None:
        """Keep a picture, made small, in place of the one that has its label.

        Replaced ones stay as files for a while, for pages that have been told of them and are slow.

        Raises:
            NotWrittenError: the disk refused.
        """
        small = picture.convert("RGB")
        small.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        folder = self.folder(number)
        with told(folder):
            taken = [int(path.stem) for path in folder.glob("[0-9]*.jpg")]
            newest = max(taken, default=0) + 1
            name = _name(newest)
            with written_aside(folder / name) as aside:
                small.save(aside, format="JPEG", quality=_QUALITY)
        with self._database.writing() as run:
            query = "SELECT place FROM pictures WHERE job = ? AND label = ?"
            row = run.execute(query, (number, label)).fetchone()
            count = run.execute("SELECT count(*) FROM pictures WHERE job = ?", (number,)).fetchone()[0]
            run.execute(
                "INSERT OR REPLACE INTO pictures (job, label, file, place) VALUES (?, ?, ?, ?)",
                (number, label, name, row[0] if row else count),
            )
        shown = {one.path.name for one in self.pictures(number)}
        for old in taken:
            if old <= newest - LATE and _name(old) not in shown:
                (folder / _name(old)).unlink(missing_ok=True)

    def drop(self, number: int) -> None:
        """Remove a job's files."""
        shutil.rmtree(self.folder(number), ignore_errors=True)


def _name(number: int) -> str:
    return f"{number:05d}.jpg"


def _thinned(points: list[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    stride = -(-len(points) // most)
    chosen = points[::stride]
    return chosen if chosen[-1] == points[-1] else [*chosen, points[-1]]
