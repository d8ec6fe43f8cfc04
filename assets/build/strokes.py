"""Drawings made of nothing but numbers: random curves, filled shapes and rasters, for the autoencoder alone.

They teach it thin lines, hard edges and fine patterns without showing it any icon set. All run on the GPU; pictures
are float [N, 3, 128, 128] in [0, 1].
"""

import math

import torch

SIZE = 128


def _grid(device: torch.device | str) -> tuple[torch.Tensor, torch.Tensor]:
    axis = torch.arange(SIZE, device=device, dtype=torch.float32) + 0.5
    down, across = torch.meshgrid(axis, axis, indexing="ij")
    return across, down


def _curve_points(count: int, curves: int, steps: int, device: torch.device | str) -> torch.Tensor:
    """Points [N, curves, steps + 1, 2] in pixels: arcs, lines, polygons' sides and Bezier curves."""
    ends = torch.rand(count, curves, 4, 2, device=device) * 112.0 + 8.0
    share = torch.linspace(0.0, 1.0, steps + 1, device=device).view(1, 1, -1, 1)
    weights = ((1 - share) ** 3, 3 * share * (1 - share) ** 2, 3 * share**2 * (1 - share), share**3)
    bezier = sum((w * ends[:, :, i : i + 1] for i, w in enumerate(weights)), torch.zeros((), device=device))
    line = ends[:, :, :1] * (1 - share) + ends[:, :, 3:] * share
    radius = torch.rand(count, curves, 1, 2, device=device) * 42.0 + 4.0
    same = torch.rand(count, curves, 1, 1, device=device) < 0.6
    radius = torch.where(same, radius[..., :1], radius)
    span = torch.where(torch.rand(count, curves, 1, 1, device=device) < 0.6, 1.0, 0.4)
    angle = 2 * math.pi * (share * span + torch.rand(count, curves, 1, 1, device=device))
    arc = ends[:, :, :1] * 0.6 + 25.0 + radius * torch.cat([angle.cos(), angle.sin()], dim=-1)
    kind = torch.rand(count, curves, 1, 1, device=device)
    return torch.where(kind < 0.35, bezier, torch.where(kind < 0.6, line, arc))


def _distance(points: torch.Tensor) -> torch.Tensor:
    """Distance in pixels [N, curves, H, W] from each curve to each pixel's middle."""
    across, down = _grid(points.device)
    best = torch.full((*points.shape[:2], SIZE, SIZE), 1e9, device=points.device)
    for step in range(points.shape[2] - 1):
        start, end = points[:, :, step], points[:, :, step + 1]
        run = end - start
        length = (run * run).sum(-1).clamp_min(1e-6)
        x = across - start[..., 0, None, None]
        y = down - start[..., 1, None, None]
        along = (x * run[..., 0, None, None] + y * run[..., 1, None, None]) / length[..., None, None]
        along = along.clamp(0.0, 1.0)
        dx, dy = x - along * run[..., 0, None, None], y - along * run[..., 1, None, None]
        best = torch.minimum(best, dx * dx + dy * dy)
    return best.sqrt()


def _colours(count: int, layers: int, device: torch.device | str) -> torch.Tensor:
    """Colours [N, layers, 3]: for half of the pictures black or white, otherwise free."""
    free = torch.rand(count, layers, 3, device=device)
    hard = (torch.rand(count, layers, 1, device=device) < 0.5).float().expand(-1, -1, 3)
    return torch.where(torch.rand(count, 1, 1, device=device) < 0.5, hard, free)


def strokes(count: int, device: torch.device | str, curves: int = 9) -> torch.Tensor:
    """Pictures of round-ended strokes 1.5 to 12 pixels wide, one colour in half of them, on a flat ground."""
    distance = _distance(_curve_points(count, curves, 14, device))
    width = 0.75 + 5.0 * torch.rand(count, 1, 1, 1, device=device) ** 2
    own = 0.75 + 5.0 * torch.rand(count, curves, 1, 1, device=device) ** 2
    width = torch.where(torch.rand(count, 1, 1, 1, device=device) < 0.7, width, own)
    ink = (width + 0.5 - distance).clamp(0.0, 1.0)
    fewer = torch.rand(count, curves, 1, 1, device=device) < 0.75
    return _paint(ink * fewer, count, curves, device)


