"""Who gets in: names of hosts, foreign web pages, secrets, and bodies without end."""

import base64

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from eigenlorax.errors import InvalidRequestError
from eigenlorax.http.access import MOST_BYTES, Access, guards
from eigenlorax.http.app import http_app
from eigenlorax.http.beside import Beside
from eigenlorax.http.faults import answer
from eigenlorax.jobs.server import JobServer
from eigenlorax.studio import Studio

LOCAL, LAN, FRONT = "http://127.0.0.1:7860", "http://192.168.1.5:7860", "http://localhost:3000"
BASIC = f"Basic {base64.b64encode(b'ann:se:cret').decode()}"


def client(access: Access, base: str = LOCAL) -> TestClient:
    app = FastAPI(middleware=guards(access))

    @app.post("/ask")
    def ask() -> str:
        return "in"

    return TestClient(app, base_url=base)


def status(access: Access, base: str = LOCAL, **headers: str) -> int:
    return (
        client(access, base)
        .post("/ask", headers={k.replace("_", "-"): v for k, v in headers.items()})
        .status_code
    )


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:7860", 200), ("localhost", 200), ("LOCALHOST:1", 200), ("[::1]:7860", 200),
        ("evil.example:7860", 403), ("127.0.0.1.evil.example", 403), ("192.168.1.5:7860", 403),
        ("", 403), ("[::1", 403), ("localhost@evil.example", 403),
    ],
)  # fmt: skip
def test_on_this_machine_only_its_own_names_are_answered_to(host: str, expected: int) -> None:
    assert status(Access(), host=host) == expected


@pytest.mark.parametrize(
    ("access", "base", "origin", "expected"),
    [
        (Access(), LOCAL, LOCAL, 200),
        (Access(), LOCAL, "http://evil.example", 403),
        (Access(), LOCAL, "null", 403),
        (Access(), LOCAL, FRONT, 403),
        (Access(), LOCAL, f"{LOCAL}1", 403),
        (Access(origins=(FRONT,)), LOCAL, FRONT, 200),
        (Access(origins=(FRONT,)), LOCAL, "http://localhost:3001", 403),
        (Access(token="t", local=False), LAN, "http://evil.example", 403),
        (Access(token="t", local=False), LAN, LAN, 200),
        (Access(token="t", origins=("*",)), LOCAL, "http://any.example", 200),
    ],
)  # fmt: skip
def test_foreign_web_pages_stay_outside(access: Access, base: str, origin: str, expected: int) -> None:
    assert status(access, base, origin=origin, authorization="Bearer t") == expected


def test_a_welcome_page_is_told_so_before_it_asks_and_others_are_not() -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    inside = client(Access(token="t", origins=(FRONT,)))
    welcome = inside.options("/ask", headers={"Origin": FRONT, **asked})
    assert welcome.status_code == 200
    assert welcome.headers["access-control-allow-origin"] == FRONT
    refused = inside.options("/ask", headers={"Origin": "http://evil.example", **asked})
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers
    unlocked = inside.post("/ask", headers={"Origin": FRONT})
    assert unlocked.status_code == 401
    assert unlocked.headers["access-control-allow-origin"] == FRONT  # so that the page can read why


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Bearer secret", 200), ("bearer secret", 200), ("Bearer secret2", 401), ("Bearer ", 401),
        (BASIC, 200), ("Basic !!!", 401), ("Basic", 401), ("Digest x", 401), ("", 401),
        (f"Basic {base64.b64encode(b'ann:').decode()}", 401), (f"Basic {base64.b64encode(b'bob:pw').decode()}", 200),
    ],
)  # fmt: skip
def test_a_secret_opens(given: str, expected: int) -> None:
    access = Access(token="secret", users={"ann": "se:cret", "bob": "pw"})
    assert status(access, authorization=given) == expected


def test_without_a_token_bearer_opens_nothing() -> None:
    assert status(Access(users={"a": "b"}), authorization="Bearer ") == 401


def test_who_is_kept_out_is_told_how_to_come_in() -> None:
    for access, scheme in ((Access(token="t"), "Bearer"), (Access(users={"a": "b"}), "Basic realm=")):
        answer = client(access).post("/ask")
        assert answer.headers["www-authenticate"].startswith(scheme)
        assert "send Authorization: Bearer TOKEN" in answer.json()["detail"]


def test_bodies_have_an_end() -> None:
    asked = client(Access())
    assert asked.post("/ask", headers={"Content-Length": str(MOST_BYTES + 1)}).status_code == 413
    assert asked.post("/ask", headers={"Content-Length": "-1"}).status_code == 413
    assert asked.post("/ask", content=iter([b"a", b"b"])).status_code == 411


@pytest.mark.parametrize(
    "access", [Access(local=False), Access(origins=("*",))], ids=["to the network", "to any web page"]
)
def test_nothing_is_open_to_anybody(access: Access, styled_studio: Studio, jobs: JobServer) -> None:
    with pytest.raises(InvalidRequestError, match="--api-token"):
        http_app(styled_studio, jobs, access)


@pytest.mark.parametrize(
    ("path", "words"),
    [("/api", "ours"), ("/api/x", "ours"), ("/apis", "page"), ("/", "page"), ("/gradio_api/api", "page")],
)
def test_each_path_goes_to_its_app(path: str, words: str) -> None:
    beside = Beside(answer(200, "ours"), ["/api"], answer(200, "page"))
    assert TestClient(beside).get(path).json()["detail"] == words
