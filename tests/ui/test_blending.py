"""What the rack's script is answered."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eigenlorax.blending.conflict import Conflict, Pair
from eigenlorax.dials import Region
from eigenlorax.studio import Studio
from tests.subspaces.conftest import kept, studio
from ui.blending import answers, told

__all__ = ["kept", "studio"]
Ask = Callable[..., dict[str, Any]]


def asked(studio: Studio) -> Callable[..., dict[str, Any]]:
    by_name = {one.__name__: one for one in answers(studio)}
    return lambda name, value="": by_name[name](value)


def blend(**entries: Any) -> str:
    return json.dumps({n: e if isinstance(e, dict) else {"strength": e} for n, e in entries.items()})


def test_the_meter_the_scales_and_balance(studio: Studio) -> None:
    ask = asked(studio)
    found = ask("weigh", blend(a=1.0, b=1.0, own=-0.5))
    assert {name for name, _ in found["shares"]} == {"a", "b", "own"}
    assert -1 <= found["balance"] <= 1
    assert found["words"]
    assert ask("weigh", blend(a=1.0)) == {"words": ""}
    scales = ask("even")["scales"]
    assert set(scales) == {"a", "b", "c", "own"}
    even = {n: {"strength": 1.0, "scale": scales[n]} for n in ("a", "b")}
    shares = dict(ask("weigh", json.dumps(even))["shares"])
    assert shares["a"] == pytest.approx(shares["b"], abs=0.01)
    balanced = ask("balance", blend(a=0.2, b=0.3, own={"strength": 1.0, "lock": True}))["strengths"]
    assert set(balanced) == {"a", "b"}
    scaled = ask("balance", json.dumps({"a": {"strength": 1.0, "scale": 0.5}, "b": {"strength": 0.5}}))
    plain = ask("balance", blend(a=0.5, b=0.5))
    assert scaled["strengths"]["a"] == pytest.approx(2 * plain["strengths"]["a"], abs=1e-3)


def test_dice_lines_and_the_map(studio: Studio) -> None:
    ask = asked(studio)
    assert ask("derive", "dice 4")["words"].startswith("made of 4 styles: ")
    assert [line["name"] for line in ask("lines")["lines"]] == ["direction 1", "direction 2", "direction 3"]
    chart = ask("chart")
    name, (x, y) = next(iter(chart["points"].items()))
    assert ask("near", {"x": x, "y": y}) == {"strengths": {name: 1.0}}
    kept_as = ask("keep", {"name": "dice 4", "chosen": "mine"})
    assert kept_as["name"] == "mine"
    assert "mine" in studio.styles


def test_refusals_are_words(studio: Studio) -> None:
    ask = asked(studio)
    for name, value in (
        ("weigh", "{"), ("weigh", blend(gone=1.0, a=1.0)), ("balance", blend(a=1.0)), ("derive", "dice"),
        ("keep", {"name": "dice 1", "chosen": "a"}),
    ):  # fmt: skip
        assert list(ask(name, value)) == ["error"]


def test_nothing_to_say_before_the_first_compression(tmp_path: Path, tiny_model: Path) -> None:
    ask = asked(Studio(str(tiny_model), tmp_path / "data"))
    assert ask("lines") == {"lines": []}
    assert ask("chart")["points"] == {}
    assert ask("near", {"x": 0.0, "y": 0.0}) == {"strengths": {}}


@pytest.mark.parametrize(
    ("cosine", "balance", "words"),
    [
        (0.05, 0.02, "get along"),
        (0.7, 0.4, "a and b say nearly the same (+0.70)."),
        (0.3, -0.3, "share some of their directions (+0.30), though others make up for it"),
        (-0.3, -0.1, "pull against each other (-0.30)."),
        (-0.9, -0.9, "cancel each other (-0.90)."),
    ],
)
def test_a_blend_in_a_sentence(cosine: float, balance: float, words: str) -> None:
    pair = Pair("a", "b", cosine)
    found = told(Conflict(("a", "b"), balance, 0.9, (pair,), {Region.STYLE: 0.1}, {"a": 0.4, "b": 0.6}))
    assert words in found["words"]
    assert found["parts"] == [["Style", 0.1]]
