"""Writing a blend as one LoRA, as a job."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from eigenlorax.errors import InvalidRequestError, UnknownStyleError
from eigenlorax.export.request import LoRAExport
from eigenlorax.formats.dialect import Dialect, Precision
from eigenlorax.jobs.asked import as_json, from_json
from eigenlorax.jobs.job import Facts, Told, Work, Worker
from eigenlorax.library.exports import free_path
from eigenlorax.studio import Studio

EXPORT = "export"


@dataclass(frozen=True)
class ExportAsked:
    """A LoRAExport that lands among the exports; see there.

    Attributes:
        name: Of the file, without its ending.
        styles: Style -> strength.
        rank, max_error, dialect, precision: As of LoRAExport.
    """

    name: str
    styles: Mapping[str, float] = field(default_factory=dict)
    rank: int | None = None
    max_error: float | None = None
    dialect: Dialect = Dialect.KOHYA_SGM
    precision: Precision = Precision.FP16


def exporting(studio: Studio) -> Worker:
    """Writes a LoRA, reads it back and compares.

    The result: its `path`, the relative `error` of what was read back, its `rank`, its `file_bytes`, and a
    `remark` or nothing. A folder, as PEFT wants it, is packed as a zip.
    """

    def run(facts: Facts) -> Work:
        asked = _read(facts)
        yield Told(0, 1, "writing")
        ending = "" if asked.dialect is Dialect.PEFT else ".safetensors"
        target = free_path(studio.library.root, asked.name, ending)
        made = studio.exports.lora(
            LoRAExport(
                target, asked.styles, rank=asked.rank, max_error=asked.max_error,
                dialect=asked.dialect, precision=asked.precision,
            )
        )  # fmt: skip
        path = made.path if made.path.is_file() else studio.exports.packed(made.path)
        found: Facts = as_json(
            {
                "path": path,
                "error": made.error,
                "rank": made.predicted.rank,
                "file_bytes": path.stat().st_size,
                "remark": made.predicted.remark,
            }
        )
        return found

    def _read(facts: Facts) -> ExportAsked:
        asked = from_json(ExportAsked, facts)
        if not any(asked.styles.values()):
            raise InvalidRequestError("there is nothing to export: give a style a strength")
        if missing := sorted(asked.styles.keys() - studio.styles.keys()):
            raise UnknownStyleError(f"there is no style named {missing[0]}: choose one of the rack's")
        return asked

    return Worker(run, _read)
