"""A LoRA file: its report from the header alone, its canonical float32 layers on demand."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from eigenlorax.errors import InvalidFileError, WrongBaseError
from eigenlorax.formats.base_model import identify_base, not_a_lora
from eigenlorax.formats.hashes import FileHashes, embedded_hash, hash_file
from eigenlorax.formats.header import Header, collector_paused, read_header
from eigenlorax.formats.judge import Judgement, judge
from eigenlorax.formats.metadata import (
    guess_fine_tune,
    has_cover,
    header_trigger_words,
    header_weight,
    title_of,
    training_facts,
    training_tags,
)
from eigenlorax.formats.parts import BaseWeight, Parts, build_layer
from eigenlorax.formats.relations import sketch
from eigenlorax.formats.report import ImportReport, ValueReport, Verdict
from eigenlorax.formats.scaling import alpha_settings
from eigenlorax.formats.sidecars import read_sidecars
from eigenlorax.formats.spelling import SpellingTable
from eigenlorax.formats.tags import header_tags
from eigenlorax.formats.tensors import TensorFile
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import ModelLayout, ModulePath

_MOST_JUDGED, _MOST_SUGGESTED = 64, 12

Hashing = Callable[[Path, int, Mapping[str, str]], FileHashes]
"""As `hash_file`; one that remembers may be given instead."""


class LoRAReader:
    """Reads LoRA files for one base model.

    Args:
        layout: The loaded base's parameters; a file is judged against these real names and shapes.
        base_weight: Gives the base's own value of a parameter, for the algorithms that change it.
        hashing: Hashes a file that is opened.
    """

    def __init__(self, layout: ModelLayout, base_weight: BaseWeight, hashing: Hashing = hash_file) -> None:
        self._layout, self._hashing = layout, hashing
        self._base_weight = base_weight
        self._table = SpellingTable(layout)
        widths = {f"{path.name}.lora_A.weight": (1, shape.in_features) for path, shape in layout.items()}
        self._home = identify_base(widths).family
        self._judged: dict[int, tuple[Header, Judgement]] = {}

    def scan(self, path: Path) -> ImportReport:
        """Judge a file by its header; no weight is read and nothing is raised for a bad file."""
        try:
            with collector_paused():
                return self._scan(path, read_header(path))
        except InvalidFileError as error:
            return _broken(path, error)

    def open(self, path: Path) -> LoRA:
        """The LoRA in `path`; each layer is read from disk when it is asked for.

        Raises:
            InvalidFileError: the file is broken or not a LoRA that can be read.
            WrongBaseError: it was made for another base than the loaded one.
        """
        header = read_header(path)
        return self._open(path, header, self._hashing(path, header.data_start, header.metadata).sha256)

    def verify(self, path: Path) -> ImportReport:
        """Scan a file, then read every layer once, so that broken weights are found at import."""
        try:
            header = read_header(path)
            report = self._scan(path, header)
        except InvalidFileError as error:
            return _broken(path, error)
        if not report.usable:
            return report
        try:
            hashes = hash_file(path, header.data_start, header.metadata)
            lora = self._open(path, header, hashes.sha256)
            norms = {module: lora.layers[module].norm for module in lora.layers}
            huge = (module for module, norm in norms.items() if not norm < torch.finfo(torch.float32).max)
            for module in huge:
                raise InvalidFileError(
                    f"{path.name}: the update of {module} is too large for any model; the file is damaged"
                )
        except InvalidFileError as error:
            return replace(report, verdict=Verdict.BROKEN, reason=str(error))
        zero = tuple(module for module, norm in norms.items() if norm == 0.0)
        return replace(report, values=ValueReport(norms, zero, hashes, sketch(lora)))

    def _scan(self, path: Path, header: Header) -> ImportReport:
        return _report(path, header, self._judge(header))

    def _judge(self, header: Header) -> Judgement:
        """Judge a header, or repeat the judgement of one with the same names, shapes and alpha settings."""
        key = hash((tuple(header.shapes.items()), alpha_settings(header.metadata)))
        known = self._judged.get(key)
        if known and known[0].shapes == header.shapes:
            return known[1]
        if len(self._judged) >= _MOST_JUDGED:
            self._judged.clear()
        judgement = judge(header, self._layout, self._table, self._home)
        self._judged[key] = header, judgement
        return judgement

    def _open(self, path: Path, header: Header, sha256: str) -> LoRA:
        judgement = self._judge(header)
        if judgement.verdict is Verdict.OTHER_BASE:
            raise WrongBaseError(f"{path.name} {judgement.reason}")
        if judgement.verdict in (Verdict.BROKEN, Verdict.EMBEDDING):
            raise InvalidFileError(f"{path.name} {judgement.reason}")
        layers = _LayersOnDisk(TensorFile(path, header), judgement.parts, self._base_weight)
        return LoRA(path.stem, layers, sha256)


def _broken(path: Path, error: InvalidFileError) -> ImportReport:
    return ImportReport(path.stem, path, Verdict.BROKEN, str(error), base=None)


def _report(path: Path, header: Header, judgement: Judgement) -> ImportReport:
    sidecar, metadata = read_sidecars(path), header.metadata
    words = [*sidecar.trigger_words, *sidecar.other_words, *header_trigger_words(metadata)]
    trigger_words = sidecar.trigger_words or header_trigger_words(metadata)
    more = dict.fromkeys([*words, *training_tags(metadata, _MOST_SUGGESTED)])
    advised = sidecar.preferred_weight
    return ImportReport(
        name=path.stem,
        path=path,
        verdict=judgement.verdict,
        reason=judgement.reason,
        base=judgement.base,
        fates=judgement.fates,
        modules=judgement.modules,
        fine_tune=guess_fine_tune(path, metadata, sidecar.base),
        embeddings=judgement.embeddings,
        trigger_words=trigger_words,
        title=title_of(metadata, sidecar.title or path.stem),
        sidecar=sidecar,
        licence=metadata.get("modelspec.license", "").strip() or sidecar.licence,
        training=training_facts(metadata),
        file_bytes=header.file_size,
        foreign=judgement.verdict is Verdict.BROKEN and bool(not_a_lora(header.shapes)),
        preferred_weight=header_weight(metadata) if advised is None else advised,
        tags=tuple(dict.fromkeys([*header_tags(metadata), *sidecar.tags])),
        suggested_words=tuple(word for word in more if word not in trigger_words),
        tensor_hash=embedded_hash(metadata),
        has_cover=has_cover(metadata),
        weight_bytes=header.file_size - header.data_start,
    )


class _LayersOnDisk(Mapping[ModulePath, LoRALayer]):
    """Layers that are read, checked and brought to canonical form each time they are asked for."""

    def __init__(self, file: TensorFile, parts: Mapping[ModulePath, Parts], base_weight: BaseWeight) -> None:
        self._file = file
        self._parts = parts
        self._base_weight = base_weight

    def __iter__(self) -> Iterator[ModulePath]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __contains__(self, module: object) -> bool:
        return module in self._parts

    def __getitem__(self, module: ModulePath) -> LoRALayer:
        parts = self._parts[module]
        tensors = {role: self._tensor(key) for role, key in parts.keys.items() if role in parts.used_roles}
        return build_layer(parts, tensors, self._base_weight)

    def _tensor(self, key: str) -> Tensor:
        tensor = self._file.read(key)
        if not bool(torch.isfinite(tensor).all()):
            raise InvalidFileError(
                f"{self._file.path.name}: {key!r} holds NaN or infinite numbers; "
                "its training diverged or the file is damaged"
            )
        return tensor
