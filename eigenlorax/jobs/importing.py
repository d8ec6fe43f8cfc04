"""Bringing files into the library as a job."""

from dataclasses import dataclass
from pathlib import Path

from eigenlorax.errors import InvalidRequestError
from eigenlorax.intake import Imported
from eigenlorax.jobs.asked import from_json
from eigenlorax.jobs.drops import let_go
from eigenlorax.jobs.job import Facts, Told, Work, Worker
from eigenlorax.studio import Studio

IMPORT = "import"


@dataclass(frozen=True)
class ImportAsked:
    """Files, folders and archives to bring in."""

    paths: tuple[Path, ...]


def importing(studio: Studio) -> Worker:
    """Brings in what is usable; folders and archives one by one, and all single files together.

    Files that were dropped on the page are removed once they are in the library.

    The result: `imported`, for each file found its `name`, `verdict`, `reason` and `note`, and its `rank`,
    `modules` and `bytes`.
    """

    def run(facts: Facts) -> Work:
        paths = _read(facts).paths
        batches, found = _batches(paths), list[Imported]()
        for done, batch in enumerate(batches):
            yield Told(done, len(batches), f"reading {batch[0].name}")
            found += studio.import_paths(batch)
        let_go(studio.library.root, paths)
        return {"imported": [_told(one) for one in found]}

    return Worker(run, _read)


def _read(facts: Facts) -> ImportAsked:
    asked = from_json(ImportAsked, facts)
    if not asked.paths:
        raise InvalidRequestError("write a folder or a file to add LoRAs from")
    for path in asked.paths:
        if not path.exists():
            raise InvalidRequestError(f"there is no file or folder at {path}")
    return asked


def _told(one: Imported) -> Facts:
    report = one.report
    return {
        "name": one.name,
        "verdict": report.verdict.value,
        "reason": report.reason,
        "note": one.note,
        "rank": report.rank_text,
        "modules": len(report.modules),
        "bytes": report.file_bytes,
    }


def _batches(paths: tuple[Path, ...]) -> list[list[Path]]:
    """What can be imported apart: files may be shards of one LoRA, folders are complete in themselves."""
    files = [path for path in paths if not path.is_dir()]
    return [*([files] if files else []), *([path] for path in paths if path.is_dir())]
