"""What comes in: LoRAs, embeddings, bundles and style cards, from whatever a person points at."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from eigenlorax.errors import InvalidFileError, StudioError
from eigenlorax.export.cards import CardDesk
from eigenlorax.export.desk import ExportDesk
from eigenlorax.formats.containers import Found, find_all
from eigenlorax.formats.png_chunks import is_png
from eigenlorax.formats.read import LoRAReader
from eigenlorax.formats.report import ImportReport, Verdict
from eigenlorax.library.bundle import is_bundle
from eigenlorax.library.library import Library
from eigenlorax.library.style_card import read_card
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
        cards: Takes style cards in.
        lock: The studio's; held while the model is changed.
        elsewhere: Names of LoRAs that do not lie in the library.
    """

    def __init__(
        self,
        base: BaseModel,
        reader: LoRAReader,
        library: Library,
        desk: ExportDesk,
        cards: CardDesk,
        lock: Lock,
        elsewhere: Callable[[], Collection[str]],
    ) -> None:
        self._elsewhere = elsewhere
        self._base, self._reader, self._library, self._lock = base, reader, library, lock
        self._desk, self._cards = desk, cards

    def take(self, paths: Iterable[Path]) -> list[Imported]:
        """Bring everything usable into the library; one bad file never stops the others."""
        return self._each(paths, self._take)

    def inspect(self, paths: Iterable[Path]) -> list[Imported]:
        """Report on everything, weights read, and leave it as it is."""
        return self._each(paths, self._inspect)

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

    def _inspect(self, found: Found) -> Imported:
        if is_png(found.path):
            return _reported(found.path, lambda: _what_it_carries(found.path))
        return Imported(found.name, self._reader.verify(found.path))

    def _take(self, found: Found) -> Imported:
        path = found.path
        if is_png(path):
            return _reported(path, lambda: self._cards.take(path).words)
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
            kept, is_new = self._library.add_lora(path, self._elsewhere())
        except (OSError, InvalidFileError) as error:
            why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
            reason = f"could not be copied to {self._library.root} ({why}): check space and rights"
            return Imported(path.name, replace(report, verdict=Verdict.BROKEN, reason=reason))
        if report.values:
            self._library.hashes.keep(kept, report.values.hashes)
        note = note if is_new else f"the library has this file already, as {kept.stem}"
        return Imported(path.name, replace(report, name=kept.stem, path=kept), note)

    def _take_bundle(self, path: Path) -> Imported:
        def take() -> str:
            return f"is a bundle of styles, now in the rack: {', '.join(self._desk.import_bundle(path))}"

        return _reported(path, take)

    def _keep_embeddings(self, path: Path) -> str:
        embeddings = self._library.add_embeddings(path)
        with self._lock:
            left_out = teach_words(self._base.pipeline, embeddings)
            self._base.placed.renew()
        words = [embedding.token for embedding in embeddings if embedding.token not in left_out]
        told = [f"the word {word!r} now calls an embedding" for word in words]
        told += [f"the embedding {word!r} is kept but not used: {why}" for word, why in left_out.items()]
        return "; ".join(told)


def _reported(path: Path, told: Callable[[], str]) -> Imported:
    """What became of a file of styles, in the words of whoever looked at it."""
    try:
        words, verdict = told(), Verdict.BUNDLE
    except StudioError as error:
        words, verdict = str(error), Verdict.BROKEN
    return Imported(path.name, ImportReport(path.stem, path, verdict, words, base=None))


def _what_it_carries(path: Path) -> str:
    """A card in words, all of it checked that can be without its subspace."""
    facts = read_card(path).facts
    made_for = f" on {facts.base}" if facts.base else ""
    return (
        f"is a {facts.kind} card of the style {facts.name}, {facts.payload_bytes:,} bytes, made in subspace "
        f"{facts.subspace[:12]}{made_for}"
    )
