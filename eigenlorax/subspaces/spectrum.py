"""How many directions hold the open subspace's styles, part of the model by part, beside strangers."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, sqrt
from pathlib import Path

import torch
from torch import Tensor

from eigenlorax.errors import InvalidRequestError
from eigenlorax.lora import LoRA
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.subspace.basis import canonical
from eigenlorax.subspace.merge import Part
from eigenlorax.subspace.migrate import as_lora
from eigenlorax.subspace.module_census import ModuleCensus, curve, measure
from eigenlorax.subspace.overlap import gather
from eigenlorax.subspace.size_curve import sampled
from eigenlorax.subspaces.bench import Bench

#: Modules of each part that are looked at.
_SAMPLED = 8
_STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048)
_MOST_KEPT = 0.999


@dataclass(frozen=True)
class SpectrumProgress:
    """One more module is measured."""

    done: int
    total: int


@dataclass(frozen=True)
class PartSpectrum:
    """One part of the model.

    Attributes:
        part: "text encoders", "down", "middle" or "up" (of the UNet).
        measured: Modules that were looked at.
        modules: That the styles change there.
        kept: Share of squared norm that the K leading directions of each module keep, by `directions` of the
            whole; the mean of the output and the input side.
        chance: The same for random directions of the same strengths.
    """

    part: str
    measured: int
    modules: int
    kept: tuple[float, ...]
    chance: tuple[float, ...]

    def reaches(self, directions: Sequence[int], share: float, *, by_chance: bool = False) -> int:
        """How many directions keep a share, between two measured numbers by a straight line."""
        points = [(0, 0.0), *zip(directions, self.chance if by_chance else self.kept, strict=True)]
        for (low, less), (high, more) in pairwise(points):
            if more >= share:
                return ceil(low + (high - low) * (share - less) / (more - less))
        return directions[-1]


@dataclass(frozen=True)
class Spectrum:
    """All parts that the styles change.

    Attributes:
        directions: The values of K, ascending.
    """

    directions: tuple[int, ...]
    parts: tuple[PartSpectrum, ...]


def spectrum_of(part: Part) -> Generator[SpectrumProgress, None, Spectrum]:
    """Measure the styles of a subspace, each with norm 1, on a sample of every part's modules.

    Private ranks count as the shared columns do: what is measured is what the styles do, however it is kept.

    Args:
        part: A subspace with its styles; not changed.

    Raises:
        InvalidRequestError: there is no style, or none that changes anything.
    """
    loras = [as_lora(style, part.subspace) for style in part.styles.values()]
    changed = [frozenset(lora.layers) for lora in loras]
    modules: dict[str, set[ModulePath]] = {}
    for own in changed:
        for path in own:
            modules.setdefault(_part(path), set()).add(path)
    chosen = {name: sampled(paths, _SAMPLED) for name, paths in sorted(modules.items(), key=_place)}
    total, done = sum(map(len, chosen.values())), 0
    weights = _weights(loras, [path for paths in chosen.values() for path in paths])
    if not any(weights):
        raise InvalidRequestError("there is no spectrum yet: press Compress first")
    generator = torch.Generator().manual_seed(0)
    found: dict[str, list[ModuleCensus]] = {name: [] for name in chosen}
    for name, paths in chosen.items():
        for path in paths:
            layers = {i: canonical(lora.layers[path]) for i, lora in enumerate(loras) if path in changed[i]}
            columns = gather(layers, weights)
            if columns.energy > 0.0:
                found[name].append(measure(path, columns, len(loras), generator))
            done += 1
            yield SpectrumProgress(done, total)
    found = {name: censuses for name, censuses in found.items() if censuses}
    directions = _directions([one for censuses in found.values() for one in censuses])
    parts = [_told(name, found[name], len(modules[name]), directions) for name in found]
    return Spectrum(directions, tuple(parts))


class SpectrumDesk:
    """The open subspace's spectrum, measured once; takes no lock, so it answers while pictures are drawn.

    Args:
        bench: The open studio.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._known: tuple[Path | None, Spectrum] | None = None

    @property
    def known(self) -> Spectrum | None:
        """What was measured of the open version; None before."""
        if self._known is None or self._known[0] != self._bench.current.folder:
            return None
        return self._known[1]

    def spectrum(self) -> Generator[SpectrumProgress, None, Spectrum]:
        """Measure it, unless it is known.

        Raises:
            InvalidRequestError: there is no subspace, or it has no style that changes anything.
        """
        if self.known is not None:
            return self.known
        folder, part = self._bench.current.folder, self._bench.open_now()
        found = yield from spectrum_of(part)
        self._known = folder, found
        return found


def _weights(loras: Sequence[LoRA], paths: Sequence[ModulePath]) -> list[float]:
    norms = [
        sqrt(sum(lora.layers[path].norm ** 2 for path in frozenset(lora.layers).intersection(paths)))
        for lora in loras
    ]
    return [1.0 / norm if norm > 0.0 else 0.0 for norm in norms]


def _told(name: str, found: Sequence[ModuleCensus], modules: int, directions: Sequence[int]) -> PartSpectrum:
    energy = sum(one.energy for one in found)
    sides = [(one.out, one.into) for one in found]
    kept = sum((_mean([side.own.kept for side in pair], directions) for pair in sides), torch.zeros(1))
    chance = sum((_mean([side.random.kept for side in pair], directions) for pair in sides), torch.zeros(1))
    return PartSpectrum(name, len(found), modules, _shares(kept / energy), _shares(chance / energy))


def _mean(curves: Sequence[Tensor], directions: Sequence[int]) -> Tensor:
    return torch.stack([curve(kept, directions) for kept in curves]).mean(0)


def _shares(values: Tensor) -> tuple[float, ...]:
    return tuple(values.clamp(0.0, 1.0).tolist())


def _directions(found: Sequence[ModuleCensus]) -> tuple[int, ...]:
    """Steps up to where even strangers would be kept nearly whole."""
    last = 1
    for one in found:
        for side in (one.out, one.into):
            kept = side.random.kept / one.energy
            last = max(last, 1 + int((kept < _MOST_KEPT).sum()))
    return (*(step for step in _STEPS if step < last), last)


_PARTS = ("text encoders", "down", "middle", "up")


def _part(path: ModulePath) -> str:
    if path.component is not Component.UNET:
        return "text encoders"
    name = path.name
    return "down" if name.startswith("down_") else "up" if name.startswith("up_") else "middle"


def _place(item: tuple[str, object]) -> int:
    return _PARTS.index(item[0])
