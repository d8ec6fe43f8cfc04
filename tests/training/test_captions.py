"""Captions come from the best source there is, hold the trigger, and can be edited."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from eigenlorax.errors import InvalidRequestError
from eigenlorax.training.captions import (
    Caption,
    Origin,
    Wording,
    captions_of,
    name_in_words,
    own_words,
    worded,
)
from eigenlorax.training.pictures import Taken, look

TRIGGER = Wording("zxc")


class Says:
    """A captioner that says one thing and counts how often it is asked."""

    def __init__(self, words: str) -> None:
        self.words, self.asked = words, 0

    def describe(self, picture: Image.Image) -> str:
        assert picture.mode == "RGB"
        self.asked += 1
        return self.words


def beside(folder: Path, content: bytes) -> Caption:
    path = folder / "IMG_1.txt"
    path.write_bytes(content)
    return captions_of([Taken(folder / "IMG_1.png", "", (64, 64), caption_file=path)], TRIGGER)[0]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a red fox in snow\n", "zxc, a red fox in snow"),
        (b"fox, red_fur, , snow,fox ,\n", "zxc, fox, red fur, snow"),
        (b"1girl\n\nlong_hair\r\n", "zxc, 1girl, long hair"),
        (b"saber_(fate), ^_^, >_<, o_o", "zxc, saber (fate), ^_^, >_<, o_o"),
        (rb"saber \(fate\)", "zxc, saber (fate)"),
        (b"a fox, ZXC style", "a fox, ZXC style"),
        (b"zxcv", "zxc, zxcv"),
        ("\ufeffein Fuchs, schön".encode(), "zxc, ein Fuchs, schön"),
        ("schön".encode("cp1252"), "zxc, schön"),
        ("schön".encode("utf-16"), "zxc, schön"),
    ],
)
def test_the_text_beside_a_picture(tmp_path: Path, content: bytes, text: str) -> None:
    assert beside(tmp_path, content) == Caption(tmp_path / "IMG_1.png", text, Origin.BESIDE)


@pytest.mark.parametrize("content", [b"", b" ,\n, ", b"\0\1\2 binary", b"x" * 70_000])
def test_what_is_no_text_is_passed_over(tmp_path: Path, content: bytes) -> None:
    assert beside(tmp_path, content) == Caption(tmp_path / "IMG_1.png", "a picture, zxc", Origin.TEMPLATE)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("red_fox-in.snow", "red fox in snow"), ("RedFox", "Red Fox"), ("mountain2024", "mountain"),
        ("007 castle (3)", "castle"), ("photo of a cat (copy)", "a cat"), ("лиса", "лиса"), ("Bär", "Bär"),
        ("IMG_1234", ""), ("IMG1234", ""), ("DSC00012", ""), ("PXL_20230101_123456789", ""), ("untitled", ""),
        ("Screenshot 2024-05-01 at 10.11.12", ""), ("WhatsApp Image 2023-01-01 at 10.00.00", ""),
        ("3fa85f64-5717-4562-b3fc-2c963f66afa6", ""), ("d41d8cd98f00b204e9800998ecf8427e", ""), ("00012-123456", ""),
        ("ComfyUI_00001_", ""), ("tmp8x2k1a", ""), ("xQzYbKpWq", ""), ("bcdfg", ""), ("42", ""), ("a", ""), ("", ""),
    ],
)  # fmt: skip
def test_names_that_are_words(name: str, words: str) -> None:
    assert name_in_words(Path(f"/deep.er/{name}.png")) == words


def test_the_best_source_is_taken(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("said beside")
    Image.new("RGB", (64, 64)).save(tmp_path / "red fox.png")
    Image.new("RGB", (65, 64)).save(tmp_path / "IMG_2.png")
    fox, camera = look(tmp_path / "red fox.png"), look(tmp_path / "IMG_2.png")
    assert isinstance(fox, Taken) and isinstance(camera, Taken)
    said = Taken(tmp_path / "other.png", "", (64, 64), caption_file=text)
    wording = Wording("zxc", subject="a fox")
    plain = captions_of([said, fox, camera], wording)
    assert [(caption.text, caption.origin) for caption in plain] == [
        ("zxc, said beside", Origin.BESIDE), ("zxc, red fox", Origin.NAME), ("a picture of a fox, zxc", Origin.TEMPLATE),
    ]  # fmt: skip
    captioner = Says("by a model")
    assert [c.origin for c in captions_of([said, fox, camera], wording, captioner)] == [
        Origin.BESIDE, Origin.CAPTIONER, Origin.CAPTIONER,
    ]  # fmt: skip
    assert captioner.asked == 2
    assert captions_of([fox, camera], wording, Says(" ")) == plain[1:]


@pytest.mark.parametrize(
    ("wording", "text"),
    [
        (Wording("zxc"), "a picture, zxc"),
        (Wording(" zxc  style, ", " a  dog "), "a picture of a dog, zxc style"),
        (Wording("zxc", "a dog", "{subject} by {trigger} {that}"), "a dog by zxc {that}"),
        (Wording("zxc", "a {trigger}", "{subject} {trigger}"), "a {trigger} zxc"),
        (Wording("zxc", "", "a drawing"), "zxc, a drawing"),
    ],
)
def test_templates(wording: Wording, text: str) -> None:
    assert wording.text == text


def test_wordings_that_cannot_be_used_say_so() -> None:
    with pytest.raises(InvalidRequestError, match="trigger"):
        captions_of([], Wording(" , "))
    with pytest.raises(InvalidRequestError, match="subject"):
        captions_of([], Wording("zxc", "", "a {subject}, {trigger}"))


def test_the_table_is_edited_before_the_trigger_comes_in() -> None:
    plain = own_words([Taken(Path(name), "", (64, 64)) for name in ("red fox.png", "IMG_1.png")])
    assert plain == (
        Caption(Path("red fox.png"), "red fox", Origin.NAME), Caption(Path("IMG_1.png"), "", Origin.TEMPLATE),
    )  # fmt: skip
    edited = (
        *plain,
        Caption(Path("b"), "  a bird\nof zxc ", Origin.EDITED),
        Caption(Path("c"), " ", Origin.EDITED),
    )
    told = [row.text for row in worded(edited, TRIGGER)]
    assert told == ["zxc, red fox", "a picture, zxc", "a bird of zxc", "a picture, zxc"]
    assert worded(edited, Wording("qwe"))[2].text == "qwe, a bird of zxc"


@given(st.text(max_size=30), st.text(max_size=12))
def test_the_trigger_is_always_part(text: str, trigger: str) -> None:
    tidy = " ".join(trigger.split()).strip(" ,")
    if tidy:
        (caption,) = worded([Caption(Path("a"), text, Origin.NAME)], Wording(trigger))
        assert tidy.lower() in caption.text.lower()
