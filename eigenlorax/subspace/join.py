"""One more LoRA in a subspace, by the cheapest way that keeps what was asked of it.

In each module dW is kept as U M V^T plus either private ranks or further shared columns. A private rank
costs a column on both sides; where the basis has one side already, a column on the other side does the same
for less. Which takes fewer bytes is decided module by module, at one price per byte over all of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import torch
from jaxtyping import Float64
from torch import Tensor

from eigenlorax.lora import LoRA
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.allocate import Choice, Option, cheapest_within, within_error
from eigenlorax.subspace.augment import Columns, orthogonal_to, padded, widened
from eigenlorax.subspace.basis import Basis, CanonicalLayer, canonical, project
from eigenlorax.subspace.grow import check_room, priced, settled
from eigenlorax.subspace.kept_cores import core_bytes, form_bytes
from eigenlorax.subspace.numbers import bytes_of, rank_bytes
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

_LEVELS = 12


class Way(StrEnum):
    """How a LoRA came into a subspace that was fitted without it."""

    PROJECTION = "projection"
    COLUMNS = "columns"
    RESIDUAL = "residual"
    BOTH = "columns and residual"


@dataclass(frozen=True)
class Decision:
    """What was done for one LoRA that joined, and what the other ways would have cost.

    Attributes:
        name: The LoRA's.
        projected: Share of its squared norm, weighted by importance, that the columns of before hold.
        asked: The share that was asked for.
        columns: Columns added, both sides and all modules together.
        private_ranks: Ranks that it keeps to itself, all modules together.
        added_bytes: Of the numbers that were added: columns, private ranks, its cores, zeros in other cores.
        residual_bytes: What the asked share takes with private ranks alone.
        columns_bytes: What it takes with new columns alone.
    """

    name: str
    projected: float
    asked: float
    columns: int
    private_ranks: int
    added_bytes: int
    residual_bytes: int
    columns_bytes: int

    @property
    def way(self) -> Way:
        """The way in one word."""
        if self.columns:
            return Way.BOTH if self.private_ranks else Way.COLUMNS
        return Way.RESIDUAL if self.private_ranks else Way.PROJECTION

    @property
    def words(self) -> str:
        """The decision and its reason, in one sentence."""
        held = f"the shared columns held {self.projected:.0%} of {self.name}"
        if self.way is Way.PROJECTION:
            return f"{held}, which is what was asked: nothing else was needed."
        means = {
            Way.COLUMNS: f"{self.columns} new columns",
            Way.RESIDUAL: f"{self.private_ranks} private ranks",
            Way.BOTH: f"{self.columns} new columns and {self.private_ranks} private ranks",
        }[self.way]
        others = f"private ranks alone {self.residual_bytes:,}, columns alone {self.columns_bytes:,}"
        return f"{held}: it brought {means}, {self.added_bytes:,} bytes ({others})."


@dataclass(frozen=True)
class Joined:
    """A subspace after a LoRA has joined: the new version, every style in it, and what was decided."""

    subspace: Subspace
    styles: Mapping[str, Style]
    decision: Decision


def join(
    lora: LoRA,
    subspace: Subspace,
    styles: Mapping[str, Style],
    retain: float,
    importance: Mapping[ModulePath, float],
    file_bytes: int,
    trigger_words: tuple[str, ...],
) -> Joined:
    """Bring a LoRA in with the fewest bytes for the asked quality, new shared columns allowed.

    The styles that are there keep their coefficients number for number, with zeros for the new columns, and
    their private ranks; their updates differ by the rounding of float32 that one more column can bring.

    Args:
        lora: The LoRA.
        subspace: With a basis, an empty one too, for each of its modules (`room_for`).
        styles: Those of the subspace, by name.
        retain: In (0, 1].
        importance: Module -> factor on its squared error, as in the fit.
        file_bytes: Size of its file.
        trigger_words: Of the style.

    Raises:
        SubspaceMismatchError: the subspace lacks one of its modules, or a style is of another subspace.
    """
    check_room(lora, subspace)
    added: dict[ModulePath, Columns] = {}
    offers: dict[ModulePath, list[Option]] = {}
    held = total = 0.0
    for path in lora.layers:
        form = canonical(lora.layers[path])
        ranks = [s.cores.kept[path].rank for s in styles.values() if path in s.cores]
        offer = _Offer(form, subspace.bases[path], ranks)
        added[path], offers[path] = offer.columns, offer.options(importance[path])
        held += importance[path] * float(project(form, subspace.bases[path]).double().square().sum())
        total += importance[path] * form.energy
    allowed = (1.0 - retain) * total
    alone = cheapest_within({path: options[:1] for path, options in offers.items()}, allowed)
    mixed = within_error(offers, allowed)
    if _error(mixed) > allowed >= _error(alone) or _bytes(alone) <= _bytes(mixed):
        mixed = alone
    wide = {path: [replace(o, gains=()) for o in options] for path, options in offers.items()}
    grown = _with_columns(subspace, added, mixed)
    style = settled(
        lora, grown, {path: choice.bought for path, choice in mixed.items()}, file_bytes, trigger_words
    )
    moved = {name: padded(other, subspace, grown) for name, other in styles.items()}
    decision = Decision(
        name=lora.name,
        projected=held / total if total > 0.0 else 1.0,
        asked=retain,
        columns=sum(choice.option.k_out + choice.option.k_in for choice in mixed.values()),
        private_ranks=sum(residual.rank for residual in style.residuals.kept.values()),
        added_bytes=_bytes(mixed),
        residual_bytes=_bytes(alone),
        columns_bytes=_bytes(cheapest_within(wide, allowed)),
    )
    return Joined(grown, moved | {lora.name: style}, decision)


class _Offer:
    """What one module of a new LoRA can be kept by, in coordinates of at most 2 r directions on each side.

    Args:
        form: dW in this module.
        basis: Of the subspace.
        ranks: Of the factors of the cores that other styles have here; `DENSE` for a whole one.
    """

    def __init__(self, form: CanonicalLayer, basis: Basis, ranks: list[int]) -> None:
        self._basis, self._ranks, self._rank = basis, ranks, form.s.shape[0]
        # The best orthogonal columns: leading left vectors of (I - U U^T) dW, right ones of dW (I - V V^T).
        self.columns = (_outside(basis.out, form.p, form.s), _outside(basis.into, form.q, form.s))
        inside_out, inside_in = _inside(basis.out, form.p), _inside(basis.into, form.q)
        self._seen = (inside_out.shape[0], inside_in.shape[0])
        side_out = torch.cat([inside_out, (self.columns[0].mT @ form.p).double()])
        side_in = torch.cat([inside_in, (self.columns[1].mT @ form.q).double()])
        self._core: Float64[Tensor, "l r"] = side_out * form.s.double() @ side_in.mT

    def options(self, importance: float) -> list[Option]:
        """(0, 0), which is private ranks alone, then further columns along a line of equal worth per byte."""
        return [self._option(out, into, importance) for out, into in self._pairs()]

    def _pairs(self) -> Iterator[tuple[int, int]]:
        rows, columns = self._basis.stored_out.shape[0], self._basis.stored_into.shape[0]
        worth_out = self._core[self._seen[0] :].square().sum(1) / rows
        worth_in = self._core[:, self._seen[1] :].square().sum(0) / columns
        worth = torch.cat([worth_out, worth_in]).sort(descending=True).values
        worth = worth[worth > 0.0]
        picks = torch.linspace(0, len(worth) - 1, min(_LEVELS, len(worth))).round().long().tolist()
        seen = [(0, 0)]
        for level in worth[picks].tolist() if picks else []:
            pair = (int((worth_out >= level).sum()), int((worth_in >= level).sum()))
            seen += [
                one
                for one in (pair, (pair[0], 0), (0, pair[1]))
                if one not in seen and not self._useless(one)
            ]
        yield from seen

    def _useless(self, pair: tuple[int, int]) -> bool:
        """Whether columns on one side would meet nothing on the other."""
        return 0 in (self._basis.core_shape[0] + pair[0], self._basis.core_shape[1] + pair[1])

    def _option(self, out: int, into: int, importance: float) -> Option:
        rows, columns = self._basis.stored_out.shape[0], self._basis.stored_into.shape[0]
        k_out, k_in = self._basis.core_shape
        rest = self._core.clone()
        rest[: self._seen[0] + out, : self._seen[1] + into] = 0.0
        gains = importance * torch.linalg.svdvals(rest).square()
        numbers, wide = self._basis.numbers, (k_out + out, k_in + into)
        file_bytes = bytes_of(rows, out, numbers) + bytes_of(columns, into, numbers)
        file_bytes += core_bytes(*wide, self._rank, numbers)
        for rank in self._ranks:
            # Zeros are put behind it; it stays whole or in factors, as it was.
            file_bytes += form_bytes(*wide, rank, numbers) - form_bytes(k_out, k_in, rank, numbers)
        return priced((out, into), file_bytes, gains, rank_bytes(rows, columns, numbers))


def _outside(frame: Tensor, side: Tensor, s: Tensor) -> Tensor:
    """Orthonormal directions of one side of dW outside a frame, the most energy first."""
    rest = (side - frame @ (frame.mT @ side)) * s
    left, values, _ = torch.linalg.svd(rest.double(), full_matrices=False)
    count = int((values > s.double().max(dim=0, keepdim=True).values[:1] * 1e-5).sum()) if s.numel() else 0
    return orthogonal_to(frame, left[:, :count].float(), count)


def _inside(frame: Tensor, side: Tensor) -> Tensor:
    """U^T P in at most r coordinates: R of its QR, since only inner products count."""
    seen = (frame.mT @ side).double()
    return torch.linalg.qr(seen)[1] if min(seen.shape) else seen


def _with_columns(
    subspace: Subspace, added: Mapping[ModulePath, Columns], choices: Mapping[ModulePath, Choice]
) -> Subspace:
    bases = dict(subspace.bases)
    for path, choice in choices.items():
        out, into = added[path]
        if choice.option.k_out or choice.option.k_in:
            bases[path] = widened(bases[path], (out[:, : choice.option.k_out], into[:, : choice.option.k_in]))
    return replace(subspace, bases=bases)


def _bytes(choices: Mapping[ModulePath, Choice]) -> int:
    return sum(choice.file_bytes for choice in choices.values())


def _error(choices: Mapping[ModulePath, Choice]) -> float:
    return sum(choice.error for choice in choices.values())
