"""The further settings and the picture to start from, as parts of a request."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from eigenlorax.errors import InvalidRequestError
from eigenlorax.recipe import AUTOMATIC, SAMPLERS, Canvas, Fill, Hires, Upscaler
from eigenlorax.studio import Studio
from tests.ui.asking import form
from ui.asked import request_from
from ui.canvas import canvas_of, mask_of
from ui.pictures import GAP, sheet
from ui.settings import schedules, settings_of

RED, CLEAR, BRUSH = (200, 20, 20, 255), (0, 0, 0, 0), (214, 64, 159, 255)


def request(**changed: Any) -> Any:
    studio = SimpleNamespace(styles={}, library=SimpleNamespace(root=Path("nowhere")))
    return request_from(cast(Studio, studio), form(**changed), {})


def values(update: Any) -> list[str]:
    return [value for _, value in update["choices"]]


def test_the_form_as_it_is_first_asks_for_nothing_special() -> None:
    assert settings_of(form()) == {
        "sampler": "", "schedule": AUTOMATIC, "batch": 1, "clip_skip": 1, "variation_seed": 0,
        "variation_strength": 0.0, "guidance_rescale": 0.0, "hires": None,
    }  # fmt: skip
    asked = request()
    assert (asked.seed, asked.canvas, asked.dials) == (7, None, {})
    asked.check()


def test_every_setting_arrives() -> None:
    asked = request(
        sampler="DPM++ 2M", schedule="Karras", batch=3, clip_skip=2, variation_seed=9, variation_strength=0.2,
        guidance_rescale=0.7, hires=True, hires_scale=1.5, hires_steps=4, hires_denoise=0.4,
        hires_upscaler="Lanczos",
    )  # fmt: skip
    assert (asked.sampler, asked.schedule, asked.batch, asked.clip_skip) == ("DPM++ 2M", "Karras", 3, 2)
    assert (asked.variation_seed, asked.variation_strength, asked.guidance_rescale) == (9, 0.2, 0.7)
    assert asked.hires == Hires(1.5, 4, 0.4, Upscaler.LANCZOS)
    asked.check()


def test_a_free_variation_seed_is_drawn_anew() -> None:
    drawn = {request(variation_seed=-1, variation_strength=0.5).variation_seed for _ in range(8)}
    assert len(drawn) > 1


def test_schedules_follow_the_sampler() -> None:
    assert schedules("Model's own", "Karras") == schedules("no such sampler", "Karras")
    assert values(schedules("Model's own", "Karras")) == [AUTOMATIC]
    for sampler, known in SAMPLERS.items():
        update = schedules(sampler, "Karras")
        assert values(update) == list(known)
        assert update["value"] == ("Karras" if "Karras" in known else AUTOMATIC)


def test_a_schedule_that_the_sampler_lacks_is_refused_in_words() -> None:
    with pytest.raises(InvalidRequestError, match="LCM has no schedule named Karras"):
        request(sampler="LCM", schedule="Karras").check()


def editor(background: Image.Image | None, *layers: Image.Image) -> dict[str, Any]:
    return {"background": background, "layers": list(layers), "composite": None}


def test_no_picture_no_canvas() -> None:
    assert canvas_of(form()) is None
    assert canvas_of(form(canvas=None)) is None
    assert canvas_of(form(canvas=editor(Image.new("RGBA", (8, 8), CLEAR)))) is None


def test_a_picture_without_strokes_is_drawn_over_whole() -> None:
    background = Image.new("RGBA", (8, 8), RED)
    background.putpixel((0, 0), CLEAR)
    canvas = canvas_of(form(canvas=editor(background, Image.new("RGBA", (8, 8), CLEAR)), denoise=0.4))
    assert canvas is not None
    assert (canvas.mask, canvas.strength, canvas.image.mode) == (None, 0.4, "RGB")
    assert canvas.image.getpixel((0, 0)) == (255, 255, 255)
    assert canvas.image.getpixel((5, 5)) == RED[:3]


def test_strokes_of_all_layers_are_the_mask() -> None:
    layers = [Image.new("RGBA", (8, 8), CLEAR) for _ in range(2)]
    layers[0].putpixel((1, 2), BRUSH)
    layers[1].putpixel((6, 5), BRUSH)
    layers[1].putpixel((0, 0), (*BRUSH[:3], 40))  # the brush's soft rim
    mask = mask_of(layers)
    assert mask is not None
    assert {(int(x), int(y)) for y, x in np.argwhere(np.array(mask))} == {(1, 2), (6, 5)}
    canvas = canvas_of(
        form(canvas=editor(Image.new("RGB", (8, 8), "red"), *layers), mask_blur=3, mask_fill="latent noise")
    )
    assert canvas is not None
    assert canvas == Canvas(canvas.image, canvas.mask, 0.75, 3, Fill.NOISE)
    assert canvas.mask is not None


@pytest.mark.parametrize(
    ("count", "across", "down"), [(1, 1, 1), (2, 2, 1), (3, 2, 2), (5, 3, 2), (16, 4, 4)]
)
def test_a_sheet_shows_every_preview(count: int, across: int, down: int) -> None:
    images = [Image.new("RGB", (8, 4), (10 * index + 10, 0, 0)) for index in range(count)]
    found = sheet(images).convert("RGBA")
    gap = 0 if count == 1 else GAP
    assert found.size == (across * (64 + gap) - gap, down * (32 + gap) - gap)
    shades = [
        found.getpixel((column * (64 + gap) + 32, row * (32 + gap) + 16))
        for row in range(down)
        for column in range(across)
    ]
    assert shades[:count] == [(10 * index + 10, 0, 0, 255) for index in range(count)]
    assert all(shade == (0, 0, 0, 0) for shade in shades[count:])


def test_a_sheet_of_large_previews_stays_small() -> None:
    found = sheet([Image.new("RGB", (128, 128))] * 16)
    assert max(found.size) <= 1024 + 4 * GAP
