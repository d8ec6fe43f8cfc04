"""The page's words: each one has its Japanese, with the same values in it, and none is left over."""

import ast
import json
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from ui import language
from ui.language import LANGUAGES, choose, of_system, say

ROOT = Path(__file__).parent.parent.parent
TABLES = [code for code in LANGUAGES if code != language.ENGLISH]


def words_in(path: Path) -> Iterator[str]:
    """The sentences that a file says, and both forms of the nouns that it counts."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "say" and isinstance(node.args[0], ast.Constant):
            yield node.args[0].value
        if name == "count" and len(node.args) == 2 and isinstance(node.args[1], ast.Constant):
            yield from (f"{{number}} {node.args[1].value}", f"{{number}} {node.args[1].value}s")


SAID = {word for path in sorted((ROOT / "ui").glob("*.py")) for word in words_in(path)}


def table_of(code: str) -> dict[str, str]:
    return json.loads((ROOT / "assets" / "languages" / f"{code}.json").read_text(encoding="utf-8"))


def values_in(sentence: str) -> list[tuple[str, str | None]]:
    """The values of a sentence and how they are written; {0} is filled in the browser."""
    try:
        return sorted(
            (name, spec) for _, name, spec, _ in string.Formatter().parse(sentence) if name is not None
        )
    except ValueError:
        return []


@pytest.fixture
def english() -> Iterator[None]:
    yield
    choose(language.ENGLISH)


@pytest.mark.parametrize("code", TABLES)
def test_every_word_is_in_the_table_and_no_other(code: str) -> None:
    table = table_of(code)
    assert sorted(SAID - table.keys()) == []
    assert sorted(table.keys() - SAID) == []


@pytest.mark.parametrize("code", TABLES)
def test_values_agree(code: str) -> None:
    table = table_of(code)
    assert [english for english, other in table.items() if values_in(english) != values_in(other)] == []


@pytest.mark.parametrize("code", TABLES)
def test_spaces_at_the_ends_agree(code: str) -> None:
    for english, other in table_of(code).items():
        assert other.strip(), english
        assert english.startswith(" ") == other.startswith(" "), english


def test_japanese_is_japanese() -> None:
    names = re.compile(
        r"^(?:\{\w+(?::[^}]*)?\}|LoRA|ControlNet|PEFT|kohya|diffusers|load_lora_weights|UNet|Latent|Lanczos|[\W\d])+$"
    )
    japanese = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
    assert [
        word for word in table_of("ja").values() if not japanese.search(word) and not names.match(word)
    ] == []


def test_a_word_that_the_table_lacks_stays_english(english: None) -> None:
    choose("ja")
    assert say("Generate") == "生成"
    assert say("Nobody says this: {size}", size="3 MB") == "Nobody says this: 3 MB"
    choose("en")
    assert say("Generate") == "Generate"


def test_braces_are_letters_where_no_value_is_given() -> None:
    assert say("{red|green|blue} and {prompt}") == "{red|green|blue} and {prompt}"


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LC_ALL": "C", "LANG": "ja_JP.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "ja"}, "ja"),
        ({"LANG": "jv_ID.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_MESSAGES": "Japanese_Japan.932"}, "ja"),
    ],
)
def test_the_system_s_language(environment: dict[str, str], code: str) -> None:
    assert of_system(environment) == code


@pytest.mark.parametrize(("told", "code"), [("Japanese_Japan", "ja"), ("ja_JP", "ja"), (None, "en")])
def test_without_an_environment_the_system_is_asked(
    monkeypatch: pytest.MonkeyPatch, told: str | None, code: str
) -> None:
    monkeypatch.setattr("locale.getlocale", lambda: (told, None))
    assert of_system({}) == code