def shapes(count: int, device: torch.device | str, layers: int = 8) -> torch.Tensor:
    """Pictures of overlapping discs, rounded boxes and rings in flat colours or soft falls of colour."""
    across, down = _grid(device)
    size = (count, layers, 1, 1)
    middle_x, middle_y = torch.rand(size, device=device) * SIZE, torch.rand(size, device=device) * SIZE
    turn = torch.rand(size, device=device) * math.pi
    x, y = across - middle_x, down - middle_y
    x, y = x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin()
    half = torch.rand((*size, 2), device=device) * 40.0 + 2.0
    corner = half.amin(dim=-1) * torch.rand(size, device=device)
    out_x, out_y = x.abs() - half[..., 0] + corner, y.abs() - half[..., 1] + corner
    outside = (out_x.clamp_min(0) ** 2 + out_y.clamp_min(0) ** 2).sqrt()
    signed = outside + torch.maximum(out_x, out_y).clamp_max(0) - corner
    ring = torch.rand(size, device=device) < 0.35
    signed = torch.where(ring, signed.abs() - (1.0 + 4.0 * torch.rand(size, device=device)), signed)
    soft = torch.where(torch.rand(size, device=device) < 0.15, 8.0, 1.0)
    ink = (0.5 - signed / soft).clamp(0.0, 1.0)
    shade = 1.0 - 0.5 * torch.rand(size, device=device) * ((y / 40.0).clamp(-1.0, 1.0) + 1.0) / 2.0
    return _paint(ink * shade, count, layers, device)


def rasters(count: int, device: torch.device | str) -> torch.Tensor:
    """Two flat areas, one of them filled with stripes, dots or a weave of 3 to 12 pixels."""
    across, down = _grid(device)
    size = (count, 1, 1, 1)
    turn = torch.rand(size, device=device) * math.pi
    period = 3.0 + 9.0 * torch.rand(size, device=device)
    x = (across * turn.cos() + down * turn.sin()) * 2 * math.pi / period
    y = (down * turn.cos() - across * turn.sin()) * 2 * math.pi / period
    kind = torch.rand(size, device=device)
    wave = torch.where(
        kind < 0.4, x.sin(), torch.where(kind < 0.8, (x.sin() + y.sin()) / 2, x.sin() * y.sin())
    )
    hard = period * (0.3 + torch.rand(size, device=device))
    ink = ((wave + torch.rand(size, device=device) - 0.5) * hard).clamp(-0.5, 0.5) + 0.5
    colours = _colours(count, 2, device)[..., None, None]
    filled = colours[:, 0] * ink + colours[:, 1] * (1 - ink)
    base = shapes(count, device, 4)
    where = _distance(_curve_points(count, 1, 14, device)) < 10.0 + 30.0 * torch.rand(size, device=device)
    return torch.where(where, filled, base)


def _paint(ink: torch.Tensor, count: int, layers: int, device: torch.device | str) -> torch.Tensor:
    """Lay `ink` [N, layers, H, W] over a ground, layer after layer; half of the pictures use one ink colour."""
    colours = _colours(count, layers + 1, device)
    one = torch.rand(count, 1, 1, device=device) < 0.5
    ground, inks = colours[:, :1], torch.where(one, colours[:, 1:2], colours[:, 1:])
    alike = one & ((inks - ground).abs().amax(dim=-1, keepdim=True) < 0.15)
    colours = torch.cat([ground, torch.where(alike, 1.0 - ground, inks)], dim=1)
    picture = colours[:, 0, :, None, None].expand(count, 3, SIZE, SIZE)
    for layer in range(layers):
        share = ink[:, layer : layer + 1]
        picture = picture * (1.0 - share) + colours[:, layer + 1, :, None, None] * share
    return picture
