"""A1111's interface: its names and shapes against a copy of them, and pictures that are really drawn."""

import base64
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from eigenlorax.http.sdapi.canvas import filled
from eigenlorax.http.sdapi.models import Img2Img, Txt2Img
from eigenlorax.prompting.places import presets_file
from eigenlorax.prompting.presets import PromptPreset, keep_preset
from eigenlorax.recall.names import named
from eigenlorax.studio import Studio
from tests.http.conftest import SMALL

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "sdapi.json").read_text(encoding="utf-8"))
LISTS = ["loras", "sd-models", "samplers", "schedulers", "upscalers", "latent-upscale-modes"]


def post(client: TestClient, path: str, **asked: Any) -> Any:
    answer = client.post(f"/sdapi/v1/{path}", json={**SMALL, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()


def picture(text: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(text)))


def pixels(answer: Any, place: int = 0) -> np.ndarray[Any, Any]:
    return np.asarray(picture(answer["images"][place]).convert("RGB")).astype(int)


def as_text(image: Image.Image) -> str:
    content = BytesIO()
    image.save(content, format="PNG")
    return base64.b64encode(content.getvalue()).decode()


def refused(client: TestClient, path: str, **asked: Any) -> str:
    answer = client.post(f"/sdapi/v1/{path}", json={**SMALL, "prompt": "a cat", **asked})
    assert answer.status_code == 422, answer.text
    assert list(answer.json()) == GOLDEN["error"]
    return str(answer.json()["detail"])


@pytest.mark.parametrize("name", LISTS)
def test_lists_have_the_fields_of_a1111(client: TestClient, name: str) -> None:
    found = client.get(f"/sdapi/v1/{name}").json()
    assert found
    assert all(set(one) == set(GOLDEN[name]) for one in found)


@pytest.mark.parametrize("name", ["options", "memory", "cmd-flags", "scripts", "progress"])
def test_objects_have_the_fields_of_a1111(client: TestClient, name: str) -> None:
    assert set(client.get(f"/sdapi/v1/{name}").json()) == set(GOLDEN[name])


@pytest.mark.parametrize(("kind", "name"), [(Txt2Img, "txt2img"), (Img2Img, "img2img")])
def test_every_field_that_is_read_is_one_of_a1111(kind: type[Txt2Img], name: str) -> None:
    assert set(kind.model_fields) <= set(GOLDEN[name])


def test_a_drawing_has_the_shape_of_a1111_and_carries_its_settings(
    client: TestClient, styled_studio: Studio
) -> None:
    found = post(client, "txt2img", prompt="a red apple", sampler_name="Euler a", batch_size=2, nonsense=3)
    assert set(found) == set(GOLDEN["drawn"])
    info = json.loads(found["info"])
    assert set(info) == set(GOLDEN["info"])
    assert info["all_seeds"] == [7, 8]
    assert [picture(one).size for one in found["images"]] == [(64, 64)] * 2
    assert [picture(one).info["parameters"] for one in found["images"]] == info["infotexts"]
    assert found["parameters"]["steps"] == 2
    assert not list(styled_studio.library.outputs.rglob("*.png"))  # save_images was not asked for


def test_pictures_stay_where_that_is_asked_for(client: TestClient, styled_studio: Studio) -> None:
    found = post(client, "txt2img", prompt="a pear", save_images=True, send_images=False)
    assert found["images"] == []
    (kept,) = styled_studio.library.outputs.rglob("*.png")
    kept.unlink()


def test_a_tag_puts_a_style_on_and_a_seed_repeats(client: TestClient) -> None:
    bare, worn, again, half = (
        pixels(post(client, "txt2img", prompt=f"a cat{tag}"))
        for tag in ("", " <lora:neon:1>", "<lora:neon>", " <lora:neon:0.5>")
    )
    assert (worn == again).all()
    assert (worn != bare).any()
    assert (worn != half).any()


def test_null_is_the_default_and_a_seed_is_drawn(client: TestClient) -> None:
    found = post(
        client, "txt2img", prompt="a cat", seed=None, negative_prompt=None, sampler_name=None, steps=1
    )
    assert json.loads(found["info"])["seed"] >= 0


def test_presets_are_a1111s_styles(client: TestClient, styled_studio: Studio) -> None:
    keep_preset(presets_file(styled_studio.library.root), PromptPreset("film", "{prompt}, grain", "blur"))
    info = json.loads(post(client, "txt2img", prompt="a cat", styles=["film"], steps=1)["info"])
    assert (info["prompt"], info["negative_prompt"]) == ("a cat, grain", "blur")
    assert client.get("/sdapi/v1/prompt-styles").json()[0]["name"] == "film"
    assert "no preset named tape" in refused(client, "txt2img", styles=["tape"])


def test_a_mask_keeps_what_is_black(client: TestClient) -> None:
    start = Image.new("RGB", (64, 64), (200, 40, 40))
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (32, 0, 64, 64))
    asked = {"prompt": "a sea", "init_images": [f"data:image/png;base64,{as_text(start)}"], "mask_blur": 0}
    found = post(client, "img2img", **asked, mask=as_text(mask), denoising_strength=1.0)
    drawn = pixels(found)
    assert (drawn[:, :32] == (200, 40, 40)).all()
    assert (drawn[:, 32:] != (200, 40, 40)).any()
    assert found["parameters"]["init_images"] is None
    inverted = pixels(post(client, "img2img", **asked, mask=as_text(mask), inpainting_mask_invert=1))
    assert (inverted[:, 32:] == (200, 40, 40)).all()


