"""The text in a picture is A1111's."""

import re

import pytest

from eigenlorax.errors import InvalidRequestError
from eigenlorax.recipe import GenerationRequest, infotext

# The reader's own pattern, from AUTOMATIC1111's modules/infotext_utils.py.
RE_PARAM = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')


def test_a1111_reads_every_pair_back() -> None:
    request = GenerationRequest("cat", "dog", 12, 20, 7.5, 512, 768, {"neon": 0.5, "off": 0.0})
    text = infotext(request, "Euler", {"Model": "a, b: c"})
    prompt, negative, last = text.split("\n")
    assert prompt == "cat <lora:neon:0.5>"
    assert negative == "Negative prompt: dog"
    assert dict(RE_PARAM.findall(last)) == {
        "Steps": "20", "Sampler": "Euler", "CFG scale": "7.5", "Seed": "12", "Size": "512x768", "Model": '"a, b: c"',
    }  # fmt: skip


def test_a_prompt_of_spaces_says_what_to_do() -> None:
    with pytest.raises(InvalidRequestError, match="write what the picture should show"):
        GenerationRequest("  ").check()
