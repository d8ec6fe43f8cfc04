"""A style as a switch wants it: cores in one row, private ranks in rows by width, on the device as stored."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor

from eigenlorax.dials import REGIONS, region_of
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.numbers import Int8Matrix, Kept, value
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace


@dataclass(frozen=True)
class Table:
    """The modules that a pool serves, in the order in which everything about them is laid out.

    Modules of one weight shape follow each other, so that a pass over the weights can take them together.

    Attributes:
        paths: The parameters.
        shapes: (out, in) of each.
        cores: (k_out, k_in) of each.
        regions: Place of each one's region in `REGIONS`.
    """

    paths: tuple[ModulePath, ...]
    shapes: tuple[tuple[int, int], ...]
    cores: tuple[tuple[int, int], ...]
    regions: Int64[Tensor, " modules"]

    @property
    def core_numbers(self) -> int:
        """Numbers of one style's cores."""
        return sum(k_out * k_in for k_out, k_in in self.cores)


def table_of(subspace: Subspace, paths: Sequence[ModulePath]) -> Table:
    """The table of these modules of a subspace."""
    shapes = {
        path: (subspace.bases[path].stored_out.shape[0], subspace.bases[path].stored_into.shape[0])
        for path in paths
    }
    ordered = sorted(paths, key=lambda path: (shapes[path], path))
    regions = [REGIONS.index(region_of(path)) for path in ordered]
    return Table(
        tuple(ordered),
        tuple(shapes[path] for path in ordered),
        tuple(subspace.bases[path].core_shape for path in ordered),
        torch.tensor(regions, dtype=torch.long),
    )


@dataclass(frozen=True)
class Ranks:
    """Private ranks of one style on one side that are equally wide: row i is numbers[i] * scales[i].

    Attributes:
        numbers: int8 codes, or the numbers themselves.
        scales: float32.
        module: Which module of the table each belongs to, on the CPU.
        place: Its number among the module's ranks, on the CPU.
    """

    numbers: Shaped[Tensor, "ranks width"]
    scales: Float[Tensor, "ranks 1"]
    module: Int64[Tensor, " ranks"]
    place: Int64[Tensor, " ranks"]

    def values(self, dtype: torch.dtype) -> Float[Tensor, "ranks width"]:
        """The rows in one precision, rounded once."""
        return (self.numbers * self.scales).to(dtype)


@dataclass(frozen=True)
class PackedStyle:
    """One style on the device.

    Attributes:
        cores: Every module's core behind one another, transposed: (k_in, k_out) as a row of the mix is.
        downs: Width -> private ranks, the side that reads the input.
        ups: Width -> private ranks, the side that writes the output.
        counts: Private ranks in each module of the table, on the CPU.
    """

    cores: Float[Tensor, " numbers"]
    downs: Mapping[int, Ranks]
    ups: Mapping[int, Ranks]
    counts: Int64[Tensor, " modules"]

    @property
    def nbytes(self) -> int:
        """Bytes on the device."""
        sides = [*self.downs.values(), *self.ups.values()]
        return self.cores.nbytes + sum(side.numbers.nbytes + side.scales.nbytes for side in sides)


def pack_style(style: Style, table: Table, device: torch.device, dtype: torch.dtype) -> PackedStyle:
    """Bring a style onto the device.

    Args:
        style: Of the table's subspace.
        table: The modules that count; what the style does elsewhere is left out.
        device: Where to.
        dtype: Of the cores; private ranks keep their stored form.
    """
    cores, downs, ups, counts = [], _Side(), _Side(), []
    for module, (path, (k_out, k_in)) in enumerate(zip(table.paths, table.cores, strict=True)):
        core = style.cores.get(path)
        cores.append(torch.zeros(k_out * k_in) if core is None else core.mT.reshape(-1))
        residual = style.residuals.kept.get(path)
        counts.append(residual.up.shape[1] if residual else 0)
        if residual:
            downs.take(module, *_rows(residual.down, across=False))
            ups.take(module, *_rows(residual.up, across=True))
    flat = torch.cat(cores) if cores else torch.zeros(0)
    return PackedStyle(
        flat.to(device, dtype), downs.on(device), ups.on(device), torch.tensor(counts, dtype=torch.long)
    )


class Wardrobe:
    """Styles on the device; those not worn for longest are put away when room runs out.

    Args:
        table: The modules that count.
        device: Where they are kept.
        dtype: Of cores.
        budget: Most bytes to keep on the device beside what is worn.
    """

    def __init__(self, table: Table, device: torch.device, dtype: torch.dtype, budget: int) -> None:
        self._table, self._device, self._dtype, self._budget = table, device, dtype, budget
        self._packed: OrderedDict[str, tuple[Style, PackedStyle]] = OrderedDict()

    def get(self, styles: Sequence[Style]) -> list[PackedStyle]:
        """These styles, brought in where they are not there or have changed."""
        found = []
        for style in styles:
            kept, packed = self._packed.pop(style.name, (None, None))
            if packed is None or kept is not style:
                packed = pack_style(style, self._table, self._device, self._dtype)
            self._packed[style.name] = style, packed
            found.append(packed)
        while self.nbytes > self._budget and len(self._packed) > len(styles):
            self._packed.popitem(last=False)
        return found

    @property
    def nbytes(self) -> int:
        """Bytes on the device."""
        return sum(packed.nbytes for _, packed in self._packed.values())


def most_ranks(styles: Sequence[Style], table: Table, room: int) -> Int64[Tensor, " modules"]:
    """For each module the private ranks of the `room` styles that have most of them there, together."""
    counts = [
        [s.residuals.kept[p].up.shape[1] if p in s.residuals.kept else 0 for p in table.paths] for s in styles
    ]
    ranks = torch.tensor(counts, dtype=torch.long).reshape(len(styles), len(table.paths))
    return ranks.sort(0, descending=True).values[:room].sum(0)


class _Side:
    """Rows of private ranks while they are gathered, by width."""

    def __init__(self) -> None:
        self._rows: dict[int, list[tuple[Tensor, Tensor, int]]] = {}

    def take(self, module: int, numbers: Tensor, scales: Tensor) -> None:
        self._rows.setdefault(numbers.shape[1], []).append((numbers, scales, module))

    def on(self, device: torch.device) -> dict[int, Ranks]:
        found = {}
        for width, parts in self._rows.items():
            alike = len({numbers.dtype for numbers, _, _ in parts}) == 1
            rows = [(n if alike else n * s, s if alike else torch.ones_like(s)) for n, s, _ in parts]
            sizes = [numbers.shape[0] for numbers, _, _ in parts]
            found[width] = Ranks(
                torch.cat([numbers for numbers, _ in rows]).to(device),
                torch.cat([scales for _, scales in rows]).to(device),
                torch.repeat_interleave(torch.tensor([m for _, _, m in parts]), torch.tensor(sizes)),
                torch.cat([torch.arange(size) for size in sizes]),
            )
        return found


def _rows(kept: Kept, *, across: bool) -> tuple[Tensor, Tensor]:
    """A stored factor with one rank per row, and the scale of each; `across` where ranks are its columns."""
    if isinstance(kept, Int8Matrix):
        codes, scales = (kept.codes.mT, kept.scales.mT) if across else (kept.codes, kept.scales)
        return codes.contiguous(), scales.float().contiguous()
    matrix = value(kept)
    rows = (matrix.mT if across else matrix).half().contiguous()
    return rows, torch.ones(rows.shape[0], 1)
