"""Directions, the map, dice and mixtures: against dense updates, other programs' numbers and by sampling."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eigenlorax.blending.combine import MIXTURE, MOST_RANKS, combined
from eigenlorax.blending.derived import can_derive, derivation, told
from eigenlorax.blending.dice import remixed, sampled
from eigenlorax.blending.gram import Grams, grams
from eigenlorax.blending.leading import directions
from eigenlorax.blending.map import neighbours, style_map
from eigenlorax.blending.normalise import median_norm
from eigenlorax.dials import Region
from eigenlorax.errors import InvalidRequestError
from tests.blending.cases import IMPORTANCE, collection, vector, vectors
from tests.subspace.small import dense


def known() -> Grams:
    return grams(*collection(), IMPORTANCE)


def unit() -> torch.Tensor:
    return torch.stack([v / v.norm() for v in vectors().values()])


def mixed(strengths: dict[str, float]) -> torch.Tensor:
    return sum((s * vectors()[name] for name, s in strengths.items()), torch.zeros(()))


def test_directions_are_numpys_principal_components() -> None:
    rows = (unit() - unit().mean(0)).numpy()
    _, values, axes = np.linalg.svd(rows, full_matrices=False)
    for place, found in enumerate(directions(known(), 4)):
        assert found.share == pytest.approx(values[place] ** 2 / (values**2).sum(), rel=1e-4)
        along = torch.from_numpy(rows @ axes[place])
        along = along * along[along.abs().argmax()].sign()
        assert list(found.places.values()) == pytest.approx(along.tolist(), abs=1e-4)
        direction = mixed(dict(found.mixture))
        assert float(direction.norm()) == pytest.approx(median_norm(known()), rel=1e-4)
        cosine = abs(float(direction @ torch.from_numpy(axes[place]) / direction.norm()))
        assert cosine == pytest.approx(1.0, abs=1e-4)
        low, high = found.ends
        assert found.places[low] == min(found.places.values())
        assert found.places[high] == max(found.places.values())


def test_there_are_no_more_directions_than_differences() -> None:
    assert len(directions(known(), 99)) == 5  # six styles differ in five ways
    assert directions(Grams(("a",), {Region.STYLE: torch.ones(1, 1, dtype=torch.float64)}), 3) == []


def test_the_map_is_classical_scaling_of_cosine_distances() -> None:
    cosines = unit() @ unit().mT
    square = (2 - 2 * cosines).numpy()
    centre = np.eye(6) - 1 / 6
    values, vectors_ = np.linalg.eigh(-0.5 * centre @ square @ centre)
    exact = vectors_[:, -2:][:, ::-1] * np.sqrt(values[-2:][::-1])
    found = style_map(known())
    points = np.array(list(found.points.values()))
    assert found.share == pytest.approx(values[-2:].sum() / values.sum(), rel=1e-4)
    assert np.abs(points).max() == pytest.approx(1.0)
    apart, exactly = (np.linalg.norm(p[:, None] - p[None], axis=-1) for p in (points, exact))
    assert apart / apart.max() == pytest.approx(exactly / exactly.max(), abs=1e-4)


def test_maps_of_next_to_nothing() -> None:
    one = Grams(("a",), {Region.STYLE: torch.ones(1, 1, dtype=torch.float64)})
    two = Grams(("a", "b"), {Region.STYLE: torch.eye(2, dtype=torch.float64)})
    assert style_map(one).points == {"a": (0.0, 0.0)}
    (left, _), (right, _) = style_map(two).points.values()
    assert abs(left - right) == pytest.approx(2.0)


POINTS = {"a": (0.0, 0.0), "b": (1.0, 0.0), "c": (0.0, 1.0), "d": (-1.0, -1.0)}


def test_a_styles_own_point_is_that_style() -> None:
    assert neighbours(POINTS, (1.0, 0.0)) == {"b": 1.0}


def test_neighbours_weigh_by_inverse_squared_distance() -> None:
    assert neighbours(POINTS, (0.5, 0.0), 2) == pytest.approx({"a": 0.5, "b": 0.5})
    assert neighbours(POINTS, (0.25, 0.0), 2) == pytest.approx({"a": 0.9, "b": 0.1})


@given(st.tuples(st.floats(-1, 1), st.floats(-1, 1)))
def test_the_nearest_is_the_strongest_and_all_sum_up(at: tuple[float, float]) -> None:
    found = list(neighbours(POINTS, at).values())
    assert sum(found) == pytest.approx(1.0)
    assert found == sorted(found, reverse=True)


def test_dice_have_the_mean_and_the_covariance_of_the_collection() -> None:
    """In coordinates of the span, over many throws: the sample moments against the collection's own."""
    names, middle = list(vectors()), median_norm(known())
    rows = middle * unit()
    centred = rows - rows.mean(0)
    axes = torch.linalg.svd(centred, full_matrices=False)[2][:5].mT
    weights = torch.tensor([[sampled(known_once, seed)[n] for n in names] for seed in range(1500)])
    drawn = weights.double() @ torch.stack(list(vectors().values()))
    assert float((drawn.mean(0) @ axes - rows.mean(0) @ axes).norm()) < 0.08 * middle
    away = (drawn - rows.mean(0)) @ axes
    covariance = away.mT @ away / len(drawn)
    exact = (centred @ axes).mT @ (centred @ axes) / 5
    assert float((covariance - exact).norm() / exact.norm()) < 0.1
    outside = (drawn - rows.mean(0)) - away @ axes.mT
    assert float(outside.norm() / drawn.norm()) < 1e-4


