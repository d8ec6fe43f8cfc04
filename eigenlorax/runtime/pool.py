"""What every module adds while a blend is worn, in buffers that never move: y = W x + up^T mix^T (down x).

`down` holds the shared columns V^T and below them the private ranks of the styles worn; `up` likewise U^T
and theirs; `mix` holds the blended core sum_i s_i M_i and, on its diagonal, the strength of each private
rank. A change of strengths writes `mix` alone, a change of styles the private ranks too, and since no buffer
moves a captured CUDA graph goes on being right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count, groupby
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from eigenlorax.dials import REGIONS
from eigenlorax.module_path import ModulePath
from eigenlorax.runtime.factors import Batch, Factors
from eigenlorax.runtime.packed import PackedStyle, Table, piece_of
from eigenlorax.runtime.passes import Rows, passes_for
from eigenlorax.subspace.subspace import Subspace

Weights = Float[Tensor, "rows styles regions"]
"""Strength of each style worn, in each region, for each row of a batch; one row serves all."""


@dataclass(frozen=True)
class _LaidOut:
    """Where a style's private ranks lie in a pool that holds no others, and how far the next place is.

    Attributes:
        rows: Piece size -> where its rows lie.
        diagonal: (place in the mix, step), for each rank.
    """

    rows: Mapping[int, Rows]
    diagonal: tuple[Tensor, Tensor]


_SERIALS = count(1)


class Pool:
    """Static buffers for the blends of one subspace.

    Args:
        subspace: Whose shared columns it holds.
        table: The modules that it serves.
        ranks: How many private ranks of all styles worn have room, for each module.
        device, dtype: Of the buffers.
        even: Whether modules of one weight shape get room alike, as `batches` needs.
    """

    def __init__(
        self,
        subspace: Subspace,
        table: Table,
        ranks: Int64[Tensor, " modules"],
        device: torch.device,
        dtype: torch.dtype,
        *,
        even: bool,
    ) -> None:
        self.table, self._device, self._dtype = table, device, dtype
        self._passes = passes_for(device, dtype)
        self._layouts: WeakKeyDictionary[PackedStyle, _LaidOut] = WeakKeyDictionary()
        self.serial = next(_SERIALS)
        """Names these buffers."""
        self._sizes = _sizes(table, ranks, even, _line(device))
        shared = torch.tensor(table.cores, dtype=torch.long).view(-1, 2).flip(1)
        self._room = (self._sizes - shared).amin(1) if even else ranks
        self._starts, buffers = _places(table, self._sizes)
        self._buffers = {
            size: torch.zeros(pieces, size, device=device, dtype=dtype) for size, pieces in buffers.items()
        }
        spans = self._sizes.prod(1)
        self._mix_starts = spans.cumsum(0) - spans
        self._mixes = {1: torch.zeros(1, int(spans.sum()), device=device, dtype=dtype)}
        self._factors: dict[int, Mapping[ModulePath, Factors]] = {}
        self._worn: tuple[PackedStyle, ...] = ()
        #: Of each side of each module, first all that read, then all that write: where in the buffers its
        #: private ranks start, in pieces, and how many pieces a row has.
        steps = torch.tensor(table.shapes, dtype=torch.long).view(-1, 2).flip(1)
        steps = steps // torch.tensor([[piece_of(w) for w in row] for row in steps.tolist()]).view(-1, 2)
        self._side_starts = (self._starts + shared * steps).mT.reshape(-1).to(device)
        self._side_steps = steps.mT.reshape(-1).to(device)
        #: Of each module: where in the mix its first private rank is, and how far the next.
        self._diagonals = (self._mix_starts + shared[:, 0] * self._sizes[:, 1] + shared[:, 1]).to(device)
        self._strides = (self._sizes[:, 1] + 1).to(device)
        self._regions = torch.tensor(table.regions, dtype=torch.long, device=device)
        self._core_places, self._core_spans = self._places_of_cores()
        self._rank_places = self._rank_weights = torch.zeros(0, dtype=torch.long, device=device)
        self._gains = torch.zeros(0, device=device, dtype=dtype)
        for module, path in enumerate(table.paths):
            basis = subspace.bases[path]
            if all(basis.core_shape):
                self._side(module, 0)[: basis.core_shape[1]] = basis.into.mT.to(device, dtype)
                self._side(module, 1)[: basis.core_shape[0]] = basis.out.mT.to(device, dtype)

    @property
    def nbytes(self) -> int:
        """Bytes on the device."""
        return sum(buffer.nbytes for buffer in [*self._buffers.values(), *self._mixes.values()])

    def fits(self, styles: Sequence[PackedStyle]) -> bool:
        """Whether there is room for the private ranks of these styles together."""
        return not styles or bool((torch.stack([s.most for s in styles]).sum(0) <= self._room).all())

    @torch.no_grad()
    def wear(self, styles: Sequence[PackedStyle], weights: Weights) -> None:
        """Make the buffers those of a blend.

        Args:
            styles: Those worn; they fit.
            weights: On the CPU.
        """
        if len(styles) != len(self._worn) or any(a is not b for a, b in zip(styles, self._worn, strict=True)):
            self._worn = ()  # an exception halfway must not leave a claim
            if styles:
                self._write_ranks(styles)
            self._worn = tuple(styles)
        mix = self._mix(weights.shape[0]).zero_()
        if styles:
            spans, weights = self._spans(weights), weights.to(self._device, self._dtype)
            cores = torch.stack([style.cores for style in styles])
            for region, start, end in spans:
                blended = weights[:, :, region] @ cores[:, start:end]
                mix.index_copy_(1, self._core_places[start:end], blended)
            mix.index_copy_(1, self._rank_places, weights.flatten(1)[:, self._rank_weights] * self._gains)

    def factors(self, rows: int) -> Mapping[ModulePath, Factors]:
        """Each module's share, for batches of which each row, or with `rows` = 1 all, wears a blend."""
        if rows not in self._factors:
            mix = self._mix(rows)
            self._factors[rows] = {
                path: Factors(
                    self._side(module, 0), self._mix_part(mix, module, 1)[:, 0], self._side(module, 1)
                )
                for module, path in enumerate(self.table.paths)
                if bool(self._sizes[module].all())
            }
        return self._factors[rows]

    @cached_property
    def batches(self) -> Sequence[Batch]:
        """All modules, those of one weight shape together; for a pool whose room is even."""
        found = []
        for (out, into), group in groupby(range(len(self.table.paths)), lambda i: self.table.shapes[i]):
            first, *others = group
            n, (rin, rout) = 1 + len(others), self._sizes[first].tolist()
            if rin and rout:
                down = self._side(first, 0, n).view(n, rin, into)
                up = self._side(first, 1, n).view(n, rout, out)
                mix = self._mix_part(self._mix(1), first, n)[0]
                found.append(Batch(self.table.paths[first : first + n], down, mix, up))
        return found

    def _spans(self, weights: Weights) -> Sequence[tuple[int, int, int]]:
        """The stretches of cores with strengths of their own, which without dials is all of them."""
        regions = [region for region, _, _ in self._core_spans]
        if not regions or not bool((weights[:, :, regions] == weights[:, :, regions[:1]]).all()):
            return self._core_spans
        return [(regions[0], 0, self._core_spans[-1][2])]

    def _mix(self, rows: int) -> Tensor:
        if rows not in self._mixes:
            self._mixes[rows] = self._mixes[1].new_zeros(rows, self._mixes[1].shape[1])
        return self._mixes[rows]

    def _mix_part(self, mix: Tensor, first: int, n: int) -> Tensor:
        """(rows, n, rin, rout) of n modules that are alike."""
        (rin, rout), start = self._sizes[first].tolist(), int(self._mix_starts[first])
        return mix[:, start : start + n * rin * rout].unflatten(1, (n, rin, rout))

    def _side(self, module: int, side: int, n: int = 1) -> Tensor:
        """(rows, width) of what reads the input (0) or writes the output (1) of n modules that are alike."""
        width = self.table.shapes[module][1 - side]
        size, start = piece_of(width), int(self._starts[module, side])
        rows = n * int(self._sizes[module, side])
        return self._buffers[size][start : start + rows * width // size].view(rows, width)

    def _places_of_cores(self) -> tuple[Tensor, list[tuple[int, int, int]]]:
        """Where in the mix each number of a packed style's cores goes, and each region's stretch of them."""
        places, spans, end = [torch.zeros(0, dtype=torch.long)], [], 0
        for region, modules in groupby(self.table.sorted_by_region(), lambda m: self.table.regions[m]):
            start = end
            for module in modules:
                (k_out, k_in), rout = self.table.cores[module], int(self._sizes[module, 1])
                rows = self._mix_starts[module] + torch.arange(k_in)[:, None] * rout
                places.append((rows + torch.arange(k_out)).flatten())
                end += k_in * k_out
            if end > start:
                spans.append((region, start, end))
        return torch.cat(places).to(self._device), spans

    def _write_ranks(self, styles: Sequence[PackedStyle]) -> None:
        """Lay the private ranks of these styles behind the shared columns, style after style."""
        counts = torch.stack([style.counts for style in styles])
        before = counts.cumsum(0) - counts
        laid = [self._laid_out(style) for style in styles]
        sides, modules = before.tile(1, 2), len(self.table.paths)
        for owner, style in enumerate(styles):
            for size, pieces in style.pieces.items():
                self._passes.lay(self._buffers[size], pieces, laid[owner].rows[size], sides[owner])
        ranks = [style.rank_modules.shape[0] for style in styles]
        owners = torch.repeat_interleave(
            torch.arange(len(styles), device=self._device),
            torch.tensor(ranks).to(self._device, non_blocking=True),
            output_size=sum(ranks),
        )
        module = torch.cat([style.rank_modules for style in styles])
        first, stride = (torch.cat([one.diagonal[i] for one in laid]) for i in (0, 1))
        self._rank_places = first + before.flatten()[module + owners * modules] * stride
        self._rank_weights = self._regions[module] + owners * len(REGIONS)
        self._gains = torch.cat([style.gains for style in styles])

    def _laid_out(self, style: PackedStyle) -> _LaidOut:
        """Where the style's rows lie when no other style lies before them."""
        if style not in self._layouts:
            rows = {}
            for size, part in style.pieces.items():
                steps = self._side_steps[part.side]
                rows[size] = Rows(self._side_starts[part.side] + part.place * steps - part.first, steps)
            strides = self._strides[style.rank_modules]
            first = self._diagonals[style.rank_modules] + style.rank_places * strides
            self._layouts[style] = _LaidOut(rows, (first, strides))
        return self._layouts[style]


def pool_bytes(
    table: Table, ranks: Int64[Tensor, " modules"], device: torch.device, dtype: torch.dtype, *, even: bool
) -> int:
    """Bytes on the device of a pool that is not made yet."""
    sizes = _sizes(table, ranks, even, _line(device))
    widths = torch.tensor(table.shapes, dtype=torch.long).view(-1, 2).flip(1)
    return int(((sizes * widths).sum() + sizes.prod(1).sum()) * dtype.itemsize)


def _line(device: torch.device) -> int:
    """Rows come in multiples of this: matrix units of a GPU are fed in eights."""
    return 1 if device.type == "cpu" else 8


def _sizes(table: Table, ranks: Tensor, even: bool, line: int) -> Int64[Tensor, "modules sides"]:
    """Rows that read and rows that write, for each module: shared columns and room for private ranks."""
    sizes = torch.tensor(table.cores, dtype=torch.long).view(-1, 2).flip(1) + ranks[:, None]
    if even:
        for _, group in groupby(range(len(table.shapes)), lambda module: table.shapes[module]):
            alike = list(group)
            sizes[alike] = sizes[alike].amax(0)
    return (sizes + line - 1) // line * line


def _places(table: Table, sizes: Tensor) -> tuple[Int64[Tensor, "modules sides"], dict[int, int]]:
    """Where in the buffer of its piece size each side of each module starts, and how long each buffer is."""
    starts, ends = torch.zeros_like(sizes), dict[int, int]()
    for side in (0, 1):
        for module, shape in enumerate(table.shapes):
            width = shape[1 - side]
            size = piece_of(width)
            starts[module, side] = ends.get(size, 0)
            ends[size] = ends.get(size, 0) + int(sizes[module, side]) * width // size
    return starts, ends
