"""The options of one module: what each number of shared columns costs, keeps, and leaves to private ranks."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float64
from torch import Tensor

from eigenlorax.subspace.allocate import NUMBER_BYTES, Option
from eigenlorax.subspace.basis import CanonicalLayer
from eigenlorax.subspace.frames import SharedFrames

_THRESHOLDS = 16


def options_of(
    layers: Sequence[CanonicalLayer], weights: Sequence[float], frames: SharedFrames
) -> list[Option]:
    """Every option of one module, (0, 0) first.

    The frames of the HOSVD are nested, so one decomposition serves all numbers of columns. What the first k
    columns miss of dW = P S Q^T is R = [P, U A] diag(S, -S) [Q, V B]^T with A = U^T P and B = V^T Q: its
    singular values come from two 2r x 2r Gram matrices, never from anything of the module's own size.

    Args:
        layers: One canonical update per style that changes the module.
        weights: Factor on each update, as in the fit.
        frames: Of the same layers and weights.
    """
    rows, columns = frames.out.shape[0], frames.into.shape[0]
    price = NUMBER_BYTES * (rows + columns)
    rank = max(layer.s.shape[0] for layer in layers)
    s = torch.stack([_padded(layer.s.double() * w, rank) for layer, w in zip(layers, weights, strict=True)])
    a = torch.stack([_wide(frames.out.double().mT @ layer.p.double(), rank) for layer in layers])
    b = torch.stack([_wide(frames.into.double().mT @ layer.q.double(), rank) for layer in layers])
    energy = s.square().sum(1)
    found = [Option(0, 0, 0, float(energy.sum()), _descending(s.square()), price)]
    for k_out, k_in in _pairs(frames):
        seen_out, seen_in = a[:, :k_out], b[:, :k_in]
        core = (seen_out * s[:, None, :]) @ seen_in.mT
        missed = float((energy - core.square().sum((1, 2))).clamp(min=0.0).sum())
        gram_out, gram_in = seen_out.mT @ seen_out, seen_in.mT @ seen_in
        numbers = rows * k_out + columns * k_in
        numbers += sum(core_numbers(k_out, k_in, layer.s.shape[0]) for layer in layers)
        gains = _residual_energies(s, gram_out, gram_in)
        found.append(Option(k_out, k_in, NUMBER_BYTES * numbers, missed, _descending(gains), price))
    return found


def core_numbers(k_out: int, k_in: int, rank: int) -> int:
    """Numbers that a core of this rank is kept in: dense, or in two factors where that is smaller."""
    rank = min(rank, k_out, k_in)
    return min(k_out * k_in, rank * (k_out + k_in))


def _pairs(frames: SharedFrames) -> Iterator[tuple[int, int]]:
    """(k_out, k_in) along one line of equal energy per byte on both sides, from one column to all of them."""
    worth_out = frames.energy_out / frames.out.shape[0]
    worth_in = frames.energy_in / frames.into.shape[0]
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


def _residual_energies(
    s: Float64[Tensor, "styles rank"],
    gram_out: Float64[Tensor, "styles rank rank"],
    gram_in: Float64[Tensor, "styles rank rank"],
) -> Float64[Tensor, "styles ranks"]:
    """Squared singular values of what the shared columns miss of each style's update."""
    signed = torch.cat([s, -s], 1)
    out, into = _joint(gram_out), _joint(gram_in)
    values, vectors = torch.linalg.eigh(out)
    root = (vectors * values.clamp(min=0.0).sqrt()[:, None, :]) @ vectors.mT
    middle = signed[:, :, None] * into * signed[:, None, :]
    return torch.linalg.eigvalsh(root @ middle @ root).clamp(min=0.0)


def _joint(gram: Float64[Tensor, "styles rank rank"]) -> Float64[Tensor, "styles ranks ranks"]:
    """Gram matrix of [P, U A] from A^T A: P is orthonormal, and P^T U A = A^T A."""
    eye = torch.eye(gram.shape[1], dtype=gram.dtype).expand_as(gram)
    return torch.cat([torch.cat([eye, gram], 2), torch.cat([gram, gram], 2)], 1)


def _descending(gains: Tensor) -> tuple[float, ...]:
    flat = gains.flatten().sort(descending=True).values
    # Below the rounding of float64 Gram matrices there is nothing to buy.
    return tuple(flat[flat > flat[:1] * 1e-12].tolist())


def _padded(values: Tensor, length: int) -> Tensor:
    return torch.nn.functional.pad(values, (0, length - values.shape[0]))


def _wide(matrix: Tensor, columns: int) -> Tensor:
    return torch.nn.functional.pad(matrix, (0, columns - matrix.shape[1]))
