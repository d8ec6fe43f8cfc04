"""The interfaces beside the page: closed unless asked for, and each only at its own paths."""

from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

from eigenlorax.http.faults import answer
from eigenlorax.jobs.opening import open_jobs
from eigenlorax.studio import Studio
from ui.api import open_api
from ui.flags import parse_flags

PAGE = answer(200, "the page")


@pytest.mark.parametrize(
    ("arguments", "addresses", "ours"),
    [
        ([], {}, set()),
        (["--api"], {"api": "/api/v1/docs"}, {"/api/v1/styles", "/sdapi/v1/loras"}),
        (["--mcp"], {"mcp": "/mcp"}, {"/mcp"}),
        (["--api", "--mcp"], {"api": "/api/v1/docs", "mcp": "/mcp"}, {"/api/v1/styles", "/sdapi/v1/loras", "/mcp"}),
    ],
    ids=["neither", "api", "mcp", "both"],
)  # fmt: skip
def test_what_is_not_asked_for_stays_closed(
    styled_studio: Studio, arguments: list[str], addresses: dict[str, str], ours: set[str]
) -> None:
    page: Any = SimpleNamespace(app=SimpleNamespace(middleware_stack=PAGE))
    with open_jobs(styled_studio) as jobs:
        assert open_api(page, styled_studio, jobs, parse_flags(arguments)) == addresses
        client = TestClient(page.app.middleware_stack, base_url="http://127.0.0.1:7860")
        for path in ("/api/v1/styles", "/sdapi/v1/loras", "/mcp", "/"):
            assert (client.get(path).content != PAGE.body) == (path in ours)
    if "api" in addresses:
        assert client.get(addresses["api"]).status_code == 200


def test_a_secret_of_the_flags_is_asked_for(styled_studio: Studio) -> None:
    page: Any = SimpleNamespace(app=SimpleNamespace(middleware_stack=PAGE))
    with open_jobs(styled_studio) as jobs:
        open_api(page, styled_studio, jobs, parse_flags(["--api", "--api-token", "secret"]))
    client = TestClient(page.app.middleware_stack, base_url="http://127.0.0.1:7860")
    assert client.get("/sdapi/v1/options").status_code == 401
    inside = {"Authorization": "Bearer secret"}
    assert client.get("/sdapi/v1/options", headers=inside).status_code == 200