@pytest.mark.parametrize(("mode", "size"), [(0, (64, 64)), (1, (64, 64)), (2, (64, 64))])
def test_every_way_of_fitting_draws(client: TestClient, mode: int, size: tuple[int, int]) -> None:
    wide = Image.new("RGB", (96, 48), (10, 200, 10))
    found = post(client, "img2img", prompt="a sea", init_images=[as_text(wide)], resize_mode=mode, steps=1)
    assert picture(found["images"][0]).size == size


def test_colours_flow_in_under_a_mask() -> None:
    image = Image.new("RGB", (64, 64), (250, 0, 0))
    image.paste((0, 0, 250), (32, 0, 64, 64))
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (8, 8, 56, 56))
    found = np.asarray(filled(image, mask)).astype(int)
    assert (found[0] == np.asarray(image)[0]).all()  # what is kept stays
    assert found[32, 12, 0] > 150 > found[32, 12, 2]  # near the red edge it is red
    assert found[32, 52, 2] > 150 > found[32, 52, 0]


def test_hires_draws_larger(client: TestClient) -> None:
    found = post(client, "txt2img", prompt="a cat", enable_hr=True, hr_resize_x=96, hr_upscaler="Lanczos")
    assert picture(found["images"][0]).size == (96, 96)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"steps": "many"}, "steps: input should be a valid integer"),
        ({"cfg_scale": [7]}, "cfg_scale"),
        ({"steps": 0}, "steps is 0: choose a number from 1 to 150"),
        ({"prompt": " "}, "the prompt is empty"),
        ({"prompt": "x <lora:nein:1>"}, "no style named nein; there is neon"),
        ({"sampler_name": "Wobble"}, "no sampler 'Wobble' here"),
        ({"scheduler": "Karras"}, "needs a sampler_name"),
        ({"tiling": True}, "tiling is True, which is not done here"),
        ({"alwayson_scripts": {"ADetailer": {"args": []}}}, "there are no scripts here (ADetailer)"),
        ({"script_name": "X/Y/Z plot"}, "script_name is 'X/Y/Z plot'"),
        ({"batch_size": 8, "n_iter": 3}, "batch is 24: choose a number from 1 to 16"),
        ({"enable_hr": True, "hr_upscaler": "4x-Ultra"}, "no hr_upscaler '4x-Ultra' here"),
        ({"override_settings": {"sd_model_checkpoint": "pony"}}, "the loaded model is model, not pony"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(client: TestClient, asked: dict[str, Any], reason: str) -> None:
    assert reason in refused(client, "txt2img", **asked)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({}, "init_images holds 0 pictures: send one"),
        ({"init_images": ["http://example.com/a.png"]}, "nothing is fetched here"),
        ({"init_images": ["????"]}, "init_images[0] is no base64"),
        ({"init_images": [base64.b64encode(b"GIF89a").decode()]}, "init_images[0] is"),
        ({"init_images": ["x"], "resize_mode": 3}, "resize_mode is 3"),
    ],
)  # fmt: skip
def test_pictures_that_are_none_are_refused(client: TestClient, asked: dict[str, Any], reason: str) -> None:
    assert reason in refused(client, "img2img", **asked)


def test_a_body_that_is_no_json_is_refused(client: TestClient) -> None:
    answer = client.post("/sdapi/v1/txt2img", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert "the body is no JSON" in answer.json()["detail"]


def test_what_is_not_there_is_told(client: TestClient) -> None:
    answer = client.get("/sdapi/v1/face-restorers")
    assert answer.status_code == 404
    assert "see /api/v1/docs" in answer.json()["detail"]


def test_png_info_reads_what_was_drawn(client: TestClient) -> None:
    drawn = post(client, "txt2img", prompt="a cat <lora:chalk:0.5>", negative_prompt="blur")["images"][0]
    found = client.post("/sdapi/v1/png-info", json={"image": drawn}).json()
    assert set(found) == set(GOLDEN["png-info"])
    assert found["info"] == picture(drawn).info["parameters"]
    told = found["parameters"]
    assert (told["Negative prompt"], told["Seed"], told["Size-1"]) == ("blur", "7", "64")


def test_every_sampler_is_understood_by_its_names_in_every_schedule(client: TestClient) -> None:
    labels = {one["name"]: one["label"] for one in client.get("/sdapi/v1/schedulers").json()}
    for sampler in client.get("/sdapi/v1/samplers").json():
        assert {named(alias, "")[0] for alias in sampler["aliases"]} == {sampler["name"]}
    for name, label in labels.items():
        assert named("Euler", name)[:2] == named("Euler", label)[:2] == ("Euler", label)


def test_options_are_changed_or_refused_and_others_left_alone(client: TestClient) -> None:
    assert client.post("/sdapi/v1/options", json={"CLIP_stop_at_last_layers": 2, "foo": 1}).status_code == 200
    assert client.get("/sdapi/v1/options").json()["CLIP_stop_at_last_layers"] == 2
    assert json.loads(post(client, "txt2img", prompt="a cat", steps=1)["info"])["clip_skip"] == 2
    client.post("/sdapi/v1/options", json={"CLIP_stop_at_last_layers": 1})
    assert "give a whole number" in refused(client, "options", CLIP_stop_at_last_layers="2")
    assert "chosen at start, with --model" in refused(client, "options", sd_model_checkpoint="pony")


def test_refreshing_answers_as_a1111_does(client: TestClient) -> None:
    for name in ("refresh-loras", "refresh-checkpoints"):
        assert client.post(f"/sdapi/v1/{name}").json() is None
