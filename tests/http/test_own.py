"""Our own interface: styles, blends, pictures, versions and jobs, from end to end."""

import base64
import re
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from safetensors import safe_open
from starlette.testclient import TestClient

from eigenlorax.http.docs import docs_page
from eigenlorax.jobs.server import JobServer
from eigenlorax.studio import Studio

SMALL = {"prompt": "a cat", "width": 64, "height": 64, "steps": 2, "seed": 7}


def ask(client: TestClient, method: str, path: str, expected: int = 200, **asked: Any) -> Any:
    answer = client.request(method, f"/api/v1/{path}", json=asked or None)
    assert answer.status_code == expected, answer.text
    return answer.json()


def drawn(client: TestClient, **asked: Any) -> np.ndarray[Any, Any]:
    (one,) = ask(client, "POST", "pictures", **SMALL, **asked)["pictures"]
    image = Image.open(BytesIO(base64.b64decode(one["image"])))
    assert image.info["parameters"] == one["parameters"]
    assert Path(one["file"]).is_file()
    return np.asarray(image).astype(int)


def done(client: TestClient, jobs: JobServer, number: int) -> Any:
    jobs.wait(number, 30)
    job = ask(client, "GET", f"jobs/{number}")
    assert job["state"] == "done", job["error"]
    return job["result"]


def test_styles_are_told(client: TestClient) -> None:
    found = ask(client, "GET", "styles")
    assert [one["name"] for one in found] == ["chalk", "neon"]
    assert found[0] == ask(client, "GET", "styles/chalk")
    assert 0.9 < found[0]["effect_kept"] <= 1.0
    assert "no style named nein; there are chalk, neon" in ask(client, "GET", "styles/nein", 404)["detail"]


def test_a_blend_is_worn_until_it_is_taken_off(client: TestClient) -> None:
    bare, named = drawn(client, styles={}), drawn(client, styles={"neon": 1, "chalk": -0.5})
    told = ask(client, "PUT", "blend", styles={"neon": 1, "chalk": -0.5})
    assert told == ask(client, "GET", "blend")
    assert sum(told["shares"].values()) == pytest.approx(1.0)
    assert (drawn(client) == named).all()
    assert (named != bare).any()
    assert "no style named nein" in ask(client, "PUT", "blend", 422, styles={"nein": 1})["detail"]
    assert ask(client, "GET", "blend") == told  # the one before stays
    assert ask(client, "PUT", "blend", styles={})["styles"] == {}
    assert (drawn(client) == bare).all()


def test_a_blend_becomes_a_style_and_a_version_to_go_back_from(
    client: TestClient, jobs: JobServer, styled_studio: Studio
) -> None:
    blend = {"neon": 0.75, "chalk": 0.5}
    before = ask(client, "GET", "subspace")
    together = drawn(client, styles=blend)
    made = ask(client, "POST", "blend/combine", name="both", styles=blend)
    assert made["name"] == "both"
    assert styled_studio.styles["both"].notes["mixture"] == "neon 0.75, chalk 0.50"
    assert (
        np.abs(drawn(client, styles={"both": 1.0}) - together).mean() < 1.0
    )  # int8 rounds its cores once more
    assert "already" in ask(client, "POST", "blend/combine", 422, name="both", styles=blend)["detail"]
    assert (
        "the blend is empty"
        in ask(client, "POST", "blend/combine", 422, name="x", styles={"neon": 0})["detail"]
    )
    now = ask(client, "GET", "subspace")
    assert (now["styles"], len(now["versions"])) == (3, len(before["versions"]) + 1)
    name = next(one["name"] for one in before["versions"] if one["is_open"])
    result = done(client, jobs, ask(client, "POST", f"subspace/versions/{name}/use")["job"])
    assert (result["version"], result["styles"]) == (name, 2)
    assert "no version is named x" in ask(client, "POST", "subspace/versions/x/use", 404)["detail"]


def test_a_picture_is_recalled(client: TestClient) -> None:
    image = ask(client, "POST", "pictures", **SMALL, styles={"neon": 0.5})["pictures"][0]["image"]
    found = ask(client, "POST", "pictures/recall", image=image)
    assert (found["prompt"], found["styles"], found["seed"]) == ("a cat", {"neon": 0.5}, 7)
    assert (found["source"], found["differences"]) == ("EigenLoRAx Studio", [])


