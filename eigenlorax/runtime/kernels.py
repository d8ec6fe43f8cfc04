"""The passes of a switch in Triton: each reads and writes its memory once."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator"

import triton
import triton.language as tl
from torch import Tensor

from eigenlorax.runtime.packed import Pieces
from eigenlorax.runtime.passes import Rows

_OUT, _IN, _RANK, _PIECES = 64, 128, 16, 32


@triton.jit
def _rewrite(
    weight, base, up, turned, out, into, rank, OUT: tl.constexpr, IN: tl.constexpr, RANK: tl.constexpr
):
    module = tl.program_id(2).to(tl.int64)
    rows = tl.program_id(1) * OUT + tl.arange(0, OUT)
    columns = tl.program_id(0) * IN + tl.arange(0, IN)
    inside = (rows < out)[:, None] & (columns < into)[None, :]
    total = tl.zeros((OUT, IN), dtype=tl.float32)
    for first in range(0, rank, RANK):
        ranks = first + tl.arange(0, RANK)
        left = tl.load(
            up + module * rank * out + ranks[None, :] * out + rows[:, None],
            mask=(ranks < rank)[None, :] & (rows < out)[:, None],
            other=0.0,
        )
        right = tl.load(
            turned + module * rank * into + ranks[:, None] * into + columns[None, :],
            mask=(ranks < rank)[:, None] & (columns < into)[None, :],
            other=0.0,
        )
        total = tl.dot(left, right, total)
    place = module * out * into + rows[:, None] * into + columns[None, :]
    total += tl.load(base + place, mask=inside, other=0.0).to(tl.float32)
    tl.store(weight + place, total.to(weight.dtype.element_ty), mask=inside)


@triton.jit
def _lay(
    buffer, numbers, row, scales, starts, steps, side, before, count, SIZE: tl.constexpr, PIECES: tl.constexpr
):
    piece = tl.program_id(0) * PIECES + tl.arange(0, PIECES)
    there = piece < count
    mine = tl.load(row + piece, mask=there, other=0)
    scale = tl.load(scales + mine, mask=there, other=0.0).to(tl.float32)
    taken = tl.load(before + tl.load(side + mine, mask=there, other=0), mask=there, other=0)
    place = tl.load(starts + mine, mask=there, other=0) + piece
    place += taken * tl.load(steps + mine, mask=there, other=0)
    within = tl.arange(0, SIZE)[None, :]
    codes = tl.load(numbers + piece.to(tl.int64)[:, None] * SIZE + within, mask=there[:, None], other=0)
    values = codes.to(tl.float32) * scale[:, None]
    tl.store(buffer + place[:, None] * SIZE + within, values.to(buffer.dtype.element_ty), mask=there[:, None])


class TritonPasses:
    """`Passes` for half precision on CUDA; sums in float32, rounds once."""

    def rewrite(self, weights: Tensor, bases: Tensor, up: Tensor, turned: Tensor) -> None:
        """As `Passes`; all contiguous."""
        n, out, into = weights.shape
        grid = (triton.cdiv(into, _IN), triton.cdiv(out, _OUT), n)
        _rewrite[grid](
            weights, bases, up, turned, out, into, up.shape[1], OUT=_OUT, IN=_IN, RANK=_RANK
        )  # fmt: skip

    def lay(self, buffer: Tensor, pieces: Pieces, rows: Rows, before: Tensor) -> None:
        """As `Passes`; all contiguous."""
        count, size = pieces.numbers.shape
        _lay[(triton.cdiv(count, _PIECES),)](
            buffer, pieces.numbers, pieces.row, pieces.scales, rows.starts, rows.steps, pieces.side, before,
            count, SIZE=size, PIECES=_PIECES,
        )  # fmt: skip
