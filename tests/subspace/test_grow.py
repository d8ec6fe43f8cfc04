"""One more LoRA joins: by the cheapest way, as near as was asked, and without harm to the others."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlorax.errors import SubspaceMismatchError
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.subspace.advice import advise
from eigenlorax.subspace.augment import padded
from eigenlorax.subspace.fit import Goal
from eigenlorax.subspace.grow import place, room_for
from eigenlorax.subspace.join import Joined, Way, join
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from tests.subspace.small import (
    EVEN,
    LAYOUT,
    PATHS,
    SHAPES,
    dense,
    dense_lora,
    distance,
    draw,
    family,
    fitted,
    stranger,
)


def half_known(seed: int = 900) -> LoRA:
    """Its output side is the family's, its input side is its own."""
    known = family("a")[0]
    layers = {
        path: LoRALayer(known.layers[path].up, draw(3, SHAPES[path][1], seed=seed + n))
        for n, path in enumerate(PATHS)
    }
    return LoRA("half", layers, f"{seed:064x}")


def joined(lora: LoRA, subspace: Subspace, styles: dict[str, Style], retain: float) -> Joined:
    room = room_for(subspace, lora, LAYOUT)
    return join(
        lora, room, {n: padded(s, subspace, room) for n, s in styles.items()}, retain, EVEN, 1000, ("w",)
    )


@settings(max_examples=12, deadline=None)
@given(retain=st.floats(0.3, 1.0), rank=st.integers(1, 6), seed=st.integers(1000, 9999))
def test_a_lora_that_joins_is_as_near_as_was_asked(retain: float, rank: int, seed: int) -> None:
    subspace, styles = fitted(family("abcd"), 0.99)
    lora = stranger("new", rank, seed)
    result = joined(lora, subspace, styles, retain)
    style = result.styles["new"]
    error = distance(dense(result.subspace, style), dense_lora(lora))
    assert error**2 <= 1.0 - retain + 2e-4  # 2e-4: new columns are rounded to fp16
    assert style.fidelity.energy_kept == pytest.approx(1.0 - error**2, abs=2e-4)
    assert style.source_sha256 == lora.sha256
    assert style.trigger_words == ("w",)
    assert result.decision.added_bytes <= result.decision.residual_bytes
    for name, other in styles.items():
        assert distance(dense(result.subspace, result.styles[name]), dense(subspace, other)) < 1e-6


def test_a_known_relative_needs_nothing() -> None:
    loras = family("abcde")
    subspace, styles = fitted(loras[:4], 0.9999)
    result = joined(loras[4], subspace, styles, 0.99)
    assert result.decision.way is Way.PROJECTION
    assert result.decision.projected > 0.999
    assert result.subspace.hash == subspace.hash
    assert "nothing else was needed" in result.decision.words


def test_columns_are_added_where_one_side_is_known() -> None:
    """The family's output frame serves it: three columns of the input side do what three ranks would."""
    subspace, styles = fitted(family("abcd"), 0.9999)
    result = joined(half_known(), subspace, styles, 0.999)
    decision = result.decision
    assert decision.way is Way.COLUMNS
    assert decision.columns == 6  # three on the input side of each of two modules
    assert decision.added_bytes < decision.residual_bytes
    assert decision.added_bytes == decision.columns_bytes
    for path, basis in subspace.bases.items():
        k_out, k_in = basis.core_shape
        assert result.subspace.bases[path].core_shape == (k_out, k_in + 3)
    assert "6 new columns" in decision.words
    assert f"{decision.residual_bytes:,}" in decision.words


def test_private_ranks_are_kept_where_columns_would_widen_everybody_else() -> None:
    """One direction of its own in a subspace of many styles: a column is a zero in each of their cores."""
    subspace, styles = fitted(family("abcdefghijklmnop", rank=8), 0.9999)
    lora = stranger("own", 1, 40)
    result = joined(lora, subspace, styles, 0.99)
    assert result.decision.way is Way.RESIDUAL
    assert result.subspace.hash == subspace.hash
    assert result.decision.added_bytes == result.decision.residual_bytes < result.decision.columns_bytes


