"""The use cases: what a person can do, for the page, the command line and the API alike."""

import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PIL import Image

from eigenlorax import __version__
from eigenlorax.blending.desk import BlendDesk
from eigenlorax.collection import Collection, LibraryEntry
from eigenlorax.easel import Drawing, Drawn, Easel, Painting, of_turn
from eigenlorax.events import retold
from eigenlorax.export.cards import CardDesk
from eigenlorax.export.desk import ExportDesk
from eigenlorax.formats.read import LoRAReader
from eigenlorax.home import DEMO_LORAS, DEMO_MODEL
from eigenlorax.infotext import infotext
from eigenlorax.intake import Imported, Intake
from eigenlorax.library.atomic import told
from eigenlorax.library.controls import ControlShelf
from eigenlorax.library.library import Library
from eigenlorax.lora import LoRA
from eigenlorax.originals import Originals
from eigenlorax.recipe import MAX_BATCH, GenerationRequest, StyleBlend, blend_path
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.graph import CudaRecorder
from eigenlorax.runtime.hardware import Hardware, detect
from eigenlorax.runtime.options import LoadOptions, Mode
from eigenlorax.runtime.plan import Plan
from eigenlorax.runtime.samplers import name_of
from eigenlorax.runtime.sdxl import load_base
from eigenlorax.subspace.style import Style
from eigenlorax.subspaces.bench import Bench
from eigenlorax.subspaces.current import CurrentSubspace
from eigenlorax.subspaces.desk import SubspaceDesk
from eigenlorax.subspaces.estimate import EstimateDesk
from eigenlorax.subspaces.growth import GrowthDesk
from eigenlorax.subspaces.spectrum import SpectrumDesk
from eigenlorax.subspaces.weighing import take_up_effects

#: Bytes of styles that stay on a GPU beside those worn: about a hundred of an 18-fold store.
_RESIDENT_BYTES = 1 << 30


@dataclass(frozen=True)
class Picture:
    """A picture, its file, and the text inside it."""

    image: Image.Image
    path: Path
    parameters: str


@dataclass(frozen=True)
class Finished:
    """Pictures, and how they were drawn.

    Attributes:
        pictures: In the order of the request; at least one.
        switch_ms: Milliseconds that the change of styles before took.
        mode: How the UNet wore the styles.
        plan: Where the model lay.
    """

    pictures: tuple[Picture, ...]
    switch_ms: float
    mode: Mode
    plan: Plan

    @property
    def image(self) -> Image.Image:
        """The first picture."""
        return self.pictures[0].image

    @property
    def path(self) -> Path:
        """The first picture's file."""
        return self.pictures[0].path

    @property
    def parameters(self) -> str:
        """The first picture's text."""
        return self.pictures[0].parameters


Work = Generator[Drawing, None, Finished]


