"""Around the prompt: words of the styles that are on, and what a prompt becomes."""

import json
from pathlib import Path

import pytest

from eigenlorax.errors import InvalidRequestError
from eigenlorax.studio import Studio
from tests.subspaces.conftest import kept, studio
from tests.ui.asking import form
from ui.asked import request_from
from ui.prompt_room import presets_file, wildcard_folder
from ui.prompting import worn_words

__all__ = ["kept", "studio"]


def test_the_words_of_styles_in_positive_use(studio: Studio) -> None:
    words = {name: style.trigger_words for name, style in studio.styles.items()}
    value = json.dumps({"a": {"strength": 1.0}, "b": {"strength": -1.0}, "c": {"on": False}, "dice 1": {}})
    assert worn_words(studio, value) == list(words["a"])
    assert worn_words(studio, "nonsense") == worn_words(studio, "{}") == []


def test_wildcards_are_filled_by_the_seed_and_stand_in_the_request(studio: Studio) -> None:
    folder = wildcard_folder(studio)
    folder.mkdir()
    (folder / "colour.txt").write_text("red\ngreen\nblue\n", encoding="utf-8")
    values = form(prompt="a __colour__ {cat|dog}", negative_prompt="{x|y}", seed=11)
    once, again = (request_from(studio, values, {}) for _ in range(2))
    assert once == again
    assert once.prompt.split()[1] in {"red", "green", "blue"}
    assert once.negative_prompt in {"x", "y"}
    many = {request_from(studio, {**values, "seed": seed}, {}).prompt for seed in range(60)}
    assert len(many) == 6
    with pytest.raises(InvalidRequestError, match="no wildcard file animal"):
        request_from(studio, form(prompt="an __animal__"), {})


def test_presets_lie_where_a1111_has_them(studio: Studio) -> None:
    assert presets_file(studio) == Path(studio.library.root) / "styles.csv"
