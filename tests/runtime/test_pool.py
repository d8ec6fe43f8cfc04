"""The pool's buffers against dense sums: any shapes and ranks, codes and halves mixed, rows, switches, growth."""

from collections.abc import Mapping, Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from eigenlorax.dials import REGIONS, region_of
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime import styled
from eigenlorax.runtime.packed import pack_style, piece_of, table_of
from eigenlorax.runtime.pool import Pool, pool_bytes
from eigenlorax.runtime.styled import StyledPart
from eigenlorax.subspace.basis import Basis, stored_basis
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.kept_cores import KeptCores, keep_core
from eigenlorax.subspace.kept_residuals import KeptResiduals, keep_residual
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

CPU = torch.device("cpu")
#: (out, in) of linears, of convolutions whose kernels are flattened, odd ones too, and of vectors.
SHAPES = ((16, 24), (24, 16), (256, 128), (7, 9 * 3), (5, 4), (8, 9 * 8), (1, 13), (12, 1), (9, 1), (33, 3))
#: Each in a region of its own, one twice.
PLACES = (
    (Component.UNET, "mid_block"), (Component.UNET, "up_blocks.0.attentions.0"),
    (Component.UNET, "up_blocks.0.attentions.1"), (Component.UNET, "up_blocks.1"),
    (Component.UNET, "down_blocks.1"), (Component.TEXT_ENCODER, "text_model"),
)  # fmt: skip
FIDELITY = Fidelity(1.0, "", 1.0, 0, 0, 0)


class World:
    """Bases and styles drawn by chance.

    Args:
        shapes: (shape, place, k) of each module; equal shapes may have bases of different widths.
        styles: How many.
        seed: Of numbers, ranks, and of what each style leaves alone.
    """

    def __init__(self, shapes: Sequence[tuple[int, int, int]], styles: int, seed: int) -> None:
        self.chance = torch.Generator().manual_seed(seed)
        bases: dict[ModulePath, Basis] = {}
        for number, (shape, place, k) in enumerate(shapes):
            component, block = PLACES[place]
            out, into = SHAPES[shape]
            k_out, k_in = (min(k + self.below(2), out), min(k, into)) if k else (0, 0)
            frames = (self.frame(out, k_out), self.frame(into, k_in))
            bases[ModulePath(component, f"{block}.x{number}")] = stored_basis(*frames, self.numbers())
        self.subspace = Subspace(bases, "", {}, 1.0)
        self.styles = {f"s{number}": self.style(f"s{number}") for number in range(styles)}

    def below(self, top: int) -> int:
        return int(torch.randint(top, (), generator=self.chance))

    def numbers(self) -> Numbers:
        return list(Numbers)[self.below(2)]

    def draw(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.chance)

    def frame(self, width: int, columns: int) -> Tensor:
        return torch.linalg.qr(self.draw(width, columns))[0] if columns else torch.zeros(width, 0)

    def style(self, name: str) -> Style:
        cores, residuals = {}, {}
        for path, basis in self.subspace.bases.items():
            if self.below(4):
                cores[path] = keep_core(self.draw(*basis.core_shape), 0, Numbers.FP16)
            if path in cores and (rank := self.below(4)):
                size = 10.0 ** (self.below(5) - 4)
                up = self.draw(basis.stored_out.shape[0], rank) * size
                down = self.draw(rank, basis.stored_into.shape[0])
                residuals[path] = keep_residual(LoRALayer(up, down), self.numbers())
        return Style(name, KeptCores(cores), "", FIDELITY, residuals=KeptResiduals(residuals))

    def weights(self, rows: int, styles: int) -> Tensor:
        return self.draw(rows, styles, len(REGIONS))

    def dense(self, path: ModulePath, worn: Sequence[Style], weights: Tensor) -> Tensor:
        """(rows, out, in): the sum of all updates, each at its strength."""
        basis, region = self.subspace.bases[path], REGIONS.index(region_of(path))
        total = torch.zeros(len(weights), basis.stored_out.shape[0], basis.stored_into.shape[0]).double()
        for place, style in enumerate(worn):
            update = torch.zeros_like(total[0])
            if path in style.cores:
                update += basis.out.double() @ style.cores[path].double() @ basis.into.double().mT
            if path in style.residuals:
                layer = style.residuals[path]
                update += layer.up.double() @ layer.down.double()
            total += weights[:, place, region, None, None].double() * update
        return total


def same(found: Tensor, expected: Tensor) -> None:
    """Equal but for rounding in float32, at the size of the whole matrix."""
    torch.testing.assert_close(
        found.double(), expected, rtol=0.0, atol=3e-6 * (1.0 + float(expected.abs().max()))
    )