class Studio:
    """A loaded base model, the user's library and the subspace of its LoRAs.

    All work that touches the model or the current subspace holds one lock, so callers may come from
    any thread; closing a generator cancels its work and frees the lock.

    Args:
        model: A diffusers folder, a single .safetensors file, or a hub id.
        data_dir: The user's data folder.
        hardware: Where to run; by default the best device there is.
        options: Precision, VAE and placement of the model, where they are not to be chosen.
        control_dir: A folder of ControlNets beside those that are found by themselves.

    Attributes:
        controls: The ControlNets that are there.

    Raises:
        ModelLoadError: the model cannot be loaded.
    """

    def __init__(
        self,
        model: str,
        data_dir: Path,
        hardware: Hardware | None = None,
        options: LoadOptions | None = None,
        control_dir: Path | None = None,
    ) -> None:
        self.base = load_base(model, hardware or detect(), options)
        self.hardware = self.base.hardware
        is_demo = Path(model).expanduser().resolve() == DEMO_MODEL
        if is_demo:
            self.base = replace(self.base, name="Emoji demo")
        self.library = Library(data_dir, shipped=DEMO_LORAS if is_demo else None)
        recorder = CudaRecorder() if self.base.device.type == "cuda" else None
        self._engine = Engine(self.base, recorder=recorder, budget=_RESIDENT_BYTES)
        self._lock = threading.Lock()
        reader = LoRAReader(self.base.layout, self._engine.facts.pristine, self.library.hashes.hash_file)
        self._originals = Originals(self.library, reader, self.base.layout_hash)
        self.controls = ControlShelf(
            data_dir, self._originals.folders.roots, control_dir, self.base.pipeline.unet.config
        )
        self._current = CurrentSubspace(self.library, self._engine)
        self.collection = Collection(self.library, self._originals, self._current)
        self.easel = Easel(
            self._engine,
            self._lock,
            lambda: (self._current.subspace, self._current.wearable),
            options.mode if options else Mode.AUTO,
        )
        bench = Bench(self._engine, self._originals, self._current, self.library, self._lock)
        self.subspaces = SubspaceDesk(bench)
        self.growth = GrowthDesk(bench)
        self.estimates, self.spectra = EstimateDesk(bench), SpectrumDesk(bench)
        self.blending = BlendDesk(bench)
        self.exports = ExportDesk(
            self.base, self._engine, reader, self.library, self._lock,
            current=self._current, originals=self._originals,
        )  # fmt: skip
        self.cards = CardDesk(bench, self.easel)
        self._intake = Intake(
            self.base, reader, self.library, self.exports, self.cards, self._lock,
            self._originals.names_in_place,
        )  # fmt: skip
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
        return self.collection.styles()

    @property
    def stored_bytes(self) -> int:
        """Bytes on disk of the current subspace and its styles."""
        return self._current.stored_bytes

    def entries(self) -> list[LibraryEntry]:
        """Every LoRA, the library's own and those in place, each with what is known of it."""
        return self.collection.entries()

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
            return [self._originals.open(listing) for listing in self._originals.usable(names)]

    def inspect_paths(self, paths: Iterable[Path]) -> list[Imported]:
        """Report on files as `import_paths` takes them, weights read, and leave everything as it is."""
        return self._intake.inspect(paths)

    def generate(self, request: GenerationRequest, previews: int = 0) -> Work:
        """Draw pictures in a blend of styles, or each in its own, and save them with their recipes inside.

        Args:
            request: What to draw.
            previews: A small preview follows every so many steps; 0 is without.

        Raises:
            InvalidRequestError: a setting is out of range, or styles are asked for before there are any.
            UnknownStyleError: a strength names a style that the subspace lacks.
            CardFullError: the card's memory does not suffice, however little is asked of it at once.
        """
        self.blending.make(name for blend in (request.styles, *request.blends) for name in blend)
        return self._saved(request, self.easel.styled(request, previews))

    def generate_with_lora(self, request: GenerationRequest, name: str, strength: float = 1.0) -> Work:
        """Draw with one original LoRA instead of its style, for comparison.

        Raises:
            InvalidRequestError: a setting is out of range, or the library has no such usable LoRA.
        """
        request.check()
        with self._lock:
            lora = self._originals.open(self._originals.named(name))
        told = replace(request, styles={name: strength}, dials={}, blends=())
        return (yield from self._saved(told, self.easel.lora(request, lora, strength), {name: lora.sha256}))

    def morph(
        self, request: GenerationRequest, stops: Sequence[StyleBlend], pictures: int, previews: int = 0
    ) -> Work:
        """Draw one seed along a path between blends, as many pictures at once as memory allows.

        Args:
            request: What to draw; its own styles do not count.
            stops: The blends that the path goes through, at least two.
            pictures: How many, both ends included.
            previews: A small preview follows every so many steps; 0 is without.

        Raises:
            As `generate`.
        """
        path, finished = blend_path(stops, pictures), list[Finished]()
        turns = range(0, pictures, MAX_BATCH)
        for turn, start in enumerate(turns):
            blends = path[start : start + MAX_BATCH]
            part = replace(request, styles={}, blends=blends, batch=len(blends), prompts=())
            work = self.generate(part, previews)
            finished.append((yield from retold(work, partial(of_turn, turn, len(turns)))))
        drawn = tuple(picture for one in finished for picture in one.pictures)
        return replace(finished[0], pictures=drawn, switch_ms=sum(one.switch_ms for one in finished))

    def _saved(
        self, request: GenerationRequest, painting: Painting, files: Mapping[str, str] | None = None
    ) -> Work:
        """Draw, and save; `files` has the SHA-256 of what is worn, where that is not the current styles."""
        drawn: Drawn = yield from painting
        sampler = name_of(self.base.pipeline.scheduler)
        extras = {"Model": self.base.name, "Version": f"EigenLoRAx Studio {__version__}"}
        if drawn.basis:
            extras = {"Eigen basis": drawn.basis[:12], **extras}
        files = files or {name: style.source_sha256 for name, style in self.styles.items()}
        hashes = {name: self.library.hashes.short(sha256) for name, sha256 in files.items()}
        pictures = []
        for index, image in enumerate(drawn.images):
            own = request.of_picture(index)
            parameters = infotext(own, sampler, extras, hashes)
            with told(self.library.outputs):
                path = self.library.keep_picture(image, parameters, own.seed)
            pictures.append(Picture(image, path, parameters))
        return Finished(tuple(pictures), drawn.switch_ms, drawn.mode, drawn.plan)
