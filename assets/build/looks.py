"""Colour changes on the fly, with the words that keep a caption true.

Works on float pictures [N, 3, H, W] in [0, 1] with the cover of the white behind them [N, 1, H, W] in [0, 1].
"""

from collections.abc import Callable

import torch
import torch.nn.functional as functional

PALETTE: dict[str, tuple[float, float, float]] = {
    "black": (0.04, 0.04, 0.05),
    "dark blue": (0.06, 0.10, 0.32),
    "dark green": (0.05, 0.25, 0.14),
    "dark red": (0.40, 0.05, 0.08),
    "dark gray": (0.20, 0.20, 0.22),
    "purple": (0.40, 0.16, 0.55),
    "blue": (0.15, 0.38, 0.85),
    "teal": (0.08, 0.55, 0.55),
    "green": (0.20, 0.65, 0.28),
    "red": (0.85, 0.16, 0.16),
    "orange": (0.97, 0.58, 0.15),
    "pink": (0.98, 0.62, 0.75),
    "yellow": (0.98, 0.86, 0.30),
    "light blue": (0.66, 0.85, 0.97),
    "cream": (0.98, 0.94, 0.84),
    "gray": (0.62, 0.62, 0.64),
    "brown": (0.45, 0.29, 0.17),
    "white": (1.0, 1.0, 1.0),
}
NAMES: tuple[str, ...] = tuple(PALETTE)
Look = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def palette(device: torch.device | str) -> torch.Tensor:
    """The named colours [18, 3] in [0, 1]."""
    return torch.tensor(list(PALETTE.values()), device=device)


def luminance(pictures: torch.Tensor) -> torch.Tensor:
    """Brightness [N, 1, H, W] in [0, 1]."""
    weights = pictures.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (pictures * weights).sum(dim=1, keepdim=True)


def plain(pictures: torch.Tensor, cover: torch.Tensor, one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    """As drawn."""
    return pictures


def behind(pictures: torch.Tensor, cover: torch.Tensor, one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    """Colour `one` instead of the white behind the drawing."""
    return pictures + cover * (one - 1.0)


def gradient(
    pictures: torch.Tensor, cover: torch.Tensor, one: torch.Tensor, two: torch.Tensor
) -> torch.Tensor:
    """A fall of colour from `one` to `two` behind the drawing, from top to bottom."""
    share = torch.linspace(0.0, 1.0, pictures.shape[-2], device=pictures.device).view(1, 1, -1, 1)
    return pictures + cover * (one * (1.0 - share) + two * share - 1.0)


def duotone(
    pictures: torch.Tensor, cover: torch.Tensor, one: torch.Tensor, two: torch.Tensor
) -> torch.Tensor:
    """Dark becomes `one`, bright becomes `two`."""
    share = luminance(pictures)
    return one * (1.0 - share) + two * share


def inverted(
    pictures: torch.Tensor, cover: torch.Tensor, one: torch.Tensor, two: torch.Tensor
) -> torch.Tensor:
    """The negative."""
    return 1.0 - pictures


def recoloured(
    pictures: torch.Tensor, cover: torch.Tensor, one: torch.Tensor, two: torch.Tensor
) -> torch.Tensor:
    """Channels shifted in a circle (hues turned by a third or two thirds), by the first value of `one`."""
    return torch.where(one[:, :1] > one[:, 2:3], pictures.roll(1, 1), pictures.roll(2, 1))


def outline(
    pictures: torch.Tensor, cover: torch.Tensor, one: torch.Tensor, two: torch.Tensor
) -> torch.Tensor:
    """Edges only, in `one` on `two`."""
    soft = functional.avg_pool2d(functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)
    padded = functional.pad(soft, (1, 1, 1, 1), mode="replicate")
    across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]).abs().amax(dim=1, keepdim=True)
    down = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]).abs().amax(dim=1, keepdim=True)
    line = ((across + down) * 2.6 - 0.25).clamp(0.0, 1.0)
    return one * line + two * (1.0 - line)


#: Each look with its share for coloured sets, its share for black line sets, and its words ({one}, {two}: colours).
LOOKS: tuple[tuple[Look, float, float, str], ...] = (
    (plain, 0.50, 0.50, ""),
    (behind, 0.20, 0.14, "on a {one} background"),
    (gradient, 0.04, 0.02, "on a {one} and {two} gradient"),
    (duotone, 0.09, 0.28, "in {one} and {two}"),
    (inverted, 0.06, 0.06, "inverted colors"),
    (recoloured, 0.04, 0.0, "odd colors"),
    (outline, 0.07, 0.0, "outline drawing in {one} on {two}"),
)


def recolour_freely(pictures: torch.Tensor) -> torch.Tensor:
    """A random linear change of the colours of each picture, near a shuffle or a negative; for the autoencoder."""
    count, device = pictures.shape[0], pictures.device
    order = torch.rand(count, 3, device=device).argsort(dim=1)
    matrix = functional.one_hot(order, 3).float()
    matrix = matrix + 0.25 * torch.randn(count, 3, 3, device=device)
    sign = torch.where(torch.rand(count, 1, 1, device=device) < 0.4, -1.0, 1.0)
    changed = torch.einsum("nij,njhw->nihw", matrix * sign, pictures - 0.5) + 0.5
    return changed.clamp(0.0, 1.0)
