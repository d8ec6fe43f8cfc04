"""What every module adds while a blend is worn, in buffers that never move: y = W x + up^T mix^T (down x).

`down` holds the shared columns V^T and below them the private ranks of the styles worn; `up` likewise U^T
and theirs; `mix` holds the blended core sum_i s_i M_i and, on its diagonal, the strength of each private
rank. A change of strengths writes `mix` alone, a change of styles the private ranks too, and since no buffer
moves a captured CUDA graph goes on being right.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count, groupby

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from eigenlorax.dials import REGIONS
from eigenlorax.module_path import ModulePath
from eigenlorax.runtime.packed import PackedStyle, Table
from eigenlorax.subspace.subspace import Subspace

Weights = Float[Tensor, "rows styles regions"]
"""Strength of each style worn, in each region, for each row of a batch; one row serves all."""


@dataclass(frozen=True)
class Factors:
    """One module's share of a pool; views, so that what is written to the pool is seen here.

    Attributes:
        down: Reads the input.
        mix: One for each row of a batch, or one for all.
        up: Writes the output.
    """

    down: Float[Tensor, "rin into"]
    mix: Float[Tensor, "rows rin rout"]
    up: Float[Tensor, "rout out"]

    def of(self, seen: Float[Tensor, "batch positions rin"]) -> Float[Tensor, "batch positions out"]:
        """The update's output from what was seen of the input."""
        return seen @ self.mix @ self.up

    def added(
        self, output: Float[Tensor, "batch positions out"], seen: Float[Tensor, "batch positions rin"]
    ) -> Float[Tensor, "batch positions out"]:
        """The module's output with the update added in place: no pass over it but the product's own."""
        mixed = seen.flatten(0, 1) @ self.mix[0] if self.mix.shape[0] == 1 else torch.bmm(seen, self.mix)
        output.view(-1, output.shape[-1]).addmm_(mixed.view(-1, mixed.shape[-1]), self.up)
        return output


