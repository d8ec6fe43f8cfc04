"""The use cases: what a person can do, for the page, the command line and the API alike."""

import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from eigenlorax import __version__
from eigenlorax.errors import InvalidRequestError, StudioError, UnknownStyleError
from eigenlorax.export.desk import ExportDesk
from eigenlorax.formats.read import LoRAReader
from eigenlorax.formats.relations import Relations, relate, sketch
from eigenlorax.formats.report import ImportReport
from eigenlorax.formats.sidecars import preview_of
from eigenlorax.intake import Imported, Intake
from eigenlorax.library.atomic import told
from eigenlorax.library.budget import numbers_within
from eigenlorax.library.files import moved
from eigenlorax.library.library import Library
from eigenlorax.lora import LoRA
from eigenlorax.recipe import GenerationRequest, infotext
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.generate import Step, denoise
from eigenlorax.runtime.hardware import Hardware, detect
from eigenlorax.runtime.sdxl import load_base
from eigenlorax.subspace.fingerprint import compare
from eigenlorax.subspace.fit import FitProgress, Goal, fit
from eigenlorax.subspace.grow import place, room_for
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

_DEMO = Path(__file__).resolve().parent.parent / "assets" / "demo"
DEMO_MODEL = _DEMO / "model"
DEMO_LORAS = _DEMO / "loras"
DEFAULT_RETAIN = 0.95


@dataclass(frozen=True)
class LibraryEntry:
    """One LoRA of the library as the page lists it."""

    report: ImportReport
    preview: Path | None
    style: Style | None


@dataclass(frozen=True)
class Compressed:
    """The result of compressing.

    Attributes:
        styles: With true sizes.
        original_bytes: Of the LoRA files.
        stored_bytes: Of bases and styles, headers included.
        relations: Duplicates and shared random starts, which make a subspace look better than it is.
        sharing: In how many modules shared columns paid for their bytes, and how many modules there are.
    """

    styles: dict[str, Style]
    original_bytes: int
    stored_bytes: int
    relations: Relations = field(default_factory=Relations)
    sharing: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Finished:
    """A picture with its file, its parameters and how long the style switch before it took."""

    image: Image.Image
    path: Path
    parameters: str
    switch_ms: float


