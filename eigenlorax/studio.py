"""The use cases: what a person can do, for the page, the command line and the API alike."""

import threading
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from eigenlorax import __version__
from eigenlorax.export.desk import ExportDesk
from eigenlorax.formats.read import LoRAReader
from eigenlorax.formats.report import ImportReport
from eigenlorax.formats.sidecars import preview_of
from eigenlorax.intake import Imported, Intake
from eigenlorax.library.atomic import told
from eigenlorax.library.library import Library
from eigenlorax.lora import LoRA
from eigenlorax.originals import Originals
from eigenlorax.recipe import GenerationRequest, infotext
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.generate import Step, denoise
from eigenlorax.runtime.hardware import Hardware, detect
from eigenlorax.runtime.options import LoadOptions
from eigenlorax.runtime.sdxl import load_base
from eigenlorax.subspace.style import Style
from eigenlorax.subspaces.bench import Bench
from eigenlorax.subspaces.current import CurrentSubspace
from eigenlorax.subspaces.desk import SubspaceDesk
from eigenlorax.subspaces.growth import GrowthDesk
from eigenlorax.subspaces.weighing import take_up_effects

_DEMO = Path(__file__).resolve().parent.parent / "assets" / "demo"
DEMO_MODEL = _DEMO / "model"
DEMO_LORAS = _DEMO / "loras"


@dataclass(frozen=True)
class LibraryEntry:
    """One LoRA of the library as the page lists it."""

    report: ImportReport
    preview: Path | None
    style: Style | None


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
        options: Precision, VAE and placement of the model, where they are not to be chosen.

    Raises:
        ModelLoadError: the model cannot be loaded.
    """

    def __init__(
        self,
        model: str,
        data_dir: Path,
        hardware: Hardware | None = None,
        options: LoadOptions | None = None,
    ) -> None:
        self.base = load_base(model, hardware or detect(), options)
        self.hardware = self.base.hardware
        is_demo = Path(model).expanduser().resolve() == DEMO_MODEL
        if is_demo:
            self.base = replace(self.base, name="Emoji demo")
        self.library = Library(data_dir, shipped=DEMO_LORAS if is_demo else None)
        self._engine = Engine(self.base)
        self._lock = threading.Lock()
        reader = LoRAReader(self.base.layout, self._engine.pristine)
        self._originals = Originals(self.library, reader)
        self._current = CurrentSubspace(self.library, self._engine)
        bench = Bench(self._engine, self._originals, self._current, self.library, self._lock)
        self.subspaces = SubspaceDesk(bench)
        self.growth = GrowthDesk(bench)
        self.exports = ExportDesk(
            self.base, self._engine, reader, self.library, self._lock,
            current=self._current, originals=self._originals,
        )  # fmt: skip
        self._intake = Intake(self.base, reader, self.library, self.exports, self._lock)
        take_up_effects(self._engine, self.library)
        self._current.notice = self._intake.teach_kept_words()
        self._current.open()

    @property
    def notice(self) -> str:
        """What the user should know from the start, or nothing."""
        return self._current.notice

    @property
    def styles(self) -> dict[str, Style]:
        """The styles of the current subspace by name; empty before the first compression."""
        return dict(self._current.styles)

    @property
    def stored_bytes(self) -> int:
        """Bytes on disk of the current subspace and its styles."""
        return self._current.stored_bytes

    def entries(self) -> list[LibraryEntry]:
        """Every LoRA of the library with its report, its preview and, when compressed, its style."""
        styles = self._current.styles
        return [
            LibraryEntry(
                report, preview_of(report.path) or self.library.cover(report.path), styles.get(report.name)
            )
            for report in self._originals.reports()
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
            return [self._originals.open(report) for report in self._originals.usable(names)]

    def inspect_paths(self, paths: Iterable[Path]) -> list[Imported]:
        """Report on files as `import_paths` takes them, weights read, and leave everything as it is."""
        return self._intake.inspect(paths)

    def generate(self, request: GenerationRequest) -> Generator[Step, None, Finished]:
        """Draw a picture with a blend of styles and save it with its recipe inside.

        Raises:
            InvalidRequestError: a setting is out of range, or styles are asked for before there are any.
            UnknownStyleError: a strength names a style that the subspace lacks.
        """
        request.check()
        with self._lock:
            if self._current.subspace is not None or any(request.styles.values()):
                subspace = self._current.needed()
                switch_ms = self._engine.wear_blend(subspace, self._current.styles, request.styles)
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
            lora = self._originals.open(self._originals.named(name))
            switch_ms = self._engine.wear_lora(lora, strength)
            return (yield from self._draw(request, switch_ms))

    def _draw(self, request: GenerationRequest, switch_ms: float) -> Generator[Step, None, Finished]:
        pipeline = self.base.pipeline
        image = yield from denoise(pipeline, request)
        extras = {"Model": self.base.name, "Version": f"EigenLoRAx Studio {__version__}"}
        if self._current.subspace is not None:
            extras = {"Eigen basis": self._current.subspace.hash[:12], **extras}
        parameters = infotext(request, type(pipeline.scheduler).__name__.removesuffix("Scheduler"), extras)
        with told(self.library.outputs):
            path = self.library.keep_picture(image, parameters, request.seed)
        return Finished(image, path, parameters, switch_ms)
