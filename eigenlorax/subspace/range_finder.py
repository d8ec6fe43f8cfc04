"""The strongest directions of a stack of columns that arrives piece by piece and may be too wide to hold.

Up to `EXACT` columns the stack is kept and its Gram matrix of columns decomposed; wider than that, its Gram
matrix of rows, when there are at most `EXACT` of them; both are exact. What is large both ways is sketched:
X X^T = sum_i X_i X_i^T is applied to random columns in one pass, then to their orthonormalised image in the
next, and a last pass measures in float64 what each direction keeps. No more than `most` columns are held, and
the error is stated as it is, not as a bound: the energy of the stack less the energy kept.

Source: Halko, Martinsson, Tropp, "Finding structure with randomness" (2011), algorithms 4.4 and 5.3, with
X X^T for the matrix.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

#: Widest Gram matrix that is decomposed as a whole.
EXACT = 1280
#: Most directions of a wider stack: further ones cost nearly what they save.
MOST = 512
#: Applications of X X^T, one pass each, before the last pass measures the energies.
_ROUNDS = 2


@dataclass(frozen=True)
class Range:
    """Left singular vectors of a stack of columns, those above rounding; one for a stack of zeros.

    Attributes:
        columns: (rows, k) orthonormal, strongest first.
        energy: (k,) squared Frobenius norm of the stack along each column, measured in float64.
        tail: Squared Frobenius norm of the stack outside all columns: the total less the sum of `energy`.
    """

    columns: Float[Tensor, "rows k"]
    energy: Float64[Tensor, " k"]
    tail: float


class RangeFinder:
    """Takes the pieces of a stack in order, as often as it asks for them.

        while not finder.is_done:
            for piece in pieces:
                finder.take(piece)
            finder.end_pass()

    Args:
        generator: Of the sketch's random columns; drawn on the CPU, so that every device has the same.
        exact: Widest Gram matrix to decompose as a whole.
        most: Most directions of a stack that is wider than that.
        wanted: How many of the strongest directions to give, at most; the others count as tail.
    """

    def __init__(
        self, generator: torch.Generator, exact: int = EXACT, most: int = MOST, *, wanted: int | None = None
    ) -> None:
        self._generator = generator
        self._exact = exact
        self._most = most
        self._size = _Size(wanted)
        self._stage: _Stack | _RowGram | _Sketch = _Stack()
        self._found: Range | None = None

    @property
    def is_done(self) -> bool:
        """No further pass is needed."""
        return self._found is not None

    @property
    def found(self) -> Range:
        """The outcome, once it is done."""
        if self._found is None:
            raise ValueError("the stack has not been passed over often enough: see is_done")
        return self._found

    def take(self, piece: Float[Tensor, "rows columns"]) -> None:
        """The next piece; every pass has the same ones."""
        self._stage.take(piece)
        if not self._size.is_known:
            self._size.columns += piece.shape[1]
            self._size.energy += float(piece.double().square().sum())
        if isinstance(self._stage, _Stack) and self._size.columns > self._exact:
            held, rows = self._stage.pieces, piece.shape[0]
            self._size.wanted = min(self._size.wanted or self._most, self._most)
            if rows <= self._exact:
                self._stage = _RowGram(rows, piece.device)
            else:
                drawn = torch.randn(rows, min(self._most, rows), generator=self._generator)
                self._stage = _Sketch(drawn.to(piece.device))
            for earlier in held:
                self._stage.take(earlier)

    def end_pass(self) -> None:
        """All pieces have been taken once more."""
        self._size.is_known = True
        self._found = self._stage.end_pass(self._size)
        if self._found:
            self._stage = _Stack()


@dataclass
class _Size:
    """What is wanted, and what the first pass learns of the whole stack."""

    wanted: int | None
    columns: int = 0
    energy: float = 0.0
    is_known: bool = False


class _Stack:
    """All pieces, side by side."""

    def __init__(self) -> None:
        self.pieces: list[Tensor] = []

    def take(self, piece: Tensor) -> None:
        self.pieces.append(piece)

    def end_pass(self, size: _Size) -> Range:
        if not self.pieces:
            raise ValueError("a stack needs at least one piece")
        wide = torch.cat(self.pieces, dim=1).double()
        rows, columns = wide.shape
        if rows <= columns:
            energy, vectors = _descending(wide @ wide.mT)
            return _cut(vectors, energy, size)
        energy, vectors = _descending(wide.mT @ wide)
        count = _count(energy, rows)
        if not count:
            return _cut(torch.eye(rows, 1, device=wide.device), energy, size)
        count = min(count, size.wanted or count)
        return _cut(wide @ (vectors[:, :count] / energy[:count].sqrt()), energy, size)


class _RowGram:
    """X X^T of few rows."""

    def __init__(self, rows: int, device: torch.device) -> None:
        self._gram = torch.zeros(rows, rows, dtype=torch.float64, device=device)

    def take(self, piece: Tensor) -> None:
        wide = piece.double()
        self._gram.addmm_(wide, wide.mT)

    def end_pass(self, size: _Size) -> Range:
        energy, vectors = _descending(self._gram)
        return _cut(vectors, energy, size)


class _Sketch:
    """X X^T applied to few columns Q; in the last pass Q^T X X^T Q alone, in float64."""

    def __init__(self, test: Tensor) -> None:
        self._test = test
        self._image = torch.zeros_like(test)
        self._gram: Tensor | None = None
        self._passes = 0

    def take(self, piece: Tensor) -> None:
        if self._gram is None:
            # Only a range is sought here: float32 is enough, and twice as quick.
            self._image.addmm_(piece, piece.mT @ self._test)
        else:
            seen = piece.double().mT @ self._test
            self._gram.addmm_(seen.mT, seen)

    def end_pass(self, size: _Size) -> Range | None:
        if self._gram is not None:
            energy, vectors = _descending(self._gram)
            return _cut(self._test @ vectors, energy, size)
        frame = torch.linalg.qr(self._image.double())[0]
        self._passes += 1
        if self._passes < _ROUNDS:
            self._test, self._image = frame.float(), torch.zeros_like(self._image)
        else:
            self._test, self._image = frame, torch.zeros(0, device=frame.device)
            self._gram = frame.new_zeros(frame.shape[1], frame.shape[1])
        return None


def _cut(columns: Tensor, energy: Tensor, size: _Size) -> Range:
    count = max(_count(energy, max(columns.shape[0], size.columns)), 1)
    count = min(count, size.wanted or count)
    kept = energy[:count].clamp(min=0.0)
    return Range(columns[:, :count].float(), kept, max(size.energy - float(kept.sum()), 0.0))


def _count(energy: Tensor, size: int) -> int:
    """Directions whose singular value is above what rounding in float32 makes of nothing."""
    return int((energy > energy[0] * (size * torch.finfo(torch.float32).eps) ** 2).sum())


def _descending(gram: Tensor) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh(gram)
    return values.flip(0), vectors.flip(1)
