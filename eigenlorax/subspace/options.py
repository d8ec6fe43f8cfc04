"""The options of one module: what each number of shared columns costs, keeps, and leaves to private ranks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from eigenlorax.subspace.allocate import Option, option_of
from eigenlorax.subspace.basis import CanonicalLayer
from eigenlorax.subspace.frames import SharedFrames
from eigenlorax.subspace.kept_cores import core_bytes
from eigenlorax.subspace.numbers import Numbers, bytes_of, rank_bytes

_THRESHOLDS = 32
#: Most numbers of the styles' coefficients in the frames that are held at a time.
_HELD_NUMBERS = 1 << 22


def options_of(
    layers: Iterable[CanonicalLayer],
    weights: Sequence[float],
    frames: SharedFrames,
    numbers: Numbers = Numbers.FP16,
    apart: Sequence[Sequence[float]] = (),
) -> list[Option]:
    """Every option of one module, (0, 0) first.

    The frames of the HOSVD are nested, so one decomposition serves all numbers of columns. What the first k
    columns miss of dW = P S Q^T is R = [P, U A] diag(S, -S) [Q, V B]^T with A = U^T P and B = V^T Q: its
    singular values come from the r x r Gram matrices of A and B, never from anything of the module's size.
    Styles are taken some at a time, and what is missed is measured for the very frames given, in float64, be
    they those of a sketch.

    Args:
        layers: One canonical update per style that changes the module; iterated over once.
        weights: Factor on each update, as in the fit.
        frames: Of the same layers and weights.
        numbers: What is stored.
        apart: Weighted energies of the private ranks of each style that keeps apart; its core is zero.
    """
    rows, columns = frames.out.shape[0], frames.into.shape[0]
    pairs = [(0, 0), *_pairs(frames)]
    found = [_Found() for _ in pairs]
    out, into = frames.out.double(), frames.into.double()
    ranks: list[int] = []
    for some, own in _some(layers, weights, max(out.shape[1], into.shape[1])):
        ranks += [layer.s.shape[0] for layer in some]
        rank = max(layer.s.shape[0] for layer in some)
        s = torch.stack([_wide(layer.s.double() * w, rank) for layer, w in zip(some, own, strict=True)])
        a = torch.stack([_wide(out.mT @ layer.p.double(), rank) for layer in some])
        b = torch.stack([_wide(into.mT @ layer.q.double(), rank) for layer in some])
        for one, gram_out, gram_in in zip(
            found, _grams(a, [k for k, _ in pairs]), _grams(b, [k for _, k in pairs]), strict=True
        ):
            one.add(s, gram_out, gram_in)
    private = torch.tensor([value for values in apart for value in values], dtype=torch.float64)
    made = []
    for (k_out, k_in), one in zip(pairs, found, strict=True):
        size = bytes_of(rows, k_out, numbers) + bytes_of(columns, k_in, numbers)
        size += sum(core_bytes(k_out, k_in, rank, numbers) for rank in (*ranks, *[1] * len(apart)))
        gains = torch.cat([*one.gains, private]).sort(descending=True).values
        # Below the rounding of float64 Gram matrices there is nothing to buy.
        gains = gains[gains > gains[:1] * 1e-12]
        error = one.missed + float(private.sum())
        made.append(option_of(k_out, k_in, size, error, gains.tolist(), rank_bytes(rows, columns, numbers)))
    return made


def residual_energies(
    s: Float64[Tensor, "styles rank"],
    gram_out: Float64[Tensor, "styles rank rank"],
    gram_in: Float64[Tensor, "styles rank rank"],
) -> Float64[Tensor, "styles ranks"]:
    """Squared singular values of what shared columns miss of each style's update, 2 r of them, ascending.

    [P, U A] has the Gram matrix [[I, G], [G, G]] = L L^T with G = A^T A and L = [[I, 0], [G, W]], where
    W W^T = G - G^2; so the values are those of L_out^T diag(S, -S) L_in.

    Args:
        s: Weighted singular values of the updates.
        gram_out: A^T A for A = U^T P.
        gram_in: B^T B for B = V^T Q.
    """
    w_out, w_in = _root(gram_out), _root(gram_in)
    scaled = s[:, :, None] * torch.cat([gram_in, w_in], 2)
    lower = -torch.cat([gram_out, w_out], 2).mT @ scaled
    lower[:, : s.shape[1], : s.shape[1]] += torch.diag_embed(s)
    return torch.linalg.eigvalsh(lower @ lower.mT).clamp(min=0.0)


def _root(gram: Tensor) -> Tensor:
    """W with W W^T = G - G^2, for G between 0 and I."""
    values, vectors = torch.linalg.eigh(gram)
    return vectors * (values * (1.0 - values)).clamp(min=0.0).sqrt()[:, None, :]


@dataclass
class _Found:
    """What is known of one option from the styles seen so far."""

    missed: float = 0.0
    gains: list[Tensor] = field(default_factory=list)

    def add(self, s: Tensor, gram_out: Tensor, gram_in: Tensor) -> None:
        seen = ((s[:, :, None] * gram_out * s[:, None, :]) * gram_in).sum((1, 2))
        self.missed += float((s.square().sum(1) - seen).clamp(min=0.0).sum())
        self.gains.append(residual_energies(s, gram_out, gram_in).flatten().cpu())


def _some(
    layers: Iterable[CanonicalLayer], weights: Sequence[float], width: int
) -> Iterator[tuple[list[CanonicalLayer], list[float]]]:
    """Layers with their weights, as many at a time as have coefficients that may be held."""
    some: list[CanonicalLayer] = []
    own: list[float] = []
    for layer, w in zip(layers, weights, strict=True):
        some.append(layer)
        own.append(w)
        if sum(one.s.shape[0] for one in some) * width > _HELD_NUMBERS:
            yield some, own
            some, own = [], []
    if some:
        yield some, own


def _grams(coefficients: Float64[Tensor, "styles k rank"], counts: Sequence[int]) -> Iterator[Tensor]:
    """A^T A of the first 0 <= k1 <= k2 <= ... rows of each style's coefficients."""
    rank = coefficients.shape[2]
    gram = coefficients.new_zeros(coefficients.shape[0], rank, rank)
    done = 0
    for count in counts:
        more = coefficients[:, done:count]
        gram = gram + more.mT @ more
        done = count
        yield gram


def _pairs(frames: SharedFrames) -> Iterator[tuple[int, int]]:
    """(k_out, k_in) along one line of equal energy per byte on both sides, from one column to all of them."""
    worth_out = frames.energy_out.cpu() / frames.out.shape[0]
    worth_in = frames.energy_in.cpu() / frames.into.shape[0]
    worth = torch.cat([worth_out, worth_in])
    worth = worth[worth > 0.0]
    if not worth.numel():
        return
    levels = torch.logspace(
        float(worth.max().log10()), float(worth.min().log10()), _THRESHOLDS, dtype=torch.float64
    )
    seen = set()
    for level in levels.tolist():
        pair = (
            max(1, int((worth_out >= level * (1 - 1e-9)).sum())),
            max(1, int((worth_in >= level * (1 - 1e-9)).sum())),
        )
        if pair not in seen:
            seen.add(pair)
            yield pair


def _wide(matrix: Float[Tensor, "*rows columns"], columns: int) -> Float[Tensor, "*rows all"]:
    return torch.nn.functional.pad(matrix, (0, columns - matrix.shape[-1]))
