"""The page from outside: no route and no handler gives a file away, and no foreign web page gets in."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image, PngImagePlugin

from tests.browser.serving import ROOT, Server, warm_page

MARK = "the-secret-of-this-machine"
COLOUR = (3, 251, 7)
SOURCE = (ROOT / "app.py").read_bytes()[:80]
PATIENCE_S = 4.0
FILES = ("file", "image", "imageeditor", "gallery", "uploadbutton", "video", "audio", "downloadbutton")


@dataclass(frozen=True)
class Home:
    """A page and what it must not give away.

    Attributes:
        server: The page.
        data: Its data folder, which has secrets beside what it shows.
        secrets: Files; each holds MARK, pictures are of COLOUR besides.
    """

    server: Server
    data: Path
    secrets: tuple[Path, ...]

    @property
    def uploads(self) -> Path:
        """Where uploads belong."""
        return (self.data / "cache" / "uploads").resolve()

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.server.url, timeout=60.0, trust_env=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("home")
    outside, data = folder / "outside", folder / "data"
    secrets = [
        outside / "secret.txt",
        outside / "secret.png",
        data / "secret.txt",
        data / "loras" / "secret.png",
    ]
    for path in secrets:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text(f"{MARK}\nNegative prompt: {MARK}\nSteps: 20, Seed: 1, Size: 64x64", "utf-8")
        else:
            told = PngImagePlugin.PngInfo()
            told.add_text("parameters", f"{MARK}\nSteps: 20, Seed: 1")
            Image.new("RGB", (96, 96), COLOUR).save(path, pnginfo=told)
    with warm_page(folder, "--model", str(tiny_model)) as server:
        yield Home(server, data, tuple(secrets))


def is_secret(content: bytes) -> bool:
    """Whether an answer holds a secret, a picture of it in other clothes included."""
    if any(mark in content for mark in (MARK.encode(), b"root:x:0", b"SQLite format 3", SOURCE)):
        return True
    try:
        with Image.open(BytesIO(content)) as picture:
            pixels = np.asarray(picture.convert("RGB"), dtype=np.int16)
    except (OSError, ValueError, SyntaxError):
        return False
    return bool((np.abs(pixels - COLOUR).sum(axis=-1) < 30).mean() > 0.2)


def _plain(home: Home) -> Iterator[str]:
    """Each secret as a path, and as a climb from wherever."""
    for path in (*home.secrets, Path("/etc/passwd"), home.data / "jobs.sqlite"):
        yield from (path.as_posix(), f"/{path.as_posix()}", "../" * 12 + path.as_posix().lstrip("/"))
    yield from ("app.py", str(ROOT / "app.py"), ".ci/run")


def _sly(home: Home) -> Iterator[str]:
    """The same by way of folders that are shown, in other spellings, and cut off by a NUL."""
    shown = home.data / "outputs" / "txt2img-images"
    for path in home.secrets:
        climbed = "../" * 12 + path.as_posix().lstrip("/")
        yield from (f"file://{path.as_posix()}", f"//localhost{path}", f"http://localhost{path}")
        yield from (f"{shown}/{climbed}", f"{shown}/..%2f..%2f{path.name}", climbed.replace("/", "\\"))
        yield from (f"{path}\0.png", f"{path}%00.png")
        yield f"{home.data}/cache/thumbnails/../../{path.relative_to('/')}"


ROUTES = (
    "/gradio_api/file={}", "/file={}", "/gradio_api/file/{}", "/gradio_api/proxy={}", "/static/{}", "/assets/{}",
    "/svelte/{}", "/gradio_api/custom_component/x/client/component/{}", "/pwa_icon/{}", "/{}", "/gradio_api/runs/{}",
)  # fmt: skip


def test_no_route_gives_a_foreign_file(home: Home) -> None:
    asked = [(route, spelling) for route in ROUTES for spelling in _plain(home)]
    asked += [(ROUTES[0], spelling) for spelling in _sly(home)]
    with home.client() as client:
        for route, spelling in asked:
            for told in {spelling, quote(spelling, safe="")}:
                try:
                    answer = client.get(route.format(told.replace("\0", "%00")))
                except (httpx.InvalidURL, httpx.NetworkError, httpx.ProtocolError):
                    continue  # no request at all, or one that the server hangs up on
                assert not is_secret(answer.content), answer.url


def test_what_is_shown_is_given(home: Home) -> None:
    """The same route does give a picture that was drawn: what is refused above is refused for its place."""
    picture = home.data / "outputs" / "txt2img-images" / "shown.png"
    Image.new("RGB", (8, 8)).save(picture)
    with home.client() as client:
        assert client.get(f"/gradio_api/file={picture}").content == picture.read_bytes()
        for kept in ("loras/secret.png", "secret.txt", "jobs.sqlite"):
            assert client.get(f"/gradio_api/file={home.data / kept}").status_code == 403


def _given(kind: str, path: str, as_json: bool) -> Any:
    """A value for a component that names a file in each way that its kind has."""
    file = {"path": path, "orig_name": "x.png", "meta": {"_type": "gradio.FileData"}}
    if kind == "gallery":
        return [{"image": file, "caption": None}]
    if kind == "imageeditor":
        return {"background": file, "layers": [file], "composite": file}
    if kind == "file":
        return [file]
    if kind in FILES:
        return file
    if kind in ("slider", "number"):
        return 1
    if kind in ("checkbox", "state", "browserstate", "timer"):
        return None
    said = {
        "path": path,
        "name": "x.png",
        "text": "",
        "key": path,
        "root": path,
        "file": path,
        "picture": path,
    }
    return json.dumps(said) if as_json else path


def _answers(client: httpx.Client, number: int, data: list[Any], path: str) -> str:
    """All that a handler says to these values, for as long as the patience lasts."""
    session = f"s{number}{abs(hash(path)) % 10**6}"
    event = {
        "path": path,
        "name": path,
        "key": path,
        "root": path,
        "value": path,
        "index": 0,
        "picture": path,
    }
    asked = {
        "data": data,
        "fn_index": number,
        "session_hash": session,
        "event_data": event,
        "trigger_id": None,
    }
    joined = client.post("/gradio_api/queue/join", json=asked)
    heard = [joined.text]
    if joined.status_code == 200:
        try:
            place, told = "/gradio_api/queue/data", {"session_hash": session}
            with client.stream("GET", place, params=told, timeout=PATIENCE_S) as stream:
                for line in stream.iter_lines():
                    heard.append(line)
                    if "process_completed" in line or "close_stream" in line or "unexpected_error" in line:
                        break
        except httpx.ReadTimeout:
            pass
    return "\n".join(heard)


def _asked(home: Home, event: dict[str, Any], kinds: dict[int, str], as_json: bool) -> str:
    """Give a handler the path of a secret wherever it takes anything; says what it answered, having looked at it."""
    secret = home.secrets[int(as_json)]
    data = [_given(kinds[one], str(secret), as_json) for one in event["inputs"]]
    with home.client() as client:
        heard = _answers(client, event["id"], data, str(secret))
        assert MARK not in heard, event["api_name"]
        for place in set(re.findall(r'file=([^"\\\s&<>]+)|"path": ?"([^"]+)"', heard)):
            for name in filter(None, place):
                got = client.get(f"/gradio_api/file={name}")
                assert not (got.status_code == 200 and is_secret(got.content)), (event["api_name"], name)
    return heard


def test_no_handler_gives_a_foreign_file(home: Home) -> None:
    """Every handler of the page, public or not."""
    with home.client() as client:
        config = client.get("/config").json()
    kinds = {one["id"]: one["type"] for one in config["components"]}
    events = [event for event in config["dependencies"] if event["inputs"] or event["backend_fn"]]
    assert len(events) > 40
    with ThreadPoolExecutor(4) as several:
        tasks = [several.submit(_asked, home, event, kinds, way) for event in events for way in (False, True)]
        heard = [task.result() for task in tasks]
    assert sum("process_completed" in one for one in heard) > 40
    with home.client() as client:  # nor has any let a secret in since
        assert [client.get(f"/gradio_api/file={path}").status_code for path in home.secrets] == [403] * 4


def test_uploads_stay_in_their_folder(home: Home) -> None:
    with home.client() as client:
        for name in (
            "../../evil.txt",
            "/etc/evil.txt",
            "..\\..\\evil.txt",
            "a/../../evil.txt",
            "evil.txt\0.png",
            "CON",
        ):
            answer = client.post("/gradio_api/upload", files={"files": (name, b"evil")})
            if answer.status_code == 200:
                (path,) = answer.json()
                assert Path(path).resolve().is_relative_to(home.uploads)
    assert not [path for path in home.data.parent.rglob("*evil*") if "cache" not in path.parts]


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "SELF"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://localhost:3000"}, False),
        ({"Host": "evil.example"}, False),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, False),
    ],
    ids=str,
)
def test_foreign_web_pages_are_turned_away(home: Home, headers: dict[str, str], allowed: bool) -> None:
    sent = {name: home.server.url if value == "SELF" else value for name, value in headers.items()}
    with home.client() as client:
        answers = [
            client.get("/config", headers=sent),
            client.post("/gradio_api/upload", files={"files": ("x.txt", b"x")}, headers=sent),
            client.post(
                "/gradio_api/queue/join", content=b"{}", headers={**sent, "Content-Type": "text/plain"}
            ),
        ]
    for answer in answers:
        assert (answer.status_code == 403) is not allowed
        if not allowed:
            assert "access-control-allow-origin" not in answer.headers


def test_only_this_machine_is_listened_to(home: Home) -> None:
    listening = [
        one for one in psutil.Process(home.server.pid).net_connections("inet") if one.status == "LISTEN"
    ]
    assert listening and {one.laddr.ip for one in listening} == {"127.0.0.1"}


def test_with_a_password_nothing_is_told_without_it(tmp_path: Path, tiny_model: Path) -> None:
    flags = ("--model", str(tiny_model), "--listen", "127.0.0.1", "--gradio-auth", "ann:secret")
    with (
        warm_page(tmp_path, *flags) as server,
        httpx.Client(base_url=server.url, timeout=60.0, trust_env=False) as client,
    ):
        for place in (
            "/config",
            "/gradio_api/info",
            "/gradio_api/openapi.json",
            f"/gradio_api/file={tmp_path / 'data'}",
        ):
            assert client.get(place).status_code == 401, place
        assert client.post("/gradio_api/upload", files={"files": ("x", b"x")}).status_code == 401
        assert (
            client.post(
                "/gradio_api/queue/join", json={"data": [], "fn_index": 0, "session_hash": "x"}
            ).status_code
            == 401
        )
        assert '"dependencies":[]' in client.get("/").text
        assert client.post("/login", data={"username": "ann", "password": "wrong"}).status_code == 400
        assert client.post("/login", data={"username": "ann", "password": "secret"}).status_code == 200
        assert client.get("/config").status_code == 200
