"""One part of a base model with a pool of factors: it brings styles in and makes room for them."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor

from eigenlorax.module_path import ModulePath
from eigenlorax.runtime.packed import Table, Wardrobe, most_ranks, table_of
from eigenlorax.runtime.pool import Pool, Weights, pool_bytes
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

#: So many styles have room from the start, those with most private ranks.
ROOM = 4


class StyledPart:
    """The pool of some modules of a base for one subspace.

    Args:
        subspace: Its bases.
        paths: The modules; those that the subspace does not change are left out.
        device, dtype: Of the pool.
        even: Whether modules of one shape are laid out alike, for the merged engine.
        budget: Most bytes of styles to keep on the device.
        let_go: Makes whoever reads the pool let go of it, before a larger one takes its place.
    """

    def __init__(
        self,
        subspace: Subspace,
        paths: Iterable[ModulePath],
        device: torch.device,
        dtype: torch.dtype,
        *,
        even: bool,
        budget: int,
        let_go: Callable[[], None],
    ) -> None:
        self.subspace, self._device, self._dtype, self._even = subspace, device, dtype, even
        self._budget, self._let_go = budget, let_go
        self._table = table_of(subspace, [path for path in paths if path in subspace.bases])
        self._wardrobe = Wardrobe(self._table, device, dtype, budget)
        self._touched: dict[str, tuple[Style, bool]] = {}
        self._pool: Pool | None = None
        self._room = ROOM

    def bytes_for(self, worn: Sequence[Style], styles: Mapping[str, Style]) -> int:
        """Bytes on the device once these are worn: they as stored, and the pool."""
        kept = [(_stored(style, self._table), self._wardrobe.holds(style)) for style in worn]
        new = sum(size for size, there in kept if not there)
        ranks = self._ranks(worn, styles, max(self._room, len(worn)))
        resident = max(sum(size for size, _ in kept), min(self.resident_bytes + new, self._budget))
        return resident + pool_bytes(self._table, ranks, self._device, self._dtype, even=self._even)

    def touched_by(self, style: Style) -> bool:
        """Whether the style changes any of the modules."""
        known, touched = self._touched.get(style.name, (None, False))
        if known is not style:
            touched = not style.cores.keys().isdisjoint(self._table.paths)
            self._touched[style.name] = style, touched
        return touched

    @property
    def nbytes(self) -> int:
        """Bytes on the device: styles as stored, and the pool."""
        return self.resident_bytes + (self._pool.nbytes if self._pool else 0)

    @property
    def resident_bytes(self) -> int:
        """Bytes of styles as stored."""
        return self._wardrobe.nbytes

    def wear(self, worn: Sequence[Style], weights: Weights, styles: Mapping[str, Style]) -> Pool:
        """The pool, made to hold this blend; another one than before where room was made.

        Args:
            worn: The styles with a strength.
            weights: Their strengths.
            styles: All styles of the subspace, to know how much room they may need.
        """
        packed = self._wardrobe.get(worn)
        if self._pool is None or not self._pool.fits(packed):
            if self._room < len(worn):
                # Doubled, so that a rack which is filled style by style makes few new buffers.
                self._room = max(len(worn), 2 * self._room)
            ranks = self._ranks(worn, styles, self._room)
            self._let_go()
            self._pool = None  # its memory, before the new one asks for more
            self._pool = Pool(self.subspace, self._table, ranks, self._device, self._dtype, even=self._even)
        self._pool.wear(packed, weights)
        return self._pool

    def _ranks(self, worn: Sequence[Style], styles: Mapping[str, Style], room: int) -> Tensor:
        """Room for the private ranks of the `room` styles that have most of them, those worn among them."""
        known = {**styles, **{style.name: style for style in worn}}
        return most_ranks(list(known.values()), self._table, room)


def _stored(style: Style, table: Table) -> int:
    """Bytes of what a style keeps of these modules."""
    forms = (style.cores.kept, style.residuals.kept)
    return sum(kept[path].nbytes for kept in forms for path in table.paths if path in kept)
