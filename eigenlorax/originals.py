"""The LoRAs of a library as their authors made them, each with what is known of its file."""

from collections.abc import Iterable
from pathlib import Path

from eigenlorax.errors import InvalidRequestError
from eigenlorax.formats.read import LoRAReader
from eigenlorax.formats.report import ImportReport
from eigenlorax.library.library import Library
from eigenlorax.lora import LoRA


class Originals:
    """Finds and opens the LoRAs of a library; a file is looked at again only when it has changed.

    Args:
        library: Where they lie.
        reader: Reads them for the loaded model.
    """

    def __init__(self, library: Library, reader: LoRAReader) -> None:
        self._library, self._reader = library, reader
        self._reports: dict[Path, tuple[int, ImportReport]] = {}

    def reports(self) -> list[ImportReport]:
        """One for every LoRA file, usable or not, in the library's order."""
        return [self._report(path) for path in self._library.lora_paths()]

    def usable(self, names: Iterable[str] | None = None) -> list[ImportReport]:
        """Those of these names that can be used, each once and in this order; by default all there are."""
        found = {report.name: report for report in self.reports() if report.usable}
        return [found[name] for name in dict.fromkeys(found if names is None else names) if name in found]

    def named(self, name: str) -> ImportReport:
        """The usable LoRA of this name.

        Raises:
            InvalidRequestError: the library has none.
        """
        for report in self.usable([name]):
            return report
        raise InvalidRequestError(f"the library has no usable LoRA named {name}")

    def open(self, report: ImportReport) -> LoRA:
        """The LoRA that a report is about; each layer is read when it is asked for."""
        return self._reader.open(report.path)

    def _report(self, path: Path) -> ImportReport:
        changed = path.stat().st_mtime_ns
        known = self._reports.get(path)
        if known is None or known[0] != changed:
            known = self._reports[path] = (changed, self._reader.scan(path))
        return known[1]
