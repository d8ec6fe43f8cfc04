"""An update as a LoRA file: its error and size are told first, then it is written, read back and compared."""

import tempfile
from collections.abc import Mapping
from datetime import datetime
from math import sqrt
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from eigenlorax.errors import InvalidFileError, InvalidRequestError, NotWrittenError
from eigenlorax.export.exact import Exact
from eigenlorax.export.request import ExportResult, LoRAExport, Prediction
from eigenlorax.export.target import bytes_of, free_target
from eigenlorax.formats.card import Card, thumbnail_url
from eigenlorax.formats.containers import Found, find_loras
from eigenlorax.formats.dialect import Dialect, RealName, carries, refused_by_diffusers, stored_ranks
from eigenlorax.formats.hashes import FileHashes, hash_file
from eigenlorax.formats.header import read_header
from eigenlorax.formats.read import LoRAReader
from eigenlorax.formats.write import LoRAPlan
from eigenlorax.library.atomic import folder_written_aside, told, written_aside
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.truncate import lost_energy, ranks_up_to, ranks_within, relative_error

#: A file whose measured error is beyond this multiple of the predicted one, and this much, is not kept.
_TRUSTED, _SLACK = 2.0, 1e-3


class LoRAExporter:
    """One export of one update: predicted first, then written and read back.

    Args:
        base: The model whose names and shapes the file fits.
        exact: The update.
        request: How to write it.

    Raises:
        InvalidRequestError: the request asks for what cannot be; says what and what can.
    """

    def __init__(self, base: BaseModel, exact: Exact, request: LoRAExport) -> None:
        self._base, self._exact, self._request = base, exact, request
        self._energy = sum(spectrum.energy for spectrum in exact.spectra.values())
        if self._energy == 0.0:
            raise InvalidRequestError("there is nothing to export: give at least one style a strength")
        self._spectra = {
            path: spectrum
            for path, spectrum in exact.spectra.items()
            if carries(request.dialect, base.layout[path])
        }
        self._lost_outside = self._energy - sum(spectrum.energy for spectrum in self._spectra.values())
        self._ranks = self._choose_ranks()
        if not self._ranks:
            raise InvalidRequestError(
                f"nothing of this is left in {request.dialect}: choose kohya-sgm, or a smaller error"
            )
        self._plan = LoRAPlan(
            stored_ranks(self._ranks, base.layout, request.dialect),
            base.layout,
            request.dialect,
            request.precision,
            self._card(),
            _real_names(base),
        )

    def predict(self) -> Prediction:
        """The size and the error of the file, without writing it."""
        lost = lost_energy(self._spectra, self._ranks) + max(self._lost_outside, 0.0)
        rounded = self._request.precision.error**2 * (self._energy - lost)
        shares = {
            path: spectrum.energy / self._energy
            for path, spectrum in self._exact.spectra.items()
            if path not in self._spectra and spectrum.energy > 0.0
        }
        return Prediction(
            sqrt((lost + rounded) / self._energy),
            self._plan.file_bytes,
            self._plan.rank,
            self._plan.alpha,
            len(self._ranks),
            shares,
            self._remark(shares),
        )

    def write(self, reader: LoRAReader) -> ExportResult:
        """Write the file aside, read it back, compare it with the exact update, and put it in place.

        Raises:
            InvalidRequestError: the target is there already.
            NotWrittenError: the disk refused, or what came back is not what it should be; nothing is left.
        """
        request, predicted = self._request, self.predict()
        writing = folder_written_aside if request.dialect is Dialect.PEFT else written_aside
        with told(request.target), writing(free_target(request.target, request.replace)) as aside:
            self._plan.write(aside, lambda path: self._spectra[path].cut(self._ranks[path]))
            error = self._read_back(aside, reader)
            if error > _TRUSTED * predicted.error + _SLACK:
                raise NotWrittenError(
                    f"what was written differs by {error:.2%} instead of {predicted.error:.2%}: its numbers "
                    f"do not fit into {request.precision}; choose fp32"
                )
            files = {path.relative_to(aside).as_posix(): path for path in aside.rglob("*.safetensors")}
            hashes = {name: _hashes(path) for name, path in (files or {request.target.name: aside}).items()}
        return ExportResult(request.target, predicted, error, bytes_of(request.target), hashes)

    def _read_back(self, written: Path, reader: LoRAReader) -> float:
        with tempfile.TemporaryDirectory() as scratch:
            found = next(iter(find_loras(written, Path(scratch))))
            if not isinstance(found, Found):
                raise NotWrittenError(f"what was written cannot be read back: {found.reason}")
            try:
                return relative_error(reader.open(found.path).layers, self._exact.layers)
            except InvalidFileError as error:
                raise NotWrittenError(
                    f"what was written cannot be read back ({error}): choose fp32 instead of "
                    f"{self._request.precision}"
                ) from error

    def _choose_ranks(self) -> dict[ModulePath, int]:
        rank, allowed, precision = self._request.rank, self._request.max_error, self._request.precision
        if rank is not None and allowed is not None:
            raise InvalidRequestError("give a rank or a largest error, not both")
        if rank is not None and rank < 1:
            raise InvalidRequestError(f"rank is {rank}: choose a whole number from 1")
        if allowed is None:
            return ranks_up_to(self._spectra, rank)
        if not 0.0 < allowed < 1.0:
            raise InvalidRequestError(f"the largest error is {allowed}: choose a fraction between 0 and 1")
        budget = (allowed**2 - precision.error**2) * self._energy - self._lost_outside
        if budget < 0.0:
            least = sqrt(self._lost_outside / self._energy + precision.error**2)
            raise InvalidRequestError(
                f"an error of {allowed:g} cannot be reached with {self._request.dialect} in {precision}: the "
                f"least is {least:.2g}; allow more, or choose kohya-sgm and fp32"
            )
        return ranks_within(self._spectra, budget)

    def _card(self) -> Card:
        request, exact = self._request, self._exact
        name = request.target.stem if request.target.suffix == ".safetensors" else request.target.name
        words = exact.trigger_words if request.trigger_words is None else request.trigger_words
        return Card(
            title=request.title or name,
            output_name=name,
            base_name=self._base.name,
            resolution=self._base.native_size,
            made=datetime.now().astimezone().replace(tzinfo=None),
            trigger_words=words,
            description=request.description,
            author=request.author,
            licence=request.licence,
            tags=request.tags,
            made_from=exact.made_from,
            thumbnail=_thumbnail(request.thumbnail) if request.thumbnail else "",
        )

    def _remark(self, left_out: Mapping[ModulePath, float]) -> str:
        if left_out:
            return (
                f"{len(left_out)} norm weights and biases have no spelling in {self._request.dialect} and "
                f"are left out: {sum(left_out.values()):.2%} of the squared norm; kohya-sgm would keep them"
            )
        if reason := refused_by_diffusers(self._ranks, self._base.layout, self._request.dialect):
            return (
                f"{reason}, and diffusers' load_lora_weights refuses such a file: for diffusers choose its "
                "own dialect"
            )
        return ""


def _hashes(path: Path) -> FileHashes:
    header = read_header(path)
    return hash_file(path, header.data_start, header.metadata)


def _thumbnail(path: Path) -> str:
    try:
        with Image.open(path) as image:
            return thumbnail_url(image)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InvalidRequestError(f"{path} is no picture that can be read: choose a PNG or JPEG") from error


def _real_names(base: BaseModel) -> RealName:
    names = {
        component: {name for name, _ in getattr(base.pipeline, component.value).named_modules()}
        for component in Component
    }
    return lambda path: (
        path.name if path.name in names[path.component] else path.name.removeprefix("text_model.")
    )
