"""Bringing files into the library as a job."""

from dataclasses import dataclass
from pathlib import Path

from eigenlorax.intake import Imported
from eigenlorax.jobs.asked import from_json
from eigenlorax.jobs.job import Facts, Told, Work, Worker
from eigenlorax.studio import Studio

IMPORT = "import"


@dataclass(frozen=True)
class ImportAsked:
    """Files, folders and archives to bring in."""

    paths: tuple[Path, ...]


def importing(studio: Studio) -> Worker:
    """Brings in what is usable; folders and archives one by one, and all single files together.

    The result: `imported`, a list of `name`, `verdict`, `reason` and `note` for each file found.
    """

    def run(facts: Facts) -> Work:
        batches = _batches(from_json(ImportAsked, facts).paths)
        found: list[Imported] = []
        for done, batch in enumerate(batches):
            yield Told(done, len(batches), f"reading {batch[0].name}")
            found += studio.import_paths(batch)
        imported = [
            {
                "name": one.name,
                "verdict": one.report.verdict.value,
                "reason": one.report.reason,
                "note": one.note,
            }
            for one in found
        ]
        return {"imported": imported}

    return Worker(run, lambda facts: from_json(ImportAsked, facts))


def _batches(paths: tuple[Path, ...]) -> list[list[Path]]:
    """What can be imported apart: files may be shards of one LoRA, folders are complete in themselves."""
    files = [path for path in paths if not path.is_dir()]
    return [*([files] if files else []), *([path] for path in paths if path.is_dir())]
