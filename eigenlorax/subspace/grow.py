"""A LoRA in a subspace that was fitted without it: cores, and private ranks for what the columns miss."""

from collections.abc import Mapping
from dataclasses import replace
from math import fsum

from jaxtyping import Float64
from torch import Tensor

from eigenlorax.errors import SubspaceMismatchError
from eigenlorax.lora import LoRA
from eigenlorax.module_path import ModelLayout, ModulePath
from eigenlorax.subspace.allocate import Option, cheapest_within, within_budget
from eigenlorax.subspace.basis import canonical, empty_basis, missed, project
from eigenlorax.subspace.fit import Goal
from eigenlorax.subspace.numbers import Numbers, rank_bytes
from eigenlorax.subspace.projection import Projecting
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

#: Below this share of the largest, a squared singular value is rounding.
_NOTHING = 1e-12


def room_for(subspace: Subspace, lora: LoRA, layout: ModelLayout) -> Subspace:
    """The subspace with an empty basis for every module that only the new LoRA changes, behind the others.

    Its hash differs when modules were added: a new version, to which the styles move as they are. Its
    `sources` stay those that the bases were fitted to: that is how one knows later who has joined.
    """
    added = {
        path: empty_basis(*layout[path].matrix, numbers_in(subspace))
        for path in sorted(lora.layers)
        if path not in subspace.bases
    }
    return replace(subspace, bases={**subspace.bases, **added}, base=None if added else subspace.base)


def numbers_in(subspace: Subspace) -> Numbers:
    """What further modules of a subspace are kept in: int8 if any of its own is."""
    kinds = {basis.numbers for basis in subspace.bases.values()}
    return Numbers.INT8 if Numbers.INT8 in kinds else Numbers.FP16


def place(
    lora: LoRA,
    subspace: Subspace,
    goal: Goal,
    importance: Mapping[ModulePath, float],
    file_bytes: int,
    trigger_words: tuple[str, ...],
) -> Style:
    """A LoRA as a style of a subspace that does not change by a bit.

    What the shared columns hold becomes cores; of what they miss, private ranks are kept, the most error per
    byte first, until the goal is reached: a share of the squared norm, weighted by `importance`, or so many
    bytes of private ranks.

    Args:
        lora: The LoRA.
        subspace: With a basis, an empty one too, for each of its modules (`room_for`).
        goal: What to aim at; at full quality the style is the LoRA to the rounding of what is kept.
        importance: Module -> factor on its squared error, as in the fit.
        file_bytes: Size of its file.
        trigger_words: Of the style.

    Raises:
        SubspaceMismatchError: the subspace lacks one of its modules.
        InvalidRequestError: a goal that cannot be meant.
    """
    goal.check()
    check_room(lora, subspace)
    options, total = {}, 0.0
    for path in lora.layers:
        form, basis = canonical(lora.layers[path]), subspace.bases[path]
        rest = missed(form, basis)
        price = rank_bytes(rest.p.shape[0], rest.q.shape[0], basis.numbers)
        options[path] = [priced((0, 0), 0, importance[path] * rest.s.double().square(), price)]
        total += importance[path] * form.energy
    if goal.number_bytes is not None:
        choices = within_budget(options, goal.number_bytes)
    else:
        choices = cheapest_within(options, (1.0 - (goal.retain or 0.0)) * total)
    bought = {path: choice.bought for path, choice in choices.items()}
    return settled(lora, subspace, bought, file_bytes, trigger_words)


def priced(columns: tuple[int, int], file_bytes: int, gains: Float64[Tensor, " ranks"], price: int) -> Option:
    """A way to keep a module: so many columns, after which private ranks gain so much each, descending."""
    above = gains[gains > gains[:1] * _NOTHING].tolist()
    return Option(*columns, file_bytes, fsum(above), tuple(above), price)


def settled(
    lora: LoRA,
    subspace: Subspace,
    bought: Mapping[ModulePath, int],
    file_bytes: int,
    trigger_words: tuple[str, ...],
) -> Style:
    """The style of a LoRA with so many private ranks in each module."""
    making = Projecting()
    for path in lora.layers:
        form, basis = canonical(lora.layers[path]), subspace.bases[path]
        making.put_core(path, form, project(form, basis), form.s.shape[0], basis.numbers)
        if count := bought.get(path, 0):
            making.put_residual(path, missed(form, basis), count, basis.numbers)
    return making.done(file_bytes).style(lora.name, subspace.hash, trigger_words, lora.sha256)


def check_room(lora: LoRA, subspace: Subspace) -> None:
    """Raises SubspaceMismatchError when the subspace lacks a module of the LoRA."""
    if strangers := sorted(str(path) for path in lora.layers if path not in subspace.bases):
        raise SubspaceMismatchError(f"the subspace has no place for {strangers[0]}: make room for it first")