def check(world: World, pool: Pool, worn: Sequence[Style], weights: Tensor, *, even: bool) -> None:
    """Every module adds what it should, and modules that the pool has no factors for nothing."""
    factors = pool.factors(len(weights))
    batched: Mapping[ModulePath, Tensor] = {}
    if even and len(weights) == 1:
        batched = {
            path: batch.up[i].mT @ batch.mix[i].mT @ batch.down[i]
            for batch in pool.batches
            for i, path in enumerate(batch.paths)
        }
    for path in world.subspace.bases:
        expected = world.dense(path, worn, weights)
        if path not in factors:
            assert not expected.any()
            continue
        own = factors[path]
        same(own.up.mT @ own.mix.mT @ own.down, expected)
        x = world.draw(len(weights), 3, own.down.shape[1])
        seen = x @ own.down.mT
        wanted = (x.double() @ expected.mT).float()
        torch.testing.assert_close(own.of(seen), wanted, rtol=1e-4, atol=1e-3)
        output = world.draw(len(weights), 3, own.up.shape[1])
        torch.testing.assert_close(own.added(output.clone(), seen), output + wanted, rtol=1e-4, atol=1e-3)
        if even and len(weights) == 1:
            same(batched[path], expected[0])


modules = st.lists(
    st.tuples(st.integers(0, len(SHAPES) - 1), st.integers(0, len(PLACES) - 1), st.integers(0, 3)),
    min_size=1, max_size=6,
)  # fmt: skip
steps = st.lists(st.tuples(st.sets(st.integers(0, 4)), st.integers(1, 3)), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(modules, steps, st.booleans(), st.integers(1, 5), st.integers(0, 2**31))
def test_any_blend_of_any_styles_is_the_dense_sum(
    shapes: list[tuple[int, int, int]], wears: list[tuple[set[int], int]], even: bool, room: int, seed: int
) -> None:
    """Switches follow each other in one pool, which is made anew as it grows: nothing of the last is left."""
    world = World(shapes, 5, seed)
    part = StyledPart(
        world.subspace,
        world.subspace.bases,
        CPU,
        torch.float32,
        even=even,
        budget=1 << 40,
        let_go=lambda: None,
    )
    part._room = room
    everything = list(world.styles.values())
    for places, rows in wears:
        worn = [everything[place] for place in sorted(places)]
        weights = world.weights(rows, len(worn))
        check(world, part.wear(worn, weights, world.styles), worn, weights, even=even)
        again = world.weights(rows, len(worn))
        check(world, part.wear(worn, again, world.styles), worn, again, even=even)


@pytest.mark.parametrize("even", [False, True])
def test_a_pool_grows_when_a_style_comes_that_does_not_fit(
    even: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(styled, "ROOM", 1)
    world = World([(0, 0, 2), (0, 1, 1), (3, 2, 0), (7, 3, 1)], 5, 1)
    part = StyledPart(
        world.subspace,
        world.subspace.bases,
        CPU,
        torch.float32,
        even=even,
        budget=1 << 40,
        let_go=lambda: None,
    )
    everything, pools = list(world.styles.values()), []
    for count in (1, 2, 5, 1, 5):
        weights = world.weights(1, count)
        pools.append(part.wear(everything[:count], weights, world.styles))
        check(world, pools[-1], everything[:count], weights, even=even)
    assert pools[0] is not pools[2] is pools[3] is pools[4]
    assert pools[0].serial != pools[2].serial


@settings(max_examples=30, deadline=None)
@given(modules, st.booleans(), st.integers(0, 2**31))
def test_bytes_are_told_before_they_are_taken(
    shapes: list[tuple[int, int, int]], even: bool, seed: int
) -> None:
    world = World(shapes, 2, seed)
    table = table_of(world.subspace, list(world.subspace.bases))
    packed = [pack_style(style, table, CPU, torch.float32) for style in world.styles.values()]
    ranks = torch.stack([one.most for one in packed]).sum(0)
    pool = Pool(world.subspace, table, ranks, CPU, torch.float32, even=even)
    assert pool.fits(packed)
    assert pool.nbytes == pool_bytes(table, ranks, CPU, torch.float32, even=even)


@given(st.integers(1, 20_000))
def test_pieces_divide_every_width(width: int) -> None:
    assert width % piece_of(width) == 0
    assert piece_of(width) <= 128
    assert piece_of(width) == 128 or (width // piece_of(width)) % 2 == 1
