"""A LoRA file: its report from the header alone, its canonical float32 layers on demand."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from eigenlorax.errors import InvalidFileError, WrongBaseError
from eigenlorax.formats.base_model import BaseEvidence, BaseFamily, identify_base
from eigenlorax.formats.header import Header, read_header
from eigenlorax.formats.metadata import title_of, trigger_words
from eigenlorax.formats.report import Fate, ImportReport, TensorFate, Verdict
from eigenlorax.formats.scaling import AdapterConfig, layer_scale
from eigenlorax.formats.spelling import SpellingTable, split_role
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import ModelLayout, ModulePath, ModuleShape

_FACTOR_ROLES = ("down", "up", "mid")


class LoRAReader:
    """Reads LoRA files for one base model.

    Args:
        layout: The loaded base's modules; a file is judged against these real names and shapes.
    """

    def __init__(self, layout: ModelLayout) -> None:
        self._layout = layout
        self._table = SpellingTable(layout)

    def scan(self, path: Path) -> ImportReport:
        """Judge a file by its header; no weight is read and nothing is raised for a bad file."""
        try:
            header = read_header(path)
            return self._judge(path, header)[0]
        except InvalidFileError as error:
            return ImportReport(path.stem, path, Verdict.BROKEN, str(error), base=None)

    def open(self, path: Path) -> LoRA:
        """The LoRA in `path`; each layer is read from disk when it is asked for.

        Raises:
            InvalidFileError: the file is broken or not a LoRA that can be read.
            WrongBaseError: it was made for another base than the loaded one.
        """
        report, parts = self._judge(path, read_header(path))
        if report.verdict is Verdict.OTHER_BASE:
            raise WrongBaseError(f"{path.name}: {report.reason}")
        if not report.usable:
            raise InvalidFileError(f"{path.name}: {report.reason}")
        return LoRA(path.stem, _LayersOnDisk(path, parts), file_sha256(path))

    def verify(self, path: Path) -> ImportReport:
        """Scan a file, then read every layer once, so that broken weights are found at import."""
        report = self.scan(path)
        if not report.usable:
            return report
        try:
            lora = self.open(path)
            for module in lora.layers:
                lora.layers[module]
        except InvalidFileError as error:
            return replace(report, verdict=Verdict.BROKEN, reason=str(error))
        return replace(report, sha256=lora.sha256)

    def _judge(self, path: Path, header: Header) -> tuple[ImportReport, dict[ModulePath, "_Parts"]]:
        fates: dict[str, TensorFate] = {}
        groups: dict[ModulePath, dict[str, str]] = defaultdict(dict)
        for key in header.tensors:
            placement = self._table.place(key)
            if placement is None:
                fates[key] = TensorFate(Fate.REFUSED, "no module of the loaded model has this name")
            elif placement.role in groups[placement.path]:
                other = groups[placement.path][placement.role]
                fates[key] = TensorFate(Fate.IGNORED, f"{other} is another spelling of it")
            else:
                groups[placement.path][placement.role] = key
        base = identify_base(header.shapes, lambda key: split_role(key)[1] == "down")
        config = AdapterConfig.from_metadata(header.metadata)
        parts, mismatch, broken = {}, "", ""
        for module, keys in groups.items():
            if missing := sorted({"down", "up"} - keys.keys()):
                reason = f"{module} lacks its {' and '.join(missing)} factor"
                fates.update({key: TensorFate(Fate.REFUSED, reason) for key in keys.values()})
                broken = broken or reason
                continue
            if "dora_scale" in keys:
                reason = f"{module} is a DoRA, whose magnitudes are not a low-rank update"
                fates.update({key: TensorFate(Fate.REFUSED, reason) for key in keys.values()})
                continue
            shapes = {role: header.tensors[key].shape for role, key in keys.items()}
            if reason := _why_it_does_not_fit(shapes, self._layout[module]):
                mismatch = mismatch or f"{module} {reason}"
                fates.update({key: TensorFate(Fate.REFUSED, reason) for key in keys.values()})
                continue
            rank = shapes["down"][0]
            parts[module] = _Parts(keys, self._layout[module], config.scale(module, rank), rank)
            for role, key in keys.items():
                fates[key] = TensorFate(Fate.USED if role in _FACTOR_ROLES else Fate.FOLDED)
        verdict, reason = _verdict(base, fates, parts, mismatch, broken)
        report = ImportReport(
            name=path.stem,
            path=path,
            verdict=verdict,
            reason=reason,
            base=base,
            fates=fates,
            ranks={module: part.rank for module, part in parts.items()},
            trigger_words=trigger_words(path, header.metadata),
            title=title_of(header.metadata, path.stem),
            file_bytes=header.file_size,
        )
        return report, parts


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class _Parts:
    """The tensors one module's update is made of: role -> name in the file."""

    keys: Mapping[str, str]
    shape: ModuleShape
    configured_scale: float | None
    rank: int


