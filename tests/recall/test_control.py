"""A ControlNet in a picture's text: written as A1111's extension does, read back as far as the text tells."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from eigenlorax.infotext import infotext
from eigenlorax.recall.control_text import control_from
from eigenlorax.recall.read import recall_text
from eigenlorax.recall.recalled import Recalled, RecalledControl
from eigenlorax.recall.restore import Here, restore
from eigenlorax.recipe import ControlHint, GenerationRequest

EDGES = "/home/ann/models/ControlNet/Edges, soft.v2.safetensors"
HERE = Here("base", 128, controls={"edges  soft.v2": EDGES})
shares = st.floats(0, 1, allow_subnormal=False)


@settings(max_examples=50, deadline=None)
@given(scale=st.floats(0, 2, allow_subnormal=False), span=st.tuples(shares, shares).map(sorted))
def test_what_is_written_is_read_back(scale: float, span: list[float]) -> None:
    hint = ControlHint(EDGES, Image.new("RGB", (8, 8)), scale, *span)
    words = infotext(GenerationRequest("a cat", control=hint), "Euler", {"Version": "x"})
    assert "/home" not in words
    found = restore(recall_text(words), HERE)
    assert found.control == RecalledControl(EDGES, scale, *span)
    assert not found.recalled.unread
    assert found.words == ("a ControlNet steered it: put its picture under ControlNet",)


def test_a_hub_id_stays_one() -> None:
    hint = ControlHint("diffusers/controlnet-canny-sdxl-1.0", Image.new("RGB", (8, 8)))
    words = infotext(GenerationRequest("a cat", control=hint), "Euler", {})
    found = restore(recall_text(words), Here("base", 128))
    assert found.control == RecalledControl("diffusers/controlnet-canny-sdxl-1.0")


NEW = (
    "Module: canny, Model: edges [2b69fca4], Weight: 0.7, Resize Mode: Crop and Resize, Processor Res: 512, "
    "Threshold A: 100, Threshold B: 200, Guidance Start: 0.1, Guidance End: 0.8, Pixel Perfect: True, "
    "Control Mode: Balanced, Hr Option: Both, Save Detected Map: True"
)
OLD = (
    "preprocessor: canny, model: edges [2b69fca4], weight: 0.7, starting/ending: (0.1, 0.8), "
    "resize mode: Crop and Resize, pixel perfect: True, control mode: Balanced, preprocessor params: (512, 100)"
)


@pytest.mark.parametrize("words", [NEW, OLD], ids=["new", "old"])
def test_both_ages_of_the_extension_are_read(words: str) -> None:
    assert control_from(words) == RecalledControl("edges", 0.7, 0.1, 0.8, "canny")
    text = f'a cat\nSteps: 5, Seed: 1, Size: 64x64, ControlNet 0: "{words}", ControlNet 1: "{words}"'
    recalled = recall_text(text)
    assert set(recalled.unread) == {"ControlNet 1"}
    found = restore(recalled, Here("base", 128))
    assert found.control is not None and found.control.model == ""
    assert found.words == (
        "the ControlNet edges is not here",
        "a ControlNet steered it: put its picture as canny had made it under ControlNet",
        "another ControlNet steered it too: that is not restored",
    )


def test_what_cannot_be_meant_is_brought_into_range_or_left_unread() -> None:
    odd = RecalledControl("edges", 9.0, 0.9, 0.4)
    found = restore(Recalled(prompt="a cat", control=odd), Here("base", 128, controls={"Edges": "/e"}))
    assert found.control == RecalledControl("/e", 2.0, 0.4, 0.4)
    assert len(found.words) == 3
    for words in ("", "x", "Model: None, Weight: 1", "Weight: 1"):
        assert control_from(words) is None
