"""What is asked for, as JSON: everything comes back, and every fault is told in words."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from eigenlorax.dials import Dials
from eigenlorax.errors import InvalidFileError, InvalidRequestError
from eigenlorax.jobs.asked import as_json, from_json
from eigenlorax.jobs.compressing import CalibrateAsked, CompressAsked
from eigenlorax.jobs.drawing import DrawAsked, with_pictures_kept
from eigenlorax.jobs.importing import ImportAsked
from eigenlorax.jobs.teaching import CaptionAsked, TeachAsked, teach_request
from eigenlorax.recipe import Canvas, ControlHint, Fill, GenerationRequest, Upscaler
from eigenlorax.training.calibrate import CalibrationSettings
from eigenlorax.training.captions import Origin
from eigenlorax.training.teach_settings import PRESETS

_NAMES = st.text(min_size=1, max_size=6)
_NUMBERS = st.floats(-10, 10)
_BLENDS = st.dictionaries(_NAMES, _NUMBERS, max_size=3)
_CURVES = st.lists(st.lists(_NUMBERS, min_size=2, max_size=2), max_size=3)
_REQUESTS = st.fixed_dictionaries(
    {"prompt": st.text()},
    optional={
        "seed": st.integers(0, 2**32 - 1),
        "guidance": _NUMBERS,
        "styles": _BLENDS,
        "hires": st.none()
        | st.fixed_dictionaries(
            {"scale": _NUMBERS, "upscaler": st.sampled_from([*Upscaler]).map(lambda one: one.value)}
        ),
        "dials": st.dictionaries(
            _NAMES, st.fixed_dictionaries({"unet": _NUMBERS, "curve": _CURVES}), max_size=2
        ),
        "blends": st.lists(_BLENDS, max_size=2),
    },
)
_WISHES = st.fixed_dictionaries(
    {},
    optional={
        "retain": _NUMBERS,
        "budget": st.none() | st.integers(),
        "exclude": st.lists(_NAMES, max_size=2),
        "numbers": st.sampled_from(["fp16", "int8"]),
        "outliers": st.sampled_from(["in", "apart"]),
    },
)
_TEACHING = TeachAsked(
    "mine", (Path("/pictures/a b.png"), Path("/more")), "zyx", subject="a dog", preset="quick",
    settings={"steps": 7, "texts": True}, columns=8, mirrors=True,
    captions=(CaptionAsked(Path("/pictures/a b.png"), "zyx, a dog", Origin.BESIDE),), samples=("a cat",),
)  # fmt: skip


def _through(value: object) -> object:
    return from_json(type(value), json.loads(json.dumps(as_json(value), allow_nan=False)))


def _held(whole: object, part: object) -> bool:
    """Whether everything of `part` is in `whole`, which may say more."""
    if isinstance(part, dict):
        return all(name in whole and _held(whole[name], value) for name, value in part.items())
    return whole == part


@given(_REQUESTS)
def test_what_to_draw_comes_back(facts: dict[str, object]) -> None:
    request = from_json(GenerationRequest, facts)
    assert _held(as_json(request), facts)
    assert _through(request) == request


@given(_WISHES, st.lists(_NAMES, max_size=3))
def test_what_to_compress_comes_back(wish: dict[str, object], names: list[str]) -> None:
    asked = from_json(CompressAsked, {"names": names, "wish": wish})
    assert asked.names == tuple(names)
    assert _held(as_json(asked.wish), wish)
    assert _through(asked) == asked


def test_everything_else_comes_back() -> None:
    for asked in (
        _TEACHING,
        CalibrateAsked(("a",), CalibrationSettings(steps=3)),
        ImportAsked((Path("/a"),)),
    ):
        assert _through(asked) == asked


def test_pictures_to_start_from_come_back_as_they_look(tmp_path: Path) -> None:
    image, mask, hint = (
        Image.new(mode, (8, 6), colour) for mode, colour in (("RGB", "red"), ("L", 255), ("RGB", "blue"))
    )
    canvas = Canvas(image, mask, 0.5, 2, Fill.NOISE)
    request = GenerationRequest("a cat", canvas=canvas, control=ControlHint("/models/edges", hint, 0.7))
    facts = json.loads(json.dumps(with_pictures_kept(tmp_path, DrawAsked(request, 3))))
    found = from_json(DrawAsked, facts)
    assert found.previews == 3
    assert found.request.canvas.image.tobytes() == image.tobytes()
    assert found.request.canvas.mask.convert("L").tobytes() == mask.tobytes()
    assert found.request.control.image.tobytes() == hint.tobytes()
    assert (found.request.canvas.fill, found.request.control.scale) == (Fill.NOISE, 0.7)
    Path(facts["request"]["canvas"]["image"]).write_bytes(b"no picture")
    with pytest.raises(InvalidFileError, match=r"request\.canvas\.image: picture\.png is not a picture"):
        from_json(DrawAsked, facts)
    Path(facts["request"]["canvas"]["image"]).unlink()
    with pytest.raises(InvalidFileError, match=r"request\.canvas\.image: .* cannot be read"):
        from_json(DrawAsked, facts)


def test_a_form_becomes_a_teaching_request_on_top_of_its_preset() -> None:
    request = teach_request(json.loads(json.dumps(as_json(_TEACHING))))
    assert request.settings == replace(PRESETS["quick"], steps=7, texts=True)
    assert (request.name, request.columns, request.mirrors) == ("mine", 8, True)
    assert (request.wording.trigger, request.wording.subject) == ("zyx", "a dog")
    assert request.captions[0].text == "zyx, a dog"
    assert request.samples == ("a cat",)
    assert teach_request({"name": "n", "sources": [], "trigger": "t"}).settings == PRESETS["style"]


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ({"settings": {"steps": "ten"}}, r"settings\.steps is 'ten': give a whole number"),
        ({"settings": {"steps": 1.5}}, r"settings\.steps is 1\.5: give a whole number"),
        ({"settings": {"steps": True}}, r"settings\.steps is True: give a whole number"),
        ({"settings": {"stpes": 1}}, r"settings\.stpes is not known: choose from .*steps"),
        ({"settings": [1]}, "settings is .*: give names with values"),
        ({"settings": {"rate": "fast"}}, r"settings\.rate is 'fast': give a number"),
        ({"settings": {"texts": 1}}, r"settings\.texts is 1: give true or false"),
        ({"preset": "fine"}, "no preset is named 'fine': choose from style"),
        ({"sources": "a.png"}, "sources is 'a.png': give a list"),
        ({"sources": [3]}, r"sources\[0\] is 3: give a path"),
        ({"captions": [{"text": "a"}]}, r"captions\[0\]\.file is missing"),
        ({"captions": [{"file": "a", "text": "a", "origin": "x"}]}, r"origin is 'x': give one of the text"),
        ({"trigger": None}, "trigger is None: give a text"),
        ({"colour": 1}, "colour is not known"),
    ],
)
def test_faults_are_told_in_words(spoilt: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        teach_request({**as_json(_TEACHING), **spoilt})
    with pytest.raises(InvalidRequestError, match="name is missing"):
        teach_request({"sources": [], "trigger": "t"})


def test_pairs_have_two() -> None:
    facts = as_json(GenerationRequest("a", dials={"neon": Dials(curve=((0.0, 1.0),))}))
    facts["dials"]["neon"]["curve"][0].append(3.0)
    with pytest.raises(InvalidRequestError, match=r"dials\.neon\.curve\[0\] is .*: give a list of 2"):
        from_json(GenerationRequest, facts)


def test_what_is_no_number_is_null() -> None:
    assert as_json({"loss": [float("nan"), float("inf"), 1.5]}) == {"loss": [None, None, 1.5]}
