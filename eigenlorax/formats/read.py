"""A LoRA file: its report from the header alone, its canonical float32 layers on demand."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from eigenlorax.errors import InvalidFileError, WrongBaseError
from eigenlorax.formats.header import Header, read_header
from eigenlorax.formats.judge import Judgement, judge
from eigenlorax.formats.metadata import guess_fine_tune, title_of, trigger_words
from eigenlorax.formats.parts import BaseWeight, Parts, build_layer
from eigenlorax.formats.report import ImportReport, ValueReport, Verdict
from eigenlorax.formats.spelling import SpellingTable
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import ModelLayout, ModulePath


class LoRAReader:
    """Reads LoRA files for one base model.

    Args:
        layout: The loaded base's parameters; a file is judged against these real names and shapes.
        base_weight: Gives the base's own value of a parameter, for the algorithms that change it.
    """

    def __init__(self, layout: ModelLayout, base_weight: BaseWeight) -> None:
        self._layout = layout
        self._base_weight = base_weight
        self._table = SpellingTable(layout)

    def scan(self, path: Path) -> ImportReport:
        """Judge a file by its header; no weight is read and nothing is raised for a bad file."""
        try:
            header = read_header(path)
            return _report(path, header, judge(header, self._layout, self._table))
        except InvalidFileError as error:
            return ImportReport(path.stem, path, Verdict.BROKEN, str(error), base=None)

    def open(self, path: Path) -> LoRA:
        """The LoRA in `path`; each layer is read from disk when it is asked for.

        Raises:
            InvalidFileError: the file is broken or not a LoRA that can be read.
            WrongBaseError: it was made for another base than the loaded one.
        """
        judgement = judge(read_header(path), self._layout, self._table)
        if judgement.verdict is Verdict.OTHER_BASE:
            raise WrongBaseError(f"{path.name} {judgement.reason}")
        if judgement.verdict is Verdict.BROKEN:
            raise InvalidFileError(f"{path.name} {judgement.reason}")
        layers = _LayersOnDisk(path, judgement.parts, self._base_weight)
        return LoRA(path.stem, layers, file_sha256(path))

    def verify(self, path: Path) -> ImportReport:
        """Scan a file, then read every layer once, so that broken weights are found at import."""
        report = self.scan(path)
        if not report.usable:
            return report
        try:
            lora = self.open(path)
            norms = {module: lora.layers[module].norm for module in lora.layers}
        except InvalidFileError as error:
            return replace(report, verdict=Verdict.BROKEN, reason=str(error))
        zero = tuple(module for module, norm in norms.items() if norm == 0.0)
        return replace(report, sha256=lora.sha256, values=ValueReport(norms, zero))


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _report(path: Path, header: Header, judgement: Judgement) -> ImportReport:
    return ImportReport(
        name=path.stem,
        path=path,
        verdict=judgement.verdict,
        reason=judgement.reason,
        base=judgement.base,
        fates=judgement.fates,
        modules={module: parts.report() for module, parts in judgement.parts.items()},
        fine_tune=guess_fine_tune(path, header.metadata),
        embeddings=judgement.embeddings,
        trigger_words=trigger_words(path, header.metadata),
        title=title_of(header.metadata, path.stem),
        file_bytes=header.file_size,
    )


class _LayersOnDisk(Mapping[ModulePath, LoRALayer]):
    """Layers that are read, checked and brought to canonical form each time they are asked for."""

    def __init__(self, path: Path, parts: Mapping[ModulePath, Parts], base_weight: BaseWeight) -> None:
        self._path = path
        self._parts = parts
        self._base_weight = base_weight
        self._file = safe_open(path, framework="pt")

    def __iter__(self) -> Iterator[ModulePath]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, module: ModulePath) -> LoRALayer:
        parts = self._parts[module]
        tensors = {role: self._tensor(key) for role, key in parts.keys.items() if role in parts.used_roles}
        return build_layer(parts, tensors, self._base_weight)

    def _tensor(self, key: str) -> Tensor:
        tensor: Tensor = self._file.get_tensor(key).float()
        if not bool(torch.isfinite(tensor).all()):
            raise InvalidFileError(
                f"{self._path.name}: {key!r} holds NaN or infinite numbers; "
                "its training diverged or the file is damaged"
            )
        return tensor
