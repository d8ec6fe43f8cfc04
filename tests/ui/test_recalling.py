"""Drop, then Generate: the form asks for the very request that drew a picture, and the pixels are the same."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eigenlorax.cases.recall import recall_file, restored
from eigenlorax.dials import Dials
from eigenlorax.events import drain
from eigenlorax.recall.recalled import Recalled
from eigenlorax.recall.restore import Missing, Restored
from eigenlorax.recipe import GenerationRequest, Hires, Upscaler
from eigenlorax.studio import Studio
from tests.recall.test_roundtrip import values
from tests.ui.asking import form
from ui import recall_markup
from ui.asked import request_from
from ui.dials import dials_of
from ui.rack import strengths
from ui.recall_form import form_of, rack_of


@pytest.fixture(scope="module")
def studio(styled_studio: Studio) -> Studio:
    return styled_studio


def filled(found: Restored) -> dict[str, Any]:
    return form(**form_of(found), styles=rack_of(found.request)[0])


def asked(studio: Studio, found: Restored) -> GenerationRequest:
    values = filled(found)
    return request_from(studio, values, strengths(values["styles"]))


FULL = GenerationRequest(
    "a red apple, neon", "blurry", 11, 3, 4.3, 64, 72, {"neon": 0.37, "chalk": -1.25}, "DPM++ 2M", "Karras", 2,
    variation_seed=5, variation_strength=0.15, guidance_rescale=0.35, hires=Hires(1.25, 2, 0.55, Upscaler.LANCZOS),
    dials={"neon": Dials(style=0.5, text_encoder=0.1, curve=((0.0, 1.0), (0.00001, 0.25)))},
)  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"hires": None, "dials": {}},
        {"sampler": "", "schedule": "Automatic", "variation_strength": 0.0, "variation_seed": 0},
        {"styles": {}, "dials": {}, "hires": None, "sampler": "Euler a", "schedule": "Automatic"},
    ],
)
def test_a_picture_that_is_dropped_is_drawn_again_to_the_pixel(
    studio: Studio, change: dict[str, Any]
) -> None:
    first = drain(studio.generate(replace(FULL, **change)))
    found = restored(studio, recall_file(first.path))
    assert found.words == ()
    again = drain(studio.generate(asked(studio, found)))
    assert np.array_equal(np.asarray(first.image), np.asarray(again.image))
    assert first.parameters == again.parameters


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values, st.dictionaries(st.sampled_from(["neon", "chalk"]), st.floats(-2, 2), max_size=2))
def test_the_form_asks_for_what_was_restored(
    studio: Studio, told: dict[str, Any], blend: dict[str, float]
) -> None:
    request = replace(FULL, **told, styles=blend, dials={}, hires=None)
    if not request.variation_strength:
        request = replace(request, variation_seed=0)
    assert asked(studio, Restored(request, Recalled())) == request


@pytest.mark.parametrize(
    "prompt",
    ["{a|b} and }{", "\\{a|b\\}", "2$$ {x}", "{{big}} | {{small}}", "a __ b __ c", "a __colour__ \\__cat__"],
)
def test_what_looks_like_a_choice_stays_what_they_are(studio: Studio, prompt: str) -> None:
    request = replace(FULL, prompt=prompt, negative_prompt=prompt)
    assert asked(studio, Restored(request, Recalled())) == request


def test_a_curve_keeps_all_its_digits() -> None:
    value, beyond = rack_of(FULL)
    assert (dials_of(value), beyond) == (dict(FULL.dials), [])
    assert "e" not in json.loads(value)["neon"]["dials"]["curve"]


def test_what_the_rack_does_not_reach_is_told() -> None:
    value, words = rack_of(replace(FULL, styles={"neon": 4.0}, dials={"neon": Dials(unet=-1.0, style=3.0)}))
    assert strengths(value) == {"neon": 2.0}
    assert dials_of(value) == {"neon": Dials(unet=0.0, style=2.0)}
    assert len(words) == 3


def test_a_name_from_a_picture_is_never_markup() -> None:
    bad = '<img src=x onerror="alert(1)">'
    request = replace(FULL, styles={bad: 1.0}, dials={})
    recalled = Recalled(source=bad, unread={bad: bad})
    html = recall_markup.told(Restored(request, recalled, (Missing(bad, "f" * 12),), (bad,)), bad, [bad])
    assert "<img" not in html
    assert html.count("&lt;img") == 7
