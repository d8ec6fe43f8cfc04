"""All ways out of the studio, for the page, the command line and the API alike."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from eigenlorax.errors import InvalidRequestError, UnknownStyleError, WrongBaseError
from eigenlorax.export.checkpoint import write_checkpoint
from eigenlorax.export.exact import Exact, exact_blend, exact_lora
from eigenlorax.export.lora import LoRAExporter
from eigenlorax.export.request import (
    CheckpointExport,
    CheckpointResult,
    ExportResult,
    LoRAExport,
    Prediction,
)
from eigenlorax.export.target import bytes_of, free_target
from eigenlorax.formats.read import LoRAReader
from eigenlorax.library.atomic import told
from eigenlorax.library.bundle import keep_bundle, load_bundle, save_bundle
from eigenlorax.library.library import Library
from eigenlorax.originals import Originals
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspaces.current import CurrentSubspace


class ExportDesk:
    """Exports from an open studio; every method holds its lock.

    Args:
        base: The loaded model.
        engine: What puts styles into it.
        reader: Reads LoRA files back.
        library: Where bundles are kept.
        lock: The studio's.
        current: What is open.
        originals: The library's LoRAs.
    """

    def __init__(
        self,
        base: BaseModel,
        engine: Engine,
        reader: LoRAReader,
        library: Library,
        lock: Lock,
        *,
        current: CurrentSubspace,
        originals: Originals,
    ) -> None:
        self._base, self._engine, self._reader, self._library = base, engine, reader, library
        self._lock, self._current, self._originals = lock, current, originals

    def predict(self, request: LoRAExport) -> Prediction:
        """Error, size and what is left out of an export, before anything is written.

        Raises:
            InvalidRequestError: the request asks for what cannot be.
            UnknownStyleError: a strength names a style that the subspace lacks.
        """
        with self._lock:
            return LoRAExporter(self._base, self._exact(request), request).predict()

    def lora(self, request: LoRAExport) -> ExportResult:
        """Write a blend, or an original LoRA in another dialect; read it back and compare.

        Raises:
            InvalidRequestError: the request asks for what cannot be, or the target is there already.
            UnknownStyleError: a strength names a style that the subspace lacks.
            NotWrittenError: the disk refused, or what came back is not what it should be; nothing is left.
        """
        with self._lock:
            return LoRAExporter(self._base, self._exact(request), request).write(self._reader)

    def packed(self, folder: Path) -> Path:
        """A folder that was written, as a zip beside it, for whoever can only take one file.

        Raises:
            NotWrittenError: the disk refused.
        """
        archive = folder.with_name(f"{folder.name}.zip")
        with told(archive):
            return Path(shutil.make_archive(str(folder), "zip", folder.parent, folder.name))

    def checkpoint(self, request: CheckpointExport) -> CheckpointResult:
        """Write base and styles as one model; afterwards the loaded base is bit for bit what it was.

        Raises:
            InvalidRequestError: there are no styles yet, or the target is there already.
            UnknownStyleError: a strength names a style that the subspace lacks.
            NotWrittenError: the disk refused, or a weight did not come back; nothing is left.
        """
        with self._lock:
            if self._current.subspace is not None or any(request.styles.values()):
                self._engine.bake_blend(self._current.needed(), self._current.styles, request.styles)
            else:
                self._engine.wear_nothing()
            try:
                return write_checkpoint(self._base, request)
            finally:
                self._engine.wear_nothing()

    def bundle(self, names: Iterable[str] | None, target: Path, *, replace: bool = False) -> int:
        """Write the open subspace with some of its styles, by default all, as one file; returns its bytes.

        Raises:
            InvalidRequestError: there are no styles yet, or the target is there already.
            UnknownStyleError: a name is no style of the subspace.
            NotWrittenError: the disk refused.
        """
        with self._lock:
            subspace, styles = self._current.needed(), self._current.styles
            chosen = list(styles if names is None else dict.fromkeys(names))
            if missing := sorted(set(chosen) - styles.keys()):
                raise UnknownStyleError(
                    f"no style named {', '.join(missing)}; the library holds {', '.join(sorted(styles))}"
                )
            with told(free_target(target, replace)):
                save_bundle(subspace, {name: styles[name] for name in chosen}, target)
        return bytes_of(target)

    def import_bundle(self, path: Path) -> tuple[str, ...]:
        """Take a bundle's subspace and styles into the library and open them.

        A subspace that is open already gains the bundle's styles; another one stays in the library's
        folder but is no longer the open one.

        Returns:
            The names that the bundle's styles have here.

        Raises:
            InvalidFileError: no bundle, or damaged.
            WrongBaseError: it was made for another base architecture.
            NotWrittenError: the disk refused.
        """
        with self._lock:
            bundle = load_bundle(path)
            if bundle.subspace.layout != self._base.layout_hash:
                raise WrongBaseError(
                    f"{path.name} was made for another base model than {self._base.name}: start with --model "
                    "and the model that it was made for"
                )
            with told(self._library.root):
                names = keep_bundle(bundle, self._library)
            self._current.open()
            return names

    def _exact(self, request: LoRAExport) -> Exact:
        if request.lora:
            if any(request.styles.values()):
                raise InvalidRequestError("choose styles or one original LoRA to export, not both")
            report = self._originals.named(request.lora)
            return exact_lora(request.lora, self._originals.open(report).layers, report.trigger_words)
        return exact_blend(self._current.needed(), self._current.styles, request.styles)