known_once = known()


def test_the_same_seed_gives_the_same_style_and_another_another() -> None:
    for thrown in (sampled, remixed):
        assert thrown(known_once, 7) == thrown(known_once, 7)
        assert thrown(known_once, 7) != thrown(known_once, 8)


def test_a_remix_mixes_two_or_three_at_the_middle_norm() -> None:
    counts = set()
    for seed in range(40):
        found = remixed(known_once, seed)
        counts.add(len(found))
        assert all(strength > 0 for strength in found.values())
        assert float(mixed(found).norm()) == pytest.approx(median_norm(known_once), rel=1e-4)
    assert counts == {2, 3}


def test_one_style_is_too_few_for_dice() -> None:
    one = Grams(("a",), {Region.STYLE: torch.ones(1, 1, dtype=torch.float64)})
    for thrown in (sampled, remixed):
        with pytest.raises(InvalidRequestError, match="needs two styles"):
            thrown(one, 1)


def test_a_mixture_is_the_sum_of_the_dense_updates() -> None:
    subspace, styles = collection()
    strengths = {"a": 0.7, "b": -0.4, "x": 1.1}
    made = combined("new", subspace, styles, strengths, "by hand", ("word",))
    exact, found = mixed(strengths), vector(dense(subspace, made))
    assert float((found - exact).norm() / exact.norm()) < 2e-3  # half precision, as every style is kept
    assert (made.name, made.trigger_words, made.notes[MIXTURE]) == ("new", ("word",), "by hand")
    assert made.subspace == subspace.hash


def test_many_private_ranks_are_cut_to_the_best_of_that_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    subspace, styles = collection()
    monkeypatch.setattr("eigenlorax.blending.combine.MOST_RANKS", 2)
    made = combined("new", subspace, styles, dict.fromkeys(styles, 1.0), "")
    assert MOST_RANKS == 64
    assert max(kept.rank for kept in made.residuals.kept.values()) == 2


@pytest.mark.parametrize("name", ["dice 0", "dice 4294967295", "remix 12", "direction 1", "direction 8"])
def test_names_that_can_be_made(name: str) -> None:
    assert can_derive(name)


@pytest.mark.parametrize(
    "name", ["dice", "dice -1", "dice 4294967296", "direction 0", "direction 9", "neon", "Dice 1"]
)
def test_names_that_cannot(name: str) -> None:
    assert not can_derive(name)
    assert derivation(name, known_once) is None


def test_what_a_name_is_made_of() -> None:
    dice, direction = derivation("dice 3", known_once), derivation("direction 2", known_once)
    assert dice is not None
    assert dice.strengths == sampled(known_once, 3)
    assert dice.words.startswith("made of 6 styles: ")
    assert direction is not None
    assert direction.strengths == directions(known_once, 2)[1].mixture
    assert derivation("direction 8", known_once) is None
    assert told({"a": 0.1, "b": -2.0, "c": 1.0}, 2) == "b -2.00, c 1.00 and 1 more"
