"""The prompt grammar reads as A1111's does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eigenlorax.runtime.emphasis import Weighted, chunked, parse

COMMA = -1


def _read(prompt: str) -> list[list[tuple[str, float]]]:
    return [[(one.text, pytest.approx(one.weight)) for one in part] for part in parse(prompt)]


# The first seven are the examples in the docstring of parse_prompt_attention, AUTOMATIC1111's
# modules/prompt_parser.py, with their results.
@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("normal text", [[("normal text", 1.0)]]),
        ("an (important) word", [[("an ", 1.0), ("important", 1.1), (" word", 1.0)]]),
        ("(unbalanced", [[("unbalanced", 1.1)]]),
        (r"\(literal\]", [[("(literal]", 1.0)]]),
        ("(unnecessary)(parens)", [[("unnecessaryparens", 1.1)]]),
        (
            "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
            [[("a ", 1.0), ("house", 1.5730000000000004), (" ", 1.1), ("on", 1.0), (" a ", 1.1), ("hill", 0.55),
              (", sun, ", 1.1), ("sky", 1.4641000000000006), (".", 1.1)]],
        ),
        ("a:b c)", [[("a:b c)", 1.0)]]),
        ("[weak]", [[("weak", 1 / 1.1)]]),
        ("(a:-0.5)", [[("a", -0.5)]]),
        ("one BREAK  (two BREAK three:2)", [[("one", 1.0)], [("two", 2.0)], [("three", 2.0)]]),
        ("BREAKFAST", [[("BREAKFAST", 1.0)]]),
        ("", [[]]),
    ],
)  # fmt: skip
def test_examples(prompt: str, parts: list[list[tuple[str, float]]]) -> None:
    assert _read(prompt) == parts


@given(
    st.text(alphabet=st.characters(exclude_characters="()[]\\"), max_size=40).filter(
        lambda s: "BREAK" not in s
    )
)
def test_text_without_brackets_is_one_stretch_as_it_is(prompt: str) -> None:
    assert parse(prompt) == [[Weighted(prompt, 1.0)] if prompt else []]


@given(st.text(alphabet="ab,:1.2()[]\\ ", max_size=30))
def test_anything_can_be_read_and_no_letter_is_lost(prompt: str) -> None:
    read = "".join(one.text for part in parse(prompt) for one in part)
    assert [c for c in read if c in "ab"] == [c for c in prompt if c in "ab"]


@given(st.lists(st.sampled_from([COMMA, 1, 2]), max_size=400))
def test_chunks_hold_every_token_in_order(tokens: list[int]) -> None:
    chunks = chunked([[Weighted("all", 1.0)]], lambda _text: tokens, COMMA, 75)
    assert [token for chunk in chunks for token in chunk.ids] == tokens
    assert all(len(chunk.ids) == len(chunk.weights) <= 75 for chunk in chunks)


@pytest.mark.parametrize(("comma_at", "first"), [(60, 61), (54, 75), (55, 56), (75, 75)])
def test_a_full_chunk_ends_at_a_comma_within_twenty_tokens(comma_at: int, first: int) -> None:
    tokens = [COMMA if place == comma_at else 1 for place in range(80)]
    chunks = chunked([[Weighted("all", 1.0)]], lambda _text: tokens, COMMA, 75)
    assert len(chunks[0].ids) == first


def test_each_part_begins_a_chunk() -> None:
    chunks = chunked(parse("a BREAK (b:2)"), lambda text: [len(text)] * 3, COMMA, 75)
    assert [chunk.weights for chunk in chunks] == [(1.0,) * 3, (2.0,) * 3]
    assert [chunk.is_weighted for chunk in chunks] == [False, True]
