"""Wildcards and choices: what is filled in, how often, and what is refused."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eigenlorax.errors import InvalidRequestError
from eigenlorax.prompting.wildcards import filled, filled_each, has_wildcards, literal, wildcard_names


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wildcards")
    (folder / "animals").mkdir()
    files = {
        "colour.txt": "\ufeffred\n\n# a comment\n  green  \nblue\n",
        "animals/cats.txt": "a __colour__ {tabby|lynx}",
        "loop.txt": "__loop__",
        "empty.txt": "# nothing\n",
        "two words.txt": "x",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "latin.txt").write_bytes(b"caf\xe9")
    return folder


def drawn(prompt: str, folder: Path, count: int = 400) -> Counter[str]:
    return Counter(filled(prompt, seed, folder) for seed in range(count))


def test_a_wildcard_is_a_line_of_its_file(folder: Path) -> None:
    assert set(drawn("a __colour__ house", folder)) == {"a red house", "a green house", "a blue house"}


def test_files_may_hold_wildcards_and_choices(folder: Path) -> None:
    assert set(drawn("__animals/cats__", folder)) == {
        f"a {colour} {cat}" for colour in ("red", "green", "blue") for cat in ("tabby", "lynx")
    }


def test_choices_are_even_and_weights_are_kept(folder: Path) -> None:
    even = drawn("{a|b|c|d}", folder)
    assert min(even.values()) > 60
    heavy = drawn("{3::a|b}", folder)
    assert 240 < heavy["a"] < 360
    assert set(drawn("{0::a|b}", folder)) == {"b"}


def test_choices_in_choices_and_empty_ones(folder: Path) -> None:
    assert set(drawn("x {a {1|2}|b|} y", folder)) == {"x a 1 y", "x a 2 y", "x b y", "x  y"}


def test_several_of_the_options(folder: Path) -> None:
    two = drawn("{2$$a|b|c}", folder)
    assert set(two) == {f"{i}, {j}" for i in "abc" for j in "abc" if i != j}
    assert set(drawn("{1-2$$ and $$a|b}", folder)) == {"a", "b", "a and b", "b and a"}


def test_what_stays(folder: Path) -> None:
    for prompt in ("a cat", "(red:1.2) [blue] BREAK", "{word}", "snake_case__", "a__b", "__"):
        assert filled(prompt, 1, folder) == prompt
    assert filled(r"\{a|b\} {c|c}", 1, folder) == "{a|b} c"
    assert filled("{word} {a|a}", 1, folder) == "{word} a"
    assert not has_wildcards("a cat, {word}")


@given(st.integers(0, 2**32 - 1))
def test_the_seed_decides(seed: int) -> None:
    prompt = "{a|b|c|d} {e|f|g|h} {2$$i|j|k|l}"
    assert filled(prompt, seed, Path("nowhere")) == filled(prompt, seed, Path("nowhere"))


def test_what_a_seed_gives_never_changes() -> None:
    assert filled("{a|b|c|d} {e|f|g|h} {2$$i|j|k|l}", 7, Path("nowhere")) == "d g l, i"


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("__nothing__", "no wildcard file nothing.txt .*there are: animals/cats, colour"),
        ("__../secret__", "no wildcard file|__../secret__"),
        ("__empty__", "is empty"),
        ("__latin__", "save it as UTF-8"),
        ("__loop__", "without end"),
        ("{a|b", "a brace stays open"),
        ("{3$$a|b}", "asks for 3 of 2 options"),
        ("{x$$a|b}", "cannot read the count"),
        ("{2-1$$a|b}", "cannot read the count"),
        ("{0::a|0::b}", "every weight is 0"),
    ],
)
def test_refusals(prompt: str, words: str, folder: Path) -> None:
    if prompt == "__../secret__":
        assert filled(prompt, 1, folder) == prompt  # no name of a file, so nothing to fill in
        return
    with pytest.raises(InvalidRequestError, match=words):
        filled(prompt, 1, folder)


def test_nothing_outside_the_folder_is_read(folder: Path) -> None:
    (folder.parent / "secret.txt").write_text("secret", encoding="utf-8")
    with pytest.raises(InvalidRequestError, match="no wildcard file"):
        filled("__animals/../../secret__", 1, folder)


def test_names(folder: Path) -> None:
    assert wildcard_names(folder) == ["animals/cats", "colour", "empty", "latin", "loop", "two words"]
    assert wildcard_names(folder / "nowhere") == []
    assert filled("__two words__", 1, folder) == "x"


@given(st.text("_{}|$a2 \\", max_size=40), st.integers(0, 9))
def test_what_is_meant_as_it_stands_is_filled_with_nothing(prompt: str, seed: int) -> None:
    assert filled(literal(prompt), seed, Path("/nowhere")) == prompt


def test_each_picture_decides_for_itself(folder: Path) -> None:
    each = filled_each("a __colour__ {cat|dog}", "{x|y}", range(20), folder)
    assert each == [
        (filled("a __colour__ {cat|dog}", s, folder), filled("{x|y}", s, folder)) for s in range(20)
    ]
    assert len(set(each)) > 6
