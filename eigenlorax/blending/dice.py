"""New styles by chance, as mixtures of those there are; the same seed gives the same mixture."""

import torch

from eigenlorax.blending.gram import Grams
from eigenlorax.blending.normalise import median_norm
from eigenlorax.errors import InvalidRequestError

_FEWEST = 2


def sampled(grams: Grams, seed: int) -> dict[str, float]:
    """Strengths whose mixture is one draw from the normal distribution of the collection's styles.

    With every update scaled to the norm of the collection's middle one, x_i, their mean m and covariance
    S = sum_i (x_i - m)(x_i - m)^T / (n - 1), a draw from N(m, S) is

        m + sum_i e_i (x_i - m) / sqrt(n - 1),   e_i from N(0, 1) independently:

    white numbers on the styles' own differences, so that no factor of S is ever formed.

    Args:
        grams: Of the whole collection.
        seed: Of the draw.

    Returns:
        Style -> strength; styles that do nothing are left out.

    Raises:
        InvalidRequestError: fewer than two styles do anything.
    """
    names, unit = _units(grams)
    noise = _normal(len(names), seed)
    weights = 1.0 / len(names) + (noise - noise.mean()) / (len(names) - 1) ** 0.5
    return {name: float(weight) * unit[name] for name, weight in zip(names, weights, strict=True)}


def remixed(grams: Grams, seed: int) -> dict[str, float]:
    """Strengths of two or three styles by chance, mixed at random to the norm of the collection's middle one.

    Shares are even over the simplex: exponential numbers divided by their sum.

    Args, Raises: as `sampled`.
    """
    names, unit = _units(grams)
    generator = torch.Generator().manual_seed(seed)
    count = min(len(names), int(torch.randint(2, 4, (), generator=generator)))
    picked = [names[i] for i in torch.randperm(len(names), generator=generator)[:count].tolist()]
    drawn = torch.empty(count, dtype=torch.float64).exponential_(generator=generator)
    shares = torch.tensor([unit[name] for name in picked], dtype=torch.float64) * drawn / drawn.sum()
    table = grams.of(picked).total
    size = float(shares @ table @ shares) ** 0.5
    scale = median_norm(grams) / size if size > 0.0 else 1.0
    return {name: float(share) * scale for name, share in zip(picked, shares, strict=True)}


def _units(grams: Grams) -> tuple[list[str], dict[str, float]]:
    """The styles that do something, and the strength at which each has the middle norm."""
    middle = median_norm(grams)
    unit = {n: middle / norm for n, norm in zip(grams.names, grams.norms.tolist(), strict=True) if norm > 0.0}
    if len(unit) < _FEWEST:
        raise InvalidRequestError("there is nothing to throw dice with: the collection needs two styles")
    return list(unit), unit


def _normal(count: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, generator=generator, dtype=torch.float64)
