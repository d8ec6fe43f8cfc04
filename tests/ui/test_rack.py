"""The style rack's value, and what is made of it."""

import json

import pytest

from eigenlorax.errors import InvalidRequestError
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.kept_cores import KeptCores
from eigenlorax.subspace.style import Style
from ui.rack import strengths, strongest, two_blends, with_trigger_words
from ui.rack_value import entries_of, scale_of


def style(name: str, *words: str) -> Style:
    return Style(name, KeptCores(), "subspace", Fidelity(1.0, "", 1.0, 0, 0), words)


STYLES = {"neon": style("neon", "neon style", "glow"), "chalk": style("chalk", "chalk")}


def test_only_styles_that_are_on_count() -> None:
    value = {"neon": {"on": True, "strength": 0.8}, "chalk": {"on": False, "strength": 1.0}}
    assert strengths(json.dumps(value)) == {"neon": 0.8}


def test_solo_silences_the_others() -> None:
    value = {"neon": {"on": True, "strength": 0.8}, "chalk": {"on": False, "strength": -0.5, "solo": True}}
    assert strengths(json.dumps(value)) == {"chalk": -0.5}


def test_what_is_muted_is_silent_unless_it_is_soloed() -> None:
    value = {"neon": {"strength": 0.8, "mute": True}, "chalk": {"strength": 0.5}}
    assert strengths(json.dumps(value)) == {"chalk": 0.5}
    value["neon"]["solo"] = True
    assert strengths(json.dumps(value)) == {"neon": 0.8}


def test_scales_are_part_of_the_strength() -> None:
    value = {"neon": {"strength": 0.8, "scale": 0.5}, "chalk": {"strength": -1.0, "scale": 2}}
    assert strengths(json.dumps(value)) == {"neon": 0.4, "chalk": -2.0}


@pytest.mark.parametrize("scale", [0, -1, "much", None, float("nan"), float("inf")])
def test_a_scale_is_a_positive_number(scale: object) -> None:
    with pytest.raises(InvalidRequestError, match="scale"):
        scale_of({"scale": scale})


def test_the_racks_own_part_is_no_style() -> None:
    value = json.dumps({"": {"compact": True}, "neon": {"strength": 1.0}})
    assert list(entries_of(value)) == ["neon"]
    assert strengths(value) == {"neon": 1.0}


def test_two_blends() -> None:
    value = {"neon": {"strength": 0.8}, "oil": {"strength": 0.3, "lock": True}}
    assert two_blends(json.dumps(value)) == {"a": {"neon": 0.8, "oil": 0.3}}
    other = {"chalk": {"strength": 0.5}, "neon": {"strength": 1.0, "on": False}, "oil": {"strength": 2.0}}
    value[""] = {"side": "b", "other": other}
    assert two_blends(json.dumps(value)) == {
        "a": {"chalk": 0.5, "oil": 0.3},  # what is locked stays on the way
        "b": {"neon": 0.8, "oil": 0.3},
    }


@pytest.mark.parametrize("other", [[], 1, {"neon": 1}, {"neon": {"strength": "much"}}])
def test_nonsense_in_the_other_blend_is_refused(other: object) -> None:
    with pytest.raises(InvalidRequestError):
        two_blends(json.dumps({"": {"other": other}}))


def test_the_short_form_of_the_api() -> None:
    assert strengths('{"neon": {"strength": 0.5}, "chalk": {}}') == {"neon": 0.5, "chalk": 1.0}
    assert strengths("") == strengths("{}") == {}


@pytest.mark.parametrize(
    "value",
    ["{", "[]", '{"": []}', '{"neon": 1}', '{"neon": {"strength": "much"}}', '{"neon": {"strength": null}}'],
)
def test_nonsense_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequestError):
        strengths(value)


def test_the_strongest_may_be_negative() -> None:
    assert strongest({"neon": 0.5, "chalk": -0.9}) == ("chalk", -0.9)


@pytest.mark.parametrize("blend", [{}, {"neon": 0.0}])
def test_there_may_be_no_strongest(blend: dict[str, float]) -> None:
    with pytest.raises(InvalidRequestError, match="switch on a style first"):
        strongest(blend)


def test_trigger_words_are_added_once() -> None:
    blend = {"neon": 1.0, "chalk": 0.5}
    assert with_trigger_words(" a cat ", blend, STYLES) == "a cat, neon style, glow, chalk"
    assert with_trigger_words("a cat, Neon Style", blend, STYLES) == "a cat, Neon Style, glow, chalk"


def test_styles_that_are_off_or_turned_round_add_no_words() -> None:
    assert with_trigger_words("a cat", {"neon": -1.0, "chalk": 0.0}, STYLES) == "a cat"


def test_an_empty_prompt_stays_empty() -> None:
    assert with_trigger_words("", {"neon": 1.0}, STYLES) == ""
