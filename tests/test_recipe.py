"""The text in a picture is A1111's, and a request says what it cannot be."""

import re
from dataclasses import replace

import pytest
from PIL import Image

from eigenlorax.errors import InvalidRequestError
from eigenlorax.infotext import infotext
from eigenlorax.recipe import MAX_SEED, SAMPLERS, Canvas, Fill, GenerationRequest, Hires, Upscaler

# The reader's own pattern, from AUTOMATIC1111's modules/infotext_utils.py.
RE_PARAM = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
REQUEST = GenerationRequest("cat")
SHEET = Image.new("RGB", (64, 64))


def _pairs(request: GenerationRequest, extras: dict[str, str] | None = None) -> list[tuple[str, str]]:
    return RE_PARAM.findall(infotext(request, "Own", extras or {}).split("\n")[-1])


def test_a1111_reads_every_pair_back() -> None:
    request = GenerationRequest("cat", "dog", 12, 20, 7.5, 512, 768, {"neon": 0.5, "off": 0.0})
    text = infotext(request, "Euler", {"Model": "a, b: c"})
    prompt, negative, last = text.split("\n")
    assert prompt == "cat <lora:neon:0.5>"
    assert negative == "Negative prompt: dog"
    assert dict(RE_PARAM.findall(last)) == {
        "Steps": "20", "Sampler": "Euler", "CFG scale": "7.5", "Seed": "12", "Size": "512x768", "Model": '"a, b: c"',
        "Eigen sampler": "model's own",
    }  # fmt: skip


def test_what_is_not_as_usual_is_written_in_a1111s_order() -> None:
    request = replace(
        REQUEST, sampler="DPM++ 2M", schedule="Karras", clip_skip=2, variation_seed=7, variation_strength=0.25,
        batch=3, guidance_rescale=0.7, hires=Hires(1.5, 8, 0.4, Upscaler.LANCZOS),
    )  # fmt: skip
    request.check()
    assert _pairs(request, {"Eigen basis": "abc", "Model": "m", "Version": "v"}) == [
        ("Steps", "20"), ("Sampler", "DPM++ 2M"), ("Schedule type", "Karras"), ("CFG scale", "5"), ("Seed", "0"),
        ("Size", "1024x1024"), ("Model", "m"), ("Variation seed", "7"), ("Variation seed strength", "0.25"),
        ("Denoising strength", "0.4"), ("Clip skip", "2"), ("Batch size", "3"), ("CFG Rescale", "0.7"),
        ("Hires upscale", "1.5"), ("Hires steps", "8"), ("Hires upscaler", "Lanczos"), ("Eigen basis", "abc"), ("Version", "v"),
    ]  # fmt: skip


def test_a_mask_is_written_and_a_canvas_without_one_is_only_a_strength() -> None:
    masked = replace(REQUEST, canvas=Canvas(SHEET, SHEET, 0.6, 2, Fill.NOISE))
    assert _pairs(masked)[-4:-1] == [
        ("Denoising strength", "0.6"), ("Mask blur", "2"), ("Masked content", "latent noise"),
    ]  # fmt: skip
    assert _pairs(replace(REQUEST, canvas=Canvas(SHEET)))[-2] == ("Denoising strength", "0.75")


def test_seeds_count_up_and_around_and_variations_count_instead() -> None:
    last = replace(REQUEST, seed=MAX_SEED, batch=3)
    assert [last.of_picture(i).seed for i in range(3)] == [MAX_SEED, 0, 1]
    assert last.of_picture(2).batch == 1
    varied = replace(REQUEST, seed=5, variation_seed=MAX_SEED, variation_strength=0.1, batch=2)
    assert [(one.seed, one.variation_seed) for one in map(varied.of_picture, range(2))] == [
        (5, MAX_SEED),
        (5, 0),
    ]


def test_pictures_with_prompts_of_their_own() -> None:
    each = [("a cat", ""), ("a dog", "fog"), ("a cat", "rain")]
    request = replace(GenerationRequest("x", seed=4, batch=3), batch=3).with_prompts(each)
    assert (request.prompt, request.negative_prompt) == each[0]
    alone = [request.of_picture(place) for place in range(3)]
    assert [(one.prompt, one.negative_prompt, one.seed, one.prompts) for one in alone] == [
        (*words, seed, ()) for words, seed in zip(each, (4, 5, 6), strict=True)
    ]
    part = request.stretch(1, 2)
    assert [part.of_picture(place) for place in range(2)] == alone[1:]
    mixed = replace(request, blends=({"a": 1.0}, {"b": 1.0}, {}))
    assert mixed.stretch(1, 2).of_picture(0) == replace(alone[1], seed=4, styles={"b": 1.0})
    request.check()
    assert request.with_prompts([each[0]] * 3).prompts == ()
    with pytest.raises(InvalidRequestError, match="3 prompts for 2 pictures"):
        replace(request, batch=2).check()
    with pytest.raises(InvalidRequestError, match="empty"):
        request.with_prompts([("a cat", ""), (" ", ""), ("a", "")]).check()


def test_a_prompt_of_spaces_says_what_to_do() -> None:
    with pytest.raises(InvalidRequestError, match="write what the picture should show"):
        GenerationRequest("  ").check()


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (replace(REQUEST, sampler="Eulr"), "no sampler named Eulr: choose from Euler, Euler a"),
        (replace(REQUEST, sampler="Euler a", schedule="Karras"), "Euler a has no schedule named Karras"),
        (replace(REQUEST, schedule="Karras"), "schedule Karras needs a sampler"),
        (replace(REQUEST, clip_skip=0), "clip skip is 0"),
        (replace(REQUEST, batch=17), "batch is 17"),
        (replace(REQUEST, variation_strength=1.5), "variation strength is 1.5"),
        (replace(REQUEST, variation_seed=-1), "variation seed is -1"),
        (replace(REQUEST, guidance_rescale=float("nan")), "guidance rescale is nan"),
        (replace(REQUEST, hires=Hires(0.5)), "hires scale is 0.5"),
        (replace(REQUEST, hires=Hires(strength=2.0)), "hires denoising strength is 2.0"),
        (replace(REQUEST, width=2048, hires=Hires(2.5)), "hires reaches 5120 pixels"),
        (replace(REQUEST, canvas=Canvas(SHEET, strength=-0.1)), "denoising strength is -0.1"),
        (replace(REQUEST, canvas=Canvas(SHEET, blur=65)), "mask blur is 65"),
        (replace(REQUEST, canvas=Canvas(SHEET), hires=Hires()), "take off hires or the canvas"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_named(request_: GenerationRequest, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=re.escape(words)):
        request_.check()


def test_every_offered_pair_passes() -> None:
    for sampler, schedules in SAMPLERS.items():
        for schedule in schedules:
            replace(REQUEST, sampler=sampler, schedule=schedule).check()
