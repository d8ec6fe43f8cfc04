"""An independent client of A1111's interface, from PyPI, over a real socket."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from webuiapi import WebUIApi

from eigenlorax.http.access import Access
from eigenlorax.http.app import http_app
from eigenlorax.jobs.server import JobServer
from eigenlorax.studio import Studio
from tests.http.serving import served

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def port(styled_studio: Studio, jobs: JobServer) -> Iterator[int]:
    """Of a server that asks for a password."""
    with served(http_app(styled_studio, jobs, Access(users={"ann": "pw"}))) as found:
        yield found


@pytest.fixture(scope="module")
def api(port: int) -> Iterator[WebUIApi]:
    found = WebUIApi(port=port, username="ann", password="pw", steps=2)
    yield found
    found.session.close()


def test_it_draws_from_words(api: WebUIApi) -> None:
    found = api.txt2img(prompt="a red apple <lora:neon:0.8>", seed=7, width=64, height=64, cfg_scale=5)
    assert found.image.size == (64, 64)
    assert found.info["seed"] == 7
    assert found.image.info["parameters"] == found.info["infotexts"][0]
    bare = api.txt2img(prompt="a red apple", seed=7, width=64, height=64, cfg_scale=5)
    assert (np.asarray(bare.image) != np.asarray(found.image)).any()
    told = api.png_info(found.image)
    assert "<lora:neon:0.8>" in told.info


def test_it_draws_over_a_picture(api: WebUIApi) -> None:
    start, mask = Image.new("RGB", (64, 64), (200, 40, 40)), Image.new("L", (64, 64), 0)
    mask.paste(255, (0, 32, 64, 64))
    found = api.img2img([start], prompt="a sea", seed=7, width=64, height=64, mask_image=mask, mask_blur=0)
    drawn = np.asarray(found.image.convert("RGB"))
    assert (drawn[:32] == (200, 40, 40)).all()
    assert (drawn[32:] != (200, 40, 40)).any()


def test_the_readme_draws_so(
    api: WebUIApi, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"```py\n(.+?)\n```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    own = code.replace("port=7860", f"port={port}, username='ann', password='pw'").replace("clay", "neon")
    names: dict[str, Any] = {}
    exec(own.replace("128", "64").replace("steps=20", "steps=1"), names)  # the README's own words
    names["api"].session.close()
    with Image.open(tmp_path / "apple.png") as drawn:
        assert drawn.size == (64, 64)


def test_its_lists_and_utilities_work(api: WebUIApi) -> None:
    assert [one["name"] for one in api.get_loras()] == ["chalk", "neon"]
    assert "Euler a" in api.util_get_sampler_names()
    assert "karras" in api.util_get_scheduler_names()
    assert api.util_get_model_names() == [api.util_get_current_model()]
    api.util_set_model("anything near")
    api.util_wait_for_ready()
    assert api.interrupt() == {}
    assert api.get_memory()["ram"]["total"] > 0
    assert api.get_cmd_flags()["api"]
    assert (api.has_controlnet, api.has_adetailer) == (False, False)
    api.set_options({"CLIP_stop_at_last_layers": 1})
    assert api.get_options()["samples_format"] == "png"


def test_a_refusal_reaches_it_in_words(api: WebUIApi, port: int) -> None:
    with pytest.raises(RuntimeError, match="no style named nein"):
        api.txt2img(prompt="x <lora:nein:1>", width=64, height=64)
    stranger = WebUIApi(port=port, username="ann", password="wrong")
    with pytest.raises(RuntimeError, match="401"):
        stranger.txt2img(prompt="x")
    stranger.session.close()