def test_bytes_of_the_decision_are_those_of_the_numbers() -> None:
    subspace, styles = fitted(family("abcd"), 0.9999)
    result = joined(half_known(), subspace, styles, 0.999)

    def numbers(home: Subspace, all_styles: dict[str, Style]) -> int:
        bases = sum(b.stored_out.numel() + b.stored_into.numel() for b in home.bases.values())
        cores = 0
        for style in all_styles.values():
            cores += sum(core.nbytes for core in style.cores.kept.values()) // 2
            cores += sum(x.up.numel() + x.down.numel() for x in style.residuals.values())
        return bases + cores

    added = numbers(result.subspace, dict(result.styles)) - numbers(subspace, styles)
    assert result.decision.added_bytes == 2 * added


@pytest.mark.parametrize("number_bytes", [0, 400, 5000])
def test_a_byte_goal_is_kept_to_and_used(number_bytes: int) -> None:
    subspace, _ = fitted(family("ab"))
    lora = stranger("new", 3, 77)
    style = place(lora, subspace, Goal(number_bytes=number_bytes or 1), EVEN, 1, ())
    used = 2 * sum(layer.up.numel() + layer.down.numel() for layer in style.residuals.values())
    assert used <= number_bytes
    assert number_bytes - used < 2 * (40 + 32) or used == 2 * 6 * (40 + 32 + 24 + 48)


def test_room_is_made_for_modules_that_only_the_newcomer_has() -> None:
    whole = stranger("new", 2, 60)
    partial = [LoRA(x.name, {PATHS[0]: x.layers[PATHS[0]]}, x.sha256) for x in family("ab")]
    subspace, styles = fitted(partial)
    with pytest.raises(SubspaceMismatchError, match=r"no place for unet\.b"):
        join(whole, subspace, styles, 0.9, EVEN, 1, ())
    room = room_for(subspace, whole, LAYOUT)
    assert list(room.bases) == list(PATHS)
    assert room.sources == subspace.sources  # the bases were not fitted to it
    result = joined(whole, subspace, styles, 0.99)
    assert distance(dense(result.subspace, result.styles["new"]), dense_lora(whole)) < 0.1
    assert set(result.styles["a"].cores) == {PATHS[0]}


def test_a_refit_is_advised_when_those_who_joined_share_what_the_bases_lack() -> None:
    """Six relatives join a subspace of others: each keeps privately what three columns would hold."""
    subspace, _ = fitted(family("ab"))
    placed = [place(x, subspace, Goal(retain=0.99), EVEN, 1, ()) for x in family("uvwxyz", seed=700)]
    advice = advise(subspace, {style.name: style for style in placed}, EVEN)
    assert advice.joined == tuple("uvwxyz")
    used = 2 * sum(x.up.numel() + x.down.numel() for s in placed for x in s.residuals.values())
    assert advice.private_bytes == used
    assert advice.predicted_bytes < 0.5 * used
    assert "would save about" in advice.words
    refitted, styles = fitted(family("uvwxyz", seed=700), 0.99)
    truth = sum(b.stored_out.numel() + b.stored_into.numel() for b in refitted.bases.values())
    truth += sum(core.numel() for style in styles.values() for core in style.cores.values())
    assert advice.predicted_bytes == pytest.approx(2 * truth, rel=0.5)


def test_no_refit_is_advised_for_strangers_among_many() -> None:
    subspace, styles = fitted(family("abcd"))
    own = place(stranger("own", 3, 50), subspace, Goal(retain=0.95), EVEN, 1, ())
    advice = advise(subspace, {**styles, "own": own}, EVEN)
    assert advice.joined == ("own",)
    assert advice.predicted_bytes == advice.private_bytes > 0
    assert advice.words == ""
    assert advise(subspace, styles, EVEN).words == ""


def test_a_refit_is_advised_when_most_came_later() -> None:
    subspace, styles = fitted(family("ab"))
    own = {
        name: place(stranger(name, 3, seed), subspace, Goal(retain=0.95), EVEN, 1, ())
        for seed, name in ((50, "x"), (60, "y"), (70, "z"))
    }
    advice = advise(subspace, {**styles, **own}, EVEN)
    assert "3 of 5 styles came after" in advice.words
    again = replace(styles["a"], source_sha256="f" * 64)
    assert advise(subspace, {"a": again}, EVEN).joined == ("a",)  # another LoRA of the same name


def test_an_update_of_zero_joins() -> None:
    subspace, styles = fitted(family("ab"))
    zero = LoRA("zero", {PATHS[0]: LoRALayer(torch.zeros(40, 2), torch.zeros(2, 32))}, "0" * 64)
    result = joined(zero, subspace, styles, 0.9)
    assert result.decision.way is Way.PROJECTION
    assert float(result.styles["zero"].cores[PATHS[0]].abs().max()) == 0.0
