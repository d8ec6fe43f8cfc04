"""What comes in: LoRAs, embeddings and bundles, from whatever a person points at."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from eigenlorax.errors import InvalidFileError, StudioError
from eigenlorax.export.desk import ExportDesk
from eigenlorax.formats.containers import Found, find_all
from eigenlorax.formats.read import LoRAReader
from eigenlorax.formats.report import ImportReport, Verdict
from eigenlorax.library.bundle import is_bundle
from eigenlorax.library.library import Library
from eigenlorax.runtime.embeddings import teach_words
from eigenlorax.runtime.sdxl import BaseModel


@dataclass(frozen=True)
class Imported:
    """What became of one file that was dropped or named: in the library, or left out with a reason.

    Attributes:
        name: The file's.
        report: The truth about it.
        note: What else the user should know, such as that the library has the same file already.
    """

    name: str
    report: ImportReport
    note: str = ""


class Intake:
    """Brings files into a library, or only tells about them.

    Args:
        base: The loaded model, which embeddings are taught to.
        reader: Reads LoRA files for that model.
        library: Where they are kept.
        desk: Takes bundles in.
        lock: The studio's; held while the model is changed.
    """

    def __init__(
        self, base: BaseModel, reader: LoRAReader, library: Library, desk: ExportDesk, lock: Lock
    ) -> None:
        self._base, self._reader, self._library, self._desk, self._lock = base, reader, library, desk, lock

    def take(self, paths: Iterable[Path]) -> list[Imported]:
        """Bring everything usable into the library; one bad file never stops the others."""
        return self._each(paths, self._take)

    def inspect(self, paths: Iterable[Path]) -> list[Imported]:
        """Report on everything, weights read, and leave it as it is."""
        return self._each(paths, lambda found: Imported(found.name, self._reader.verify(found.path)))

    def teach_kept_words(self) -> str:
        """Teach the model the embeddings that were kept; returns what the user should know, or nothing."""
        try:
            teach_words(self._base.pipeline, self._library.embeddings())
            self._base.placed.renew()
        except InvalidFileError as error:
            return f"The kept embeddings could not be read ({error}): remove that file, start again."
        return ""

    def _each(self, paths: Iterable[Path], use: Callable[[Found], Imported]) -> list[Imported]:
        results = []
        with TemporaryDirectory(prefix=".importing-", dir=self._library.root) as scratch:
            for given, found in find_all(paths, Path(scratch)):
                if isinstance(found, Found):
                    results.append(use(found))
                else:
                    report = ImportReport(found.name, given, Verdict.BROKEN, found.reason, base=None)
                    results.append(Imported(found.name, report))
        return results

    def _take(self, found: Found) -> Imported:
        path = found.path
        if is_bundle(path):
            return self._take_bundle(path)
        report = self._reader.verify(path)
        if report.verdict is Verdict.BROKEN:
            return Imported(path.name, report, f"found at {found.origin}" if found.origin else "")
        note = ""
        try:
            if report.embeddings:
                note = self._keep_embeddings(path)
            if report.verdict is Verdict.EMBEDDING:
                return Imported(path.name, report, note)
            kept, is_new = self._library.add_lora(path)
        except (OSError, InvalidFileError) as error:
            why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
            reason = f"could not be copied to {self._library.root} ({why}): check space and rights"
            return Imported(path.name, replace(report, verdict=Verdict.BROKEN, reason=reason))
        note = note if is_new else f"the library has this file already, as {kept.stem}"
        return Imported(path.name, replace(report, name=kept.stem, path=kept), note)

    def _take_bundle(self, path: Path) -> Imported:
        try:
            names = self._desk.import_bundle(path)
        except StudioError as error:
            return Imported(path.name, ImportReport(path.stem, path, Verdict.BROKEN, str(error), base=None))
        told = f"is a bundle of styles, now in the rack: {', '.join(names)}"
        return Imported(path.name, ImportReport(path.stem, path, Verdict.BUNDLE, told, base=None))

    def _keep_embeddings(self, path: Path) -> str:
        embeddings = self._library.add_embeddings(path)
        with self._lock:
            left_out = teach_words(self._base.pipeline, embeddings)
            self._base.placed.renew()
        words = [embedding.token for embedding in embeddings if embedding.token not in left_out]
        told = [f"the word {word!r} now calls an embedding" for word in words]
        told += [f"the embedding {word!r} is kept but not used: {why}" for word, why in left_out.items()]
        return "; ".join(told)