class Studio:
    """A loaded base model, the user's library and the subspace of its LoRAs.

    All work that touches the model or the current subspace holds one lock, so callers may come from
    any thread; closing a generator cancels its work and frees the lock.

    Args:
        model: A diffusers folder, a single .safetensors file, or a hub id.
        data_dir: The user's data folder.
        hardware: Where to run; by default the best device there is.

    Raises:
        ModelLoadError: the model cannot be loaded.
    """

    def __init__(self, model: str, data_dir: Path, hardware: Hardware | None = None) -> None:
        self.hardware = hardware or detect()
        self.base = load_base(model, self.hardware)
        is_demo = Path(model).expanduser().resolve() == DEMO_MODEL
        if is_demo:
            self.base = replace(self.base, name="Emoji demo")
        self.library = Library(data_dir, shipped=DEMO_LORAS if is_demo else None)
        self._engine = Engine(self.base)
        self._reader = LoRAReader(self.base.layout, self._engine.pristine)
        self._lock = threading.Lock()
        self._reports: dict[Path, tuple[int, ImportReport]] = {}
        self._subspace: Subspace | None = None
        self._styles: dict[str, Style] = {}
        self._folder: Path | None = None
        self.exports = ExportDesk(
            self.base, self._engine, self._reader, self.library, self._lock,
            current=lambda: (self._subspace, self._styles),
            original=self._original, reopen=self._open_current,
        )  # fmt: skip
        self._intake = Intake(self.base, self._reader, self.library, self.exports, self._lock)
        self.notice = self._intake.teach_kept_words()
        self._open_current()

    @property
    def styles(self) -> dict[str, Style]:
        """The styles of the current subspace by name; empty before the first compression."""
        return dict(self._styles)

    @property
    def stored_bytes(self) -> int:
        """Bytes on disk of the current subspace and its styles."""
        return self.library.stored_bytes(self._folder) if self._folder else 0

    @property
    def sharing(self) -> tuple[int, int]:
        """In how many modules the current subspace has shared columns, and how many modules it has."""
        bases = self._subspace.bases.values() if self._subspace else ()
        return sum(basis.core_shape[0] > 0 for basis in bases), len(bases)

    def entries(self) -> list[LibraryEntry]:
        """Every LoRA of the library with its report, its preview and, when compressed, its style."""
        return [
            LibraryEntry(report, preview_of(path) or self.library.cover(path), self._styles.get(report.name))
            for path in self.library.lora_paths()
            for report in (self._report(path),)
        ]

    def import_paths(self, paths: Iterable[Path]) -> list[Imported]:
        """Bring LoRA files, or all LoRA files of folders, into the library.

        Files, folders, zip archives, shards and PEFT folders may be given. Usable files and those made
        for another base are kept, embeddings too; a broken one is left out. One bad file never stops the
        others, and each gets its line.
        """
        return self._intake.take(paths)

    def originals(self, names: Sequence[str] | None = None) -> list[LoRA]:
        """The usable LoRAs of the library, by default all; each layer is read when it is asked for."""
        with self._lock:
            usable = self._usable()
            return [
                self._reader.open(usable[name].path)
                for name in dict.fromkeys(usable if names is None else names)
                if name in usable
            ]

    def inspect_paths(self, paths: Iterable[Path]) -> list[Imported]:
        """Report on files as `import_paths` takes them, weights read, and leave everything as it is."""
        return self._intake.inspect(paths)

    def compress(
        self, names: Sequence[str] | None = None, retain: float = DEFAULT_RETAIN, budget: int | None = None
    ) -> Generator[FitProgress, None, Compressed]:
        """Fit one shared subspace to LoRAs of the library; the LoRA files stay as they are.

        Args:
            names: Which ones; by default every usable one.
            retain: Mean share of squared Frobenius norm to keep, in (0, 1]; of no account with a budget.
            budget: Most bytes on disk for the subspace and all styles, headers included.

        Raises:
            InvalidRequestError: none of the names is usable, `retain` is out of range, or the budget does not
                even hold the headers.
        """
        with self._lock:
            usable = self._usable()
            chosen = [usable[name] for name in (usable if names is None else names) if name in usable]
            loras = [self._reader.open(report.path) for report in chosen]
            sizes = {report.name: report.file_bytes for report in chosen}
            modules = {path for lora in loras for path in lora.layers}
            goal = Goal(retain=retain)
            if budget is not None:
                goal = Goal(number_bytes=numbers_within(budget, modules, len(loras)))
            importance = self._engine.importance(modules)
            result = yield from fit(loras, sizes, self.base.layout_hash, goal, importance)
            made = replace(result.subspace, base=self._engine.fingerprint(result.subspace.bases))
            styles = result.styles({report.name: report.trigger_words for report in chosen})
            self._save(made, styles)
            # Back from disk, so that today's pictures are made with exactly what tomorrow's will be.
            self._open_current()
            relations = relate({lora.name: sketch(lora) for lora in loras})
            return Compressed(self.styles, sum(sizes.values()), self.stored_bytes, relations, self.sharing)

    def add_style(self, name: str, retain: float = DEFAULT_RETAIN) -> Style:
        """Bring one more LoRA of the library into the current subspace; every other style stays bit for bit.

        Raises:
            InvalidRequestError: there is no subspace yet, or no such usable LoRA.
        """
        with self._lock:
            if self._subspace is None:
                raise InvalidRequestError("there is no subspace yet: press Compress first")
            lora, words = self._original(name)
            grown = room_for(self._subspace, lora, self.base.layout)
            grown = replace(grown, base=self._engine.fingerprint(grown.bases))
            importance = self._engine.importance(lora.layers)
            size = self._usable()[name].file_bytes
            style = place(lora, grown, retain, importance, size, words)
            self._save(grown, {n: moved(s, grown) for n, s in self._styles.items()} | {name: style})
            self._open_current()
            return self._styles[name]

    def remove_style(self, name: str) -> None:
        """Take a style out of the current subspace; its LoRA and all other styles stay.

        Raises:
            UnknownStyleError: the subspace has no such style.
        """
        with self._lock:
            if self._subspace is None or name not in self._styles:
                raise UnknownStyleError(f"no style named {name}; there are {', '.join(sorted(self._styles))}")
            self._save(self._subspace, {n: s for n, s in self._styles.items() if n != name})
            self._open_current()

    def generate(self, request: GenerationRequest) -> Generator[Step, None, Finished]:
        """Draw a picture with a blend of styles and save it with its recipe inside.

        Raises:
            InvalidRequestError: a setting is out of range, or styles are asked for before there are any.
            UnknownStyleError: a strength names a style that the subspace lacks.
        """
        request.check()
        with self._lock:
            if self._subspace is not None:
                switch_ms = self._engine.wear_blend(self._subspace, self._styles, request.styles)
            elif any(request.styles.values()):
                raise InvalidRequestError("there are no styles yet: press Compress first")
            else:
                switch_ms = self._engine.wear_nothing()
            return (yield from self._draw(request, switch_ms))

    def generate_with_lora(
        self, request: GenerationRequest, name: str, strength: float = 1.0
    ) -> Generator[Step, None, Finished]:
        """Draw a picture with one original LoRA instead of its style, for comparison.

        Raises:
            InvalidRequestError: a setting is out of range, or the library has no such usable LoRA.
        """
        request.check()
        with self._lock:
            switch_ms = self._engine.wear_lora(self._original(name)[0], strength)
            return (yield from self._draw(request, switch_ms))

    def _draw(self, request: GenerationRequest, switch_ms: float) -> Generator[Step, None, Finished]:
        pipeline = self.base.pipeline
        image = yield from denoise(pipeline, request)
        extras = {"Model": self.base.name, "Version": f"EigenLoRAx Studio {__version__}"}
        if self._subspace is not None:
            extras = {"Eigen basis": self._subspace.hash[:12], **extras}
        parameters = infotext(request, type(pipeline.scheduler).__name__.removesuffix("Scheduler"), extras)
        with told(self.library.outputs):
            path = self.library.keep_picture(image, parameters, request.seed)
        return Finished(image, path, parameters, switch_ms)

    def _save(self, subspace: Subspace, styles: Mapping[str, Style]) -> None:
        with told(self.library.root / "subspaces"):
            self.library.save(subspace, styles)

    def _original(self, name: str) -> tuple[LoRA, tuple[str, ...]]:
        if (report := self._usable().get(name)) is None:
            raise InvalidRequestError(f"the library has no usable LoRA named {name}")
        return self._reader.open(report.path), report.trigger_words

    def _usable(self) -> dict[str, ImportReport]:
        return {entry.report.name: entry.report for entry in self.entries() if entry.report.usable}

    def _report(self, path: Path) -> ImportReport:
        changed = path.stat().st_mtime_ns
        known = self._reports.get(path)
        if known is None or known[0] != changed:
            known = self._reports[path] = (changed, self._reader.scan(path))
        return known[1]

    def _open_current(self) -> None:
        try:
            current = self.library.load_current(self.base.layout_hash)
        except StudioError as error:
            self.notice = f"The last subspace could not be opened ({error}). Press Compress to make it anew."
            return
        if current is not None:
            self._folder, subspace, self._styles = current
            self._subspace = subspace.ready()
            if subspace.base is not None and not self.notice:
                here = self._engine.fingerprint(subspace.bases)
                self.notice = compare(subspace.base, here).notice(subspace.base.name)
