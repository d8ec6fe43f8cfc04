"""A style in another version of its subspace: M' = U'^T (U M V^T + R) V', the remainder as its residual."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch

from eigenlorax.errors import SubspaceMismatchError
from eigenlorax.lora import LoRA, LoRALayer, joined
from eigenlorax.module_path import ModelLayout, ModulePath
from eigenlorax.subspace.basis import canonical, even_factors, reconstruct
from eigenlorax.subspace.fidelity import Fidelity, measure
from eigenlorax.subspace.fit import Goal
from eigenlorax.subspace.grow import place, room_for
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

#: Singular values below this share of the largest are the rounding of a float32 product.
_ROUNDING = 16 * torch.finfo(torch.float32).eps


@dataclass(frozen=True)
class MigrationProgress:
    """One more style has moved."""

    done: int
    total: int
    style: str


@dataclass(frozen=True)
class Migrated:
    """A style that has moved to another version.

    Attributes:
        style: In the new version; its fidelity is towards the LoRA it came from. Without that LoRA at hand it
            is a floor: the errors of all moves added up, as if they all pointed one way.
        moved_error: ||new - old|| / ||old||, relative Frobenius error of this move.
        original_error: The same of the new style against the LoRA itself; None when it is not at hand.
    """

    style: Style
    moved_error: float
    original_error: float | None = None

    @property
    def words(self) -> str:
        """The errors in one line."""
        against = (
            f"{self.original_error:.2%} from its LoRA"
            if self.original_error is not None
            else f"at most {self.style.fidelity.weight_error:.2%} from its LoRA, which is not at hand"
        )
        return f"{self.style.name}: moved with an error of {self.moved_error:.2%}; {against}"


class StyleUpdates(Mapping[ModulePath, LoRALayer]):
    """What a style does to each module, U M V^T + R, as a layer of no more columns than it has rank.

    Made when asked for: a collection of styles in full is as large as its LoRAs.

    Args:
        style: The style.
        subspace: The one that it belongs to.

    Raises:
        SubspaceMismatchError: it belongs to another one.
    """

    def __init__(self, style: Style, subspace: Subspace) -> None:
        if style.subspace != subspace.hash:
            raise SubspaceMismatchError(
                f"{style.name} belongs to subspace {style.subspace[:12]}, not to {subspace.hash[:12]}: open "
                "it with its own"
            )
        self._style, self._subspace = style, subspace

    def __getitem__(self, path: ModulePath) -> LoRALayer:
        layers = [reconstruct(self._style.cores[path], self._subspace.bases[path])]
        form = canonical(joined([*layers, *filter(None, [self._style.residuals.get(path)])]))
        count = int((form.s > form.s[:1] * _ROUNDING).sum())
        return even_factors(form, max(count, 1))

    def __iter__(self) -> Iterator[ModulePath]:
        return iter(self._style.cores)

    def __len__(self) -> int:
        return len(self._style.cores)

    def __contains__(self, path: object) -> bool:
        return path in self._style.cores


def as_lora(style: Style, subspace: Subspace) -> LoRA:
    """A style as the LoRA that does exactly what it does."""
    return LoRA(style.name, StyleUpdates(style, subspace), style.source_sha256)


def migrate(
    style: Style,
    before: Subspace,
    after: Subspace,
    goal: Goal,
    importance: Mapping[ModulePath, float],
    original: LoRA | None = None,
) -> Migrated:
    """Bring a style into another version of its subspace.

    Args:
        style: Of `before`.
        before: The version it is in.
        after: The version it goes to, with a basis for each of its modules (`room_for_all`).
        goal: Share of the old style's weighted squared norm to keep, or bytes of its new private ranks; at
            full quality the new style is the old one to the rounding of the numbers that are kept.
        importance: Module -> factor on its squared error.
        original: The LoRA it came from, to tell how far from that the style is now.

    Raises:
        SubspaceMismatchError: the style is not of `before`, or `after` lacks one of its modules.
    """
    exact = as_lora(style, before)
    placed = place(exact, after, goal, importance, style.fidelity.original_bytes, style.trigger_words)
    now = StyleUpdates(placed, after)
    step = compared(now, exact.layers, style.fidelity.original_bytes)
    if original is None:
        return settled_in(placed, style, step)
    told = compared(now, original.layers, style.fidelity.original_bytes)
    moved = settled_in(placed, style, step)
    return Migrated(replace(moved.style, fidelity=told), step.weight_error, told.weight_error)


def settled_in(new: Style, old: Style, step: Fidelity) -> Migrated:
    """A style of the new version with what is known of the old one: notes, words, and the errors so far.

    Args:
        new: Made of the old style's update, as if that were its LoRA.
        old: The style that has moved.
        step: Of the new style towards the old one.
    """
    notes = {**old.notes, "moved": f"by {step.weight_error:.2%} from its earlier version"}
    known = replace(
        new,
        fidelity=after_step(old.fidelity, step),
        trigger_words=old.trigger_words,
        source_sha256=old.source_sha256,
        notes=notes,
    )
    return Migrated(known, step.weight_error)


def room_for_all(
    subspace: Subspace, styles: Mapping[str, Style], before: Subspace, layout: ModelLayout
) -> Subspace:
    """The subspace with an empty basis for every module that styles of another version need and it lacks."""
    for style in styles.values():
        subspace = room_for(subspace, as_lora(style, before), layout)
    return subspace


def compared(
    found: Mapping[ModulePath, LoRALayer], exact: Mapping[ModulePath, LoRALayer], original_bytes: int
) -> Fidelity:
    """How much of `exact` is kept in `found`, from Gram matrices in float64; what `found` adds is error too.

    Args:
        found: A missing module counts as zero.
        exact: The updates as they should be.
        original_bytes: Size of the file they come from.
    """
    energies: dict[ModulePath, float] = {}
    kept: dict[ModulePath, float] = {}
    for path in [*exact, *(path for path in found if path not in exact)]:
        sides = [exact[path]] if path in exact else []
        energies[path] = sum(layer.norm**2 for layer in sides)
        sides += [found[path].scaled(-1.0)] if path in found else []
        kept[path] = energies[path] - joined(sides).norm ** 2
    return measure(energies, {path: max(value, 0.0) for path, value in kept.items()}, original_bytes)


def after_step(before: Fidelity, step: Fidelity) -> Fidelity:
    """Fidelity after one more step away from a LoRA that is not at hand: never better than the truth.

    By the triangle inequality the errors add up; a step is relative to a style that kept a share of its LoRA.
    """
    error = min(1.0, before.weight_error + step.weight_error * before.energy_kept**0.5)
    worse = step if step.worst_kept < before.worst_kept else before
    return Fidelity(
        energy_kept=1.0 - error**2,
        worst_module=worse.worst_module,
        worst_kept=worse.worst_kept,
        zero_modules=before.zero_modules,
        original_bytes=before.original_bytes,
    )