@dataclass(frozen=True)
class Batch:
    """Modules of one weight shape whose factors have one shape too, taken together.

    Attributes:
        paths: The n modules.
        down: (n, rin, in).
        mix: (n, rin, rout).
        up: (n, rout, out).
    """

    paths: tuple[ModulePath, ...]
    down: Float[Tensor, "n rin into"]
    mix: Float[Tensor, "n rin rout"]
    up: Float[Tensor, "n rout out"]


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
        self.serial = next(_SERIALS)
        """Names these buffers."""
        sides = [_side_sizes(table, ranks, side, even, _line(device)) for side in (1, 0)]
        self._rin, self._rout = sides
        self._k_in = torch.tensor([k_in for _, k_in in table.cores], dtype=torch.long)
        self._k_out = torch.tensor([k_out for k_out, _ in table.cores], dtype=torch.long)
        self._room = ranks if not even else torch.minimum(self._rin - self._k_in, self._rout - self._k_out)
        self._downs, self._down_starts = self._side([into for _, into in table.shapes], self._rin)
        self._ups, self._up_starts = self._side([out for out, _ in table.shapes], self._rout)
        sizes = self._rin * self._rout
        self._mix_starts = sizes.cumsum(0) - sizes
        self._mix_size = int(sizes.sum())
        self._mixes = {1: torch.zeros(1, self._mix_size, device=device, dtype=dtype)}
        self._factors: dict[int, Mapping[ModulePath, Factors]] = {}
        self._core_places = self._places_of_cores()
        self._core_regions = torch.repeat_interleave(
            table.regions, torch.tensor([k_out * k_in for k_out, k_in in table.cores], dtype=torch.long)
        )
        self._by_region = [
            (region, (self._core_regions == region).nonzero()[:, 0].to(device))
            for region in range(len(REGIONS))
            if bool((self._core_regions == region).any())
        ]
        self._worn: tuple[PackedStyle, ...] = ()
        self._rank_places = self._rank_regions = self._rank_styles = torch.zeros(0, dtype=torch.long)
        self._write_shared(subspace)

    @property
    def nbytes(self) -> int:
        """Bytes on the device."""
        buffers = [*self._downs.values(), *self._ups.values(), *self._mixes.values()]
        return sum(buffer.nbytes for buffer in buffers)

    def fits(self, styles: Sequence[PackedStyle]) -> bool:
        """Whether there is room for the private ranks of these styles together."""
        return not styles or bool((torch.stack([s.counts for s in styles]).sum(0) <= self._room).all())

    @torch.no_grad()
    def wear(self, styles: Sequence[PackedStyle], weights: Weights) -> None:
        """Make the buffers those of a blend.

        Args:
            styles: Those worn; they fit.
            weights: On the CPU.
        """
        if len(styles) != len(self._worn) or any(a is not b for a, b in zip(styles, self._worn, strict=True)):
            self._worn = ()  # an exception halfway must not leave a claim
            self._write_ranks(styles)
            self._worn = tuple(styles)
        weights = weights.to(self._device, self._dtype, non_blocking=True)
        mix = self._mix(weights.shape[0]).zero_()
        if styles:
            cores = torch.stack([style.cores for style in styles])
            for region, numbers in self._by_region:
                blended = weights[:, :, region] @ (cores if len(self._by_region) == 1 else cores[:, numbers])
                mix.index_copy_(1, self._core_places[numbers], blended)
            mix.index_copy_(1, self._rank_places, weights[:, self._rank_styles, self._rank_regions])

    def factors(self, rows: int) -> Mapping[ModulePath, Factors]:
        """Each module's share, for batches of which each row, or with `rows` = 1 all, wears a blend."""
        if rows not in self._factors:
            self._factors[rows] = dict(self._made_factors(self._mix(rows)))
        return self._factors[rows]

    @cached_property
    def batches(self) -> Sequence[Batch]:
        """All modules, those of one weight shape together; for a pool whose room is even."""
        found = []
        for (out, into), places in groupby(range(len(self.table.paths)), lambda i: self.table.shapes[i]):
            first, *others = places
            n = 1 + len(others)
            rin, rout = int(self._rin[first]), int(self._rout[first])
            down_start, up_start = int(self._down_starts[first]), int(self._up_starts[first])
            if rin and rout:
                paths = self.table.paths[first : first + n]
                down = self._downs[into][down_start : down_start + n * rin].view(n, rin, into)
                up = self._ups[out][up_start : up_start + n * rout].view(n, rout, out)
                found.append(Batch(paths, down, self._mix_part(self._mix(1), first, n)[0], up))
        return found

    def _made_factors(self, mix: Tensor) -> Iterator[tuple[ModulePath, Factors]]:
        for place, (path, (out, into)) in enumerate(zip(self.table.paths, self.table.shapes, strict=True)):
            if int(self._rin[place]) and int(self._rout[place]):
                down = self._part(self._downs, into, self._down_starts, self._rin, place)
                up = self._part(self._ups, out, self._up_starts, self._rout, place)
                yield path, Factors(down, self._mix_part(mix, place, 1)[:, 0], up)

    def _mix(self, rows: int) -> Tensor:
        if rows not in self._mixes:
            self._mixes[rows] = torch.zeros(rows, self._mix_size, device=self._device, dtype=self._dtype)
        return self._mixes[rows]

    def _mix_part(self, mix: Tensor, first: int, n: int) -> Tensor:
        """(rows, n, rin, rout) of n modules that are alike."""
        rin, rout, start = int(self._rin[first]), int(self._rout[first]), int(self._mix_starts[first])
        return mix[:, start : start + n * rin * rout].unflatten(1, (n, rin, rout))

    @staticmethod
    def _part(sides: dict[int, Tensor], width: int, starts: Tensor, sizes: Tensor, place: int) -> Tensor:
        return sides[width][int(starts[place]) : int(starts[place] + sizes[place])]

    def _side(self, widths: Sequence[int], sizes: Tensor) -> tuple[dict[int, Tensor], Tensor]:
        """A buffer for each width, and where in it each module's rows start."""
        starts, ends = torch.zeros(len(widths), dtype=torch.long), dict.fromkeys(widths, 0)
        for place, width in enumerate(widths):
            starts[place] = ends[width]
            ends[width] += int(sizes[place])
        buffers = {
            width: torch.zeros(end, width, device=self._device, dtype=self._dtype) for width, end in ends.items()
        }
        return buffers, starts

    def _places_of_cores(self) -> Tensor:
        """Where in the mix each number of a packed style's cores goes."""
        places = [
            (start + torch.arange(k_in)[:, None] * rout + torch.arange(k_out)).flatten()
            for start, rout, (k_out, k_in) in zip(
                self._mix_starts.tolist(), self._rout.tolist(), self.table.cores, strict=True
            )
        ]
        return torch.cat(places or [torch.zeros(0, dtype=torch.long)]).to(self._device)

    def _write_shared(self, subspace: Subspace) -> None:
        for place, (path, (out, into)) in enumerate(zip(self.table.paths, self.table.shapes, strict=True)):
            basis, (k_out, k_in) = subspace.bases[path], self.table.cores[place]
            if k_out and k_in:
                down = self._part(self._downs, into, self._down_starts, self._rin, place)
                down[:k_in] = basis.into.mT.to(self._device, self._dtype)
                up = self._part(self._ups, out, self._up_starts, self._rout, place)
                up[:k_out] = basis.out.mT.to(self._device, self._dtype)

    def _write_ranks(self, styles: Sequence[PackedStyle]) -> None:
        """Lay the private ranks of these styles behind the shared columns, style after style."""
        counts = torch.stack([style.counts for style in styles]) if styles else None
        before = counts.cumsum(0) - counts if counts is not None else []
        places, regions, owners = [], [], []
        downs: dict[int, tuple[list[Tensor], list[Tensor]]] = {}
        ups: dict[int, tuple[list[Tensor], list[Tensor]]] = {}
        for owner, (style, base) in enumerate(zip(styles, before, strict=True)):
            for width, ranks in style.downs.items():
                at = base[ranks.module] + ranks.place
                rows, values = downs.setdefault(width, ([], []))
                rows.append(self._down_starts[ranks.module] + self._k_in[ranks.module] + at)
                values.append(ranks.values(self._dtype))
                row, column = self._k_in[ranks.module] + at, self._k_out[ranks.module] + at
                places.append(self._mix_starts[ranks.module] + row * self._rout[ranks.module] + column)
                regions.append(self.table.regions[ranks.module])
                owners.append(torch.full_like(at, owner))
            for width, ranks in style.ups.items():
                at = base[ranks.module] + ranks.place
                rows, values = ups.setdefault(width, ([], []))
                rows.append(self._up_starts[ranks.module] + self._k_out[ranks.module] + at)
                values.append(ranks.values(self._dtype))
        for buffers, sides in ((self._downs, downs), (self._ups, ups)):
            for width, (rows, values) in sides.items():
                index = torch.cat(rows).to(self._device, non_blocking=True)
                buffers[width].index_copy_(0, index, torch.cat(values))
        empty = [torch.zeros(0, dtype=torch.long)]
        self._rank_places, self._rank_regions, self._rank_styles = (
            torch.cat(parts or empty).to(self._device, non_blocking=True) for parts in (places, regions, owners)
        )


def _line(device: torch.device) -> int:
    """Rows come in multiples of this: matrix units of a GPU are fed in eights."""
    return 1 if device.type == "cpu" else 8


def _side_sizes(table: Table, ranks: Tensor, side: int, even: bool, line: int) -> Tensor:
    """Rows of each module on one side: shared columns and room for private ranks."""
    shared = torch.tensor([core[side] for core in table.cores], dtype=torch.long)
    sizes = shared + ranks
    if even:
        for _, places in groupby(range(len(table.shapes)), lambda place: table.shapes[place]):
            chosen = list(places)
            sizes[chosen] = sizes[chosen].max()
    return (sizes + line - 1) // line * line