def test_a_blend_is_exported_and_fetched(client: TestClient, jobs: JobServer) -> None:
    number = ask(client, "POST", "jobs/export", 202, name="mine/../x", styles={"neon": 1.0}, rank=4)["job"]
    result = done(client, jobs, number)
    path = Path(result["path"])
    assert path.parent.name == "exports"
    assert result["error"] < 0.1
    assert client.get(f"/api/v1/exports/{path.name}").content == path.read_bytes()
    with safe_open(path, "pt") as file:
        assert file.metadata()["modelspec.architecture"].startswith("stable-diffusion-xl")
    for other in ("..%2Fjobs.sqlite", "%2e%2e/jobs.sqlite", "none.safetensors", "..%5Cjobs.sqlite"):
        assert client.get(f"/api/v1/exports/{other}").status_code == 404
    folder = ask(
        client, "POST", "jobs/export", 202, name="pair", styles={"neon": 1.0}, rank=1, dialect="peft"
    )
    packed = Path(done(client, jobs, folder["job"])["path"])
    assert packed.name == "pair.zip"
    with ZipFile(packed) as files:
        assert any(name.endswith("adapter_config.json") for name in files.namelist())
    assert "nothing to export" in ask(client, "POST", "jobs/export", 422, name="x", styles={})["detail"]


def test_the_library_is_compressed(client: TestClient, jobs: JobServer) -> None:
    number = ask(client, "POST", "jobs/compress", 202, names=["neon"], retain=0.5)["job"]
    result = done(client, jobs, number)
    assert list(result["styles"]) == ["neon"]
    assert result["stored_bytes"] < result["original_bytes"]
    assert ask(client, "GET", "jobs?limit=1")[0]["id"] == number


def test_training_takes_pictures_and_can_be_cancelled(client: TestClient, jobs: JobServer) -> None:
    def text(colour: int) -> str:
        content = BytesIO()
        Image.new("RGB", (64, 64), (colour, 90, 40)).save(content, format="PNG")
        return base64.b64encode(content.getvalue()).decode()

    pictures = [{"image": text(colour), "caption": f"shade {colour}"} for colour in (0, 100, 200)]
    asked = {"name": "mine", "trigger": "zyx", "pictures": pictures}
    number = ask(client, "POST", "jobs/train", 202, **asked)["job"]
    told = ask(client, "POST", f"jobs/{number}/cancel")
    assert (told["kind"], told["title"]) == ("train", "mine")
    assert jobs.wait(number, 30).state == "cancelled"
    kept = jobs.look(number).asked
    assert [one["text"] for one in kept["captions"]] == ["shade 0", "shade 100", "shade 200"]
    assert all(Path(one).is_file() for one in kept["sources"])
    broken = {**asked, "pictures": [{"image": "eA=="}]}
    assert "pictures[0].image is not a picture" in ask(client, "POST", "jobs/train", 422, **broken)["detail"]
    assert (
        "there are no pictures"
        in ask(client, "POST", "jobs/train", 422, **asked | {"pictures": []})["detail"]
    )


@pytest.mark.parametrize(
    ("method", "path", "asked", "status", "reason"),
    [
        ("POST", "pictures", {**SMALL, "style": {"neon": 1}}, 422, "style: extra inputs are not permitted"),
        ("POST", "pictures", {**SMALL, "styles": {"neon": "much"}}, 422, "styles.neon: input should be a valid number"),
        ("POST", "pictures", {"steps": 3}, 422, "prompt: field required"),
        ("POST", "jobs/export", {"name": "x", "styles": {"neon": 1}, "dialect": "x"}, 422, "kohya-sgm"),
        ("POST", "jobs/compress", {"retain": 2}, 422, "retain"),
        ("GET", "jobs/987654", {}, 404, "there is no job 987654"),
        ("POST", "jobs/987654/cancel", {}, 404, "there is no job 987654"),
        ("GET", "jobs/first", {}, 422, "number: input should be a valid integer"),
        ("GET", "jobs?limit=0", {}, 422, "limit"),
        ("GET", "nothing", {}, 404, "there is nothing at /api/v1/nothing"),
        ("DELETE", "styles", {}, 405, "Method Not Allowed"),
    ],
)  # fmt: skip
def test_refusals_are_told(
    client: TestClient, method: str, path: str, asked: Any, status: int, reason: str
) -> None:
    assert reason in ask(client, method, path, status, **asked)["detail"]


def test_the_page_tells_every_route_and_fetches_nothing(app: FastAPI, client: TestClient) -> None:
    page = client.get("/api/v1/docs").text
    document = client.get("/api/v1/openapi.json").json()
    assert {"/sdapi/v1/txt2img", "/api/v1/blend", "/api/v1/jobs/{number}/cancel"} <= set(document["paths"])
    for path, methods in document["paths"].items():
        assert f"<code>{path}</code>" in page
        assert all(route["description"] and route["tags"] for route in methods.values()), path
    assert not re.search(r"<(script|link|img)|https?://|url\(", page)


def test_the_page_writes_what_it_is_told_as_text() -> None:
    field = {"name": "<x1>", "schema": {"enum": ["<x2>"]}, "description": "<x3>"}
    route = {"tags": ["<x4>"], "description": "<x5>", "responses": {}, "parameters": [field]}
    info = {"title": "<x6>", "version": "<x7>", "description": "<x8>"}
    page = docs_page({"info": info, "paths": {"/<x9>": {"get": route}}})
    assert "<x" not in page
    assert all(f"&lt;x{number}&gt;" in page for number in range(1, 10))