class _LayersOnDisk(Mapping[ModulePath, LoRALayer]):
    """Layers that are read, checked and brought to canonical form each time they are asked for."""

    def __init__(self, path: Path, parts: Mapping[ModulePath, _Parts]) -> None:
        self._path = path
        self._parts = parts
        self._file = safe_open(path, framework="pt")

    def __iter__(self) -> Iterator[ModulePath]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, module: ModulePath) -> LoRALayer:
        parts = self._parts[module]
        tensors = {role: self._file.get_tensor(key).float() for role, key in parts.keys.items()}
        for role, tensor in tensors.items():
            if not bool(torch.isfinite(tensor).all()):
                raise InvalidFileError(
                    f"{self._path.name}: {parts.keys[role]!r} holds NaN or infinite numbers; "
                    "its training diverged or the file is damaged"
                )
        scale = layer_scale(
            parts.rank, _number(tensors.get("alpha")), _number(tensors.get("scale")), parts.configured_scale
        )
        rows, columns = parts.shape.matrix
        up = tensors["up"].reshape(rows, parts.rank) * scale
        down = tensors["down"].reshape(parts.rank, -1)
        if "mid" in tensors:
            down = torch.einsum("mnhw,ni->mihw", tensors["mid"], down)
        return LoRALayer(up, down.reshape(parts.rank, columns).contiguous())


def _number(tensor: Tensor | None) -> float | None:
    return None if tensor is None else float(tensor.flatten()[0])


def _why_it_does_not_fit(shapes: Mapping[str, tuple[int, ...]], shape: ModuleShape) -> str:
    """Compare the factors' shapes with the module's; empty when they fit."""
    down, up = shapes["down"], shapes["up"]
    if len(down) < 2 or len(up) < 2 or 0 in down or 0 in up:
        return f"has factors of the shapes {up} and {down}, which are no matrices"
    rank = down[0]
    rows, columns = shape.matrix
    width = _numel(down) // rank
    if "mid" in shapes:
        mid = shapes["mid"]
        if len(mid) != 4 or mid[:2] != (rank, rank) or tuple(mid[2:]) != shape.kernel:
            return f"has a middle factor of the shape {mid}, this model's kernel is {shape.kernel}"
        width *= _numel(mid[2:])
    if up[1] != rank or _numel(up) != rows * rank or width != columns:
        return f"is {up[0]} x {width} in the file, {rows} x {columns} in this model"
    return ""


def _numel(shape: tuple[int, ...]) -> int:
    return int(torch.Size(shape).numel())


def _verdict(
    base: BaseEvidence,
    fates: Mapping[str, TensorFate],
    parts: Mapping[ModulePath, _Parts],
    mismatch: str,
    broken: str,
) -> tuple[Verdict, str]:
    refused = [key for key, fate in fates.items() if fate.fate is Fate.REFUSED]
    if not fates:
        return Verdict.BROKEN, "holds no tensors; export it again"
    if mismatch or (not parts and base.family is not BaseFamily.OTHER):
        return Verdict.OTHER_BASE, _needs(base, mismatch)
    if broken:
        return Verdict.BROKEN, broken
    if not parts:
        return Verdict.BROKEN, (
            f"none of its {len(fates)} tensors can be used: {fates[refused[0]].reason} ({refused[0]!r})"
        )
    if refused:
        return Verdict.PARTLY, (
            f"{len(refused)} of its {len(fates)} tensors are left out, the first is {refused[0]!r}: "
            f"{fates[refused[0]].reason}"
        )
    return Verdict.USABLE, ""


def _needs(base: BaseEvidence, mismatch: str) -> str:
    if base.family is BaseFamily.SDXL:
        return f"needs SDXL: start with --model and your SDXL checkpoint ({base.evidence})"
    if base.family is BaseFamily.OTHER:
        return f"was made for another base model: {mismatch}"
    return f"was made for {base.family}, which this app does not run ({base.evidence})"
