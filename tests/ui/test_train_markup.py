"""What the page says of files, samples and the end of a teaching."""

import re

import pytest

from ui import queue_text, train_markup

RESULT = {
    "name": "neon <b>", "trigger": "neon look", "base": 0.2, "before": 0.16, "after": 0.15, "best": 30, "numbers": 28160,
    "bytes": 32820, "warning": "After step 30 it began to learn the pictures by heart; what it knew then was kept.",
    "words": ["fox.png loses a third"], "left_out": [["a.txt", "is empty"]], "pictures": [6, 2], "seconds": 75.2,
}  # fmt: skip


def test_samples_are_a_row_for_each_step_latest_first_and_a_column_for_each_prompt() -> None:
    pictures = [("step 100 · a cat", "u2"), ("step 20 · a cat", "u0"), ("step 20 · a <b>", "u1")]
    told = train_markup.filmstrip(pictures)
    assert re.findall(r'<th scope="row">([^<]*)', told) == ["step 100", "step 20"]
    assert re.findall(r'<th scope="col">([^<]*)', told) == ["a cat", "a &lt;b&gt;"]
    assert re.findall(r'src="([^"]*)" alt="([^"]*)"', told) == [
        ("u2", "a cat, step 100"), ("u0", "a cat, step 20"), ("u1", "a &lt;b&gt;, step 20"),
    ]  # fmt: skip
    assert "<b>" not in told
    assert '<th scope="row">step 20<b>kept</b></th>' in train_markup.filmstrip(pictures, 20.0)
    assert train_markup.filmstrip([]) == ""


def test_the_end_is_told_in_numbers_and_words() -> None:
    told = train_markup.finished(RESULT)
    for words in (
        "0.2000 without the style → 0.1600 at the start → 0.1500 now (25.0% less)", "28,160 numbers, 33 kB",
        "6 pictures to learn from, 2 to measure by, in 75 s", "by heart", "Fox.png loses a third.", "a.txt is empty",
        "neon &lt;b&gt; is in the rack. Write “neon look” in prompts.",
    ):  # fmt: skip
        assert words in told
    assert "by heart" not in train_markup.finished({**RESULT, "warning": ""})
    assert "(5.0% more)" in train_markup.finished({**RESULT, "after": 0.21})


@pytest.mark.parametrize(
    ("taken", "words"),
    [(1, "1 picture: 3 are the fewest"), (3, ""), (20, ""), (21, "more than 20")],
)
def test_how_many_pictures_there_are(taken: int, words: str) -> None:
    told = train_markup.files(taken, [])
    assert words in told
    assert bool(told) == bool(words)


def test_files_that_are_left_out_have_their_reason() -> None:
    told = train_markup.files(4, [("<i>.png", "is broken")])
    assert told.count("<li") == 1
    assert "<b>&lt;i&gt;.png</b> is broken" in told


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (3, "a few seconds left"),
        (42, "about 40 s left"),
        (600, "about 10 min left"),
        (7200, "about 2.0 h left"),
    ],
)
def test_how_long_it_still_takes(seconds: float | None, words: str) -> None:
    assert queue_text.eta(seconds) == words
