"""A style as a switch wants it: cores in one row, private ranks in even pieces, on the device as stored.

Rows of private ranks have many widths. Cut into pieces of one size they lie in one tensor, so that a switch
is a few large operations in place of some for each width.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Int64, Shaped
from torch import Tensor

from eigenlorax.dials import REGIONS, region_of
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.numbers import Int8Matrix, Kept, value
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

#: Longest piece: every width of SDXL's linear modules is a multiple of it.
_LONGEST = 128


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
    regions: tuple[int, ...]

    def sorted_by_region(self) -> list[int]:
        """The modules in the order in which a packed style holds their cores."""
        return sorted(range(len(self.paths)), key=lambda module: self.regions[module])


def table_of(subspace: Subspace, paths: Sequence[ModulePath]) -> Table:
    """The table of these modules of a subspace."""
    shapes = {
        path: (subspace.bases[path].stored_out.shape[0], subspace.bases[path].stored_into.shape[0])
        for path in paths
    }
    ordered = sorted(paths, key=lambda path: (shapes[path], path))
    return Table(
        tuple(ordered),
        tuple(shapes[path] for path in ordered),
        tuple(subspace.bases[path].core_shape for path in ordered),
        tuple(REGIONS.index(region_of(path)) for path in ordered),
    )


def piece_of(width: int) -> int:
    """The size of the pieces that rows of this width are cut into: a power of two that divides it."""
    return min(width & -width, _LONGEST)


@dataclass(frozen=True)
class Pieces:
    """Rows of private ranks of one style in pieces of one size: piece i is numbers[i] * scales[row[i]].

    Scales of codes are brought near 1 / 128 by powers of two, exactly, so that half precision holds what they
    make of the codes; the powers are given back by the strengths of the ranks (`PackedStyle.gains`).

    Attributes:
        numbers: int8 codes, or the numbers themselves.
        row: Which row each piece belongs to.
        scales: For each row.
        first: Each row's first piece.
        side: Each row's module of the table; for rows that write the output, beyond the last module.
        place: Each row's number among the ranks of its module.
    """

    numbers: Shaped[Tensor, "pieces size"]
    row: Int[Tensor, " pieces"]
    scales: Float[Tensor, " rows"]
    first: Int64[Tensor, " rows"]
    side: Int64[Tensor, " rows"]
    place: Int64[Tensor, " rows"]

    @property
    def nbytes(self) -> int:
        """Bytes on the device."""
        return sum(t.nbytes for t in (self.numbers, self.row, self.scales, self.first, self.side, self.place))


@dataclass(frozen=True, eq=False)
class PackedStyle:
    """One style on the device.

    Attributes:
        cores: Every module's core, by region, transposed: (k_in, k_out) as a row of the mix is.
        pieces: Size -> private ranks in pieces of it.
        counts: Private ranks in each module of the table.
        rank_modules: The module of each private rank.
        rank_places: Its number among the module's ranks.
        gains: What each private rank is to be multiplied with, powers of two.
        most: `counts` on the CPU.
    """

    cores: Float[Tensor, " numbers"]
    pieces: Mapping[int, Pieces]
    counts: Int64[Tensor, " modules"]
    rank_modules: Int64[Tensor, " ranks"]
    rank_places: Int64[Tensor, " ranks"]
    gains: Float[Tensor, " ranks"]
    most: Int64[Tensor, " modules"]

    @property
    def nbytes(self) -> int:
        """Bytes on the device."""
        own = (self.cores, self.counts, self.rank_modules, self.rank_places, self.gains)
        return sum(t.nbytes for t in own) + sum(pieces.nbytes for pieces in self.pieces.values())


def pack_style(style: Style, table: Table, device: torch.device, dtype: torch.dtype) -> PackedStyle:
    """Bring a style onto the device.

    Args:
        style: Of the table's subspace.
        table: The modules that count; what the style does elsewhere is left out.
        device: Where to.
        dtype: Of cores, scales and gains; private ranks keep their stored form.
    """
    cores = [
        style.cores[table.paths[module]].mT.reshape(-1)
        if table.paths[module] in style.cores
        else torch.zeros(table.cores[module][0] * table.cores[module][1])
        for module in table.sorted_by_region()
    ]
    cutter, counts, gains = _Cutter(len(table.paths)), [], []
    for module, path in enumerate(table.paths):
        residual = style.residuals.kept.get(path)
        counts.append(residual.rank if residual else 0)
        if residual:
            down = cutter.cut(module, *_rows(residual.down, across=False), writes=False)
            up = cutter.cut(module, *_rows(residual.up, across=True), writes=True)
            gains.append(down * up)
    ranks = torch.tensor(counts, dtype=torch.long)
    modules = torch.repeat_interleave(torch.arange(len(counts)), ranks)
    places = torch.cat([torch.arange(count) for count in counts]) if counts else ranks
    return PackedStyle(
        torch.cat(cores or [torch.zeros(0)]).to(device, dtype),
        cutter.pieces(device, dtype),
        ranks.to(device),
        modules.to(device),
        places.to(device),
        torch.cat(gains or [torch.zeros(0)]).to(device, dtype),
        ranks,
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
        self.nbytes = 0
        """Bytes on the device."""

    def holds(self, style: Style) -> bool:
        """Whether this very style is there."""
        kept, _ = self._packed.get(style.name, (None, None))
        return kept is style

    def get(self, styles: Sequence[Style]) -> list[PackedStyle]:
        """These styles, brought in where they are not there or have changed."""
        found = []
        for style in styles:
            kept, packed = self._packed.pop(style.name, (None, None))
            if packed is None or kept is not style:
                self.nbytes -= packed.nbytes if packed else 0
                packed = pack_style(style, self._table, self._device, self._dtype)
                self.nbytes += packed.nbytes
            self._packed[style.name] = style, packed
            found.append(packed)
        while self.nbytes > self._budget and len(self._packed) > len(styles):
            _, (_, oldest) = self._packed.popitem(last=False)
            self.nbytes -= oldest.nbytes
        return found


def most_ranks(styles: Sequence[Style], table: Table, room: int) -> Int64[Tensor, " modules"]:
    """For each module the private ranks of the `room` styles that have most of them there, together."""
    counts = [[s.residuals.kept[p].rank if p in s.residuals.kept else 0 for p in table.paths] for s in styles]
    ranks = torch.tensor(counts, dtype=torch.long).reshape(len(styles), len(table.paths))
    return ranks.sort(0, descending=True).values[:room].sum(0)


class _Cutter:
    """Cuts rows into pieces, by size."""

    def __init__(self, modules: int) -> None:
        self._modules = modules
        self._rows: dict[int, list[tuple[Tensor, Tensor, int]]] = {}

    def cut(self, module: int, numbers: Tensor, scales: Tensor, *, writes: bool) -> Tensor:
        """Take a module's rows; returns the powers of two that their scales were divided by."""
        coded = numbers.dtype is torch.int8
        powers = torch.exp2(torch.floor(torch.log2(scales)) + 7.0) if coded else torch.ones_like(scales)
        place = module + self._modules * writes
        self._rows.setdefault(piece_of(numbers.shape[1]), []).append((numbers, scales / powers, place))
        return powers

    def pieces(self, device: torch.device, dtype: torch.dtype) -> dict[int, Pieces]:
        """All rows on the device."""
        found = {}
        for size, parts in self._rows.items():
            alike = len({numbers.dtype for numbers, _, _ in parts}) == 1
            cut = [(n if alike else n * s[:, None]).reshape(-1, size) for n, s, _ in parts]
            scales = torch.cat([s if alike else torch.ones_like(s) for _, s, _ in parts])
            lengths = torch.tensor([n.shape[1] // size for n, _, _ in parts])
            rows = torch.tensor([n.shape[0] for n, _, _ in parts])
            pieces = torch.repeat_interleave(lengths, rows)
            found[size] = Pieces(
                torch.cat(cut).to(device),
                torch.repeat_interleave(torch.arange(len(pieces), dtype=torch.int32), pieces).to(device),
                scales.to(device, dtype),
                (pieces.cumsum(0) - pieces).to(device),
                torch.repeat_interleave(torch.tensor([side for _, _, side in parts]), rows).to(device),
                torch.cat([torch.arange(count) for count in rows.tolist()]).to(device),
            )
        return found


def _rows(kept: Kept, *, across: bool) -> tuple[Tensor, Tensor]:
    """A stored factor with one rank per row, and the scale of each; `across` where ranks are its columns."""
    if isinstance(kept, Int8Matrix):
        codes, scales = (kept.codes.mT, kept.scales) if across else (kept.codes, kept.scales)
        return codes.contiguous(), scales.float().flatten()
    matrix = value(kept)
    rows = (matrix.mT if across else matrix).half().contiguous()
    return rows, torch.ones(rows.shape[0])
