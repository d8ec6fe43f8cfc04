"""The dials in the rack's value."""

import json
from typing import Any

import pytest

from eigenlorax.dials import Dials
from eigenlorax.errors import InvalidRequestError
from ui.dials import curve_of, dials_of


def rack(dials: Any) -> str:
    return json.dumps({"neon": {"strength": 0.8, "dials": dials}, "chalk": {"strength": 1.0}})


def test_factors_and_a_curve() -> None:
    told = {"unet": 0.5, "text_encoder": 0, "text_encoder_2": 1.5, "detail": "2", "curve": "0:1, 0.6:0.25"}
    assert dials_of(rack(told)) == {
        "neon": Dials(
            unet=0.5, text_encoder=0.0, text_encoder_2=1.5, detail=2.0, curve=((0.0, 1.0), (0.6, 0.25))
        )
    }


@pytest.mark.parametrize("told", [{}, None, {"style": 1}, {"curve": "constant"}, {"curve": ""}])
def test_dials_at_one_are_none(told: Any) -> None:
    assert dials_of(rack(told)) == {}


def test_presets() -> None:
    fading_in, fading_out = (Dials(curve=curve_of("neon", words)) for words in ("Fade in", "fade out"))
    assert [fading_in.at(progress) for progress in (0.0, 0.25, 1.0)] == [0.0, 0.25, 1.0]
    assert [fading_out.at(progress) for progress in (0.0, 0.25, 1.0)] == [1.0, 0.75, 0.0]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ([1], "cannot read dials"),
        ({"colour": 1}, "cannot read colour"),
        ({"style": "much"}, "a dial is not a number"),
        ({"style": None}, "a dial is not a number"),
        ({"style": float("nan")}, "choose a factor"),
        ({"style": 11}, "choose a factor from -10 to 10"),
        ({"curve": "0:1, later"}, 'cannot read the point "later"'),
        ({"curve": "0.5:1, 0.2:0"}, "in order of progress"),
        ({"curve": "0:1, 1.5:0"}, "choose progress from 0 to 1"),
    ],
)
def test_nonsense_is_refused_by_name(told: Any, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"neon: .*{words}"):
        dials_of(rack(told))
