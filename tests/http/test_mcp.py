"""The tools for language models, asked through the protocol's own client and message by message."""

import asyncio
import base64
import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import mcp
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from eigenlorax.http.mcp.tools import TOOLS
from tests.http.serving import served

SMALL = {"prompt": "a cat", "width": 64, "height": 64, "steps": 1, "seed": 7}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def port(app: FastAPI) -> Iterator[int]:
    with served(app) as found:
        yield found


def say(client: TestClient, method: str, params: Any = None, **more: Any) -> Any:
    message = {"jsonrpc": "2.0", "id": 5, "method": method, "params": params, **more}
    answer = client.post("/mcp", json=message, headers=ACCEPT)
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == 5
    return answer.json()


def call(client: TestClient, tool: str, /, **arguments: Any) -> tuple[bool, str]:
    found = say(client, "tools/call", {"name": tool, "arguments": arguments})["result"]
    return found["isError"], found["content"][0]["text"]


def test_the_protocols_own_client_draws(port: int) -> None:
    async def journey() -> tuple[Any, Any, Any]:
        async with mcp.Client(f"http://127.0.0.1:{port}/mcp") as client:
            tools = await client.list_tools()
            drawn = await client.call_tool("draw", {**SMALL, "styles": {"neon": 0.8}})
            refused = await client.call_tool("draw", {**SMALL, "styles": {"nein": 1}})
            return tools, drawn, refused

    tools, drawn, refused = asyncio.run(journey())
    assert {tool.name for tool in tools.tools} == set(TOOLS)
    picture, words = drawn.content
    image = Image.open(BytesIO(base64.b64decode(picture.data)))
    assert (image.size, picture.mime_type) == ((64, 64), "image/png")
    assert "<lora:neon:0.8>" in words.text
    assert refused.is_error
    assert "no style named nein" in refused.content[0].text


def test_the_handshake_agrees_on_a_version_that_both_know(client: TestClient) -> None:
    for asked, agreed in (("2025-06-18", "2025-06-18"), ("1999-01-01", "2025-11-25")):
        found = say(client, "initialize", {"protocolVersion": asked, "capabilities": {}})["result"]
        assert found["protocolVersion"] == agreed
        assert found["serverInfo"]["name"] == "eigenlorax-studio"
    assert (
        client.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}).status_code == 202
    )
    assert say(client, "ping")["result"] == {}
    assert client.post("/mcp", json={}, headers={"MCP-Protocol-Version": "1999-01-01"}).status_code == 400
    assert client.get("/mcp").status_code == 405


def test_every_tool_says_what_it_takes(client: TestClient) -> None:
    for tool in say(client, "tools/list")["result"]["tools"]:
        assert tool["description"].endswith(".")
        assert tool["inputSchema"]["type"] == "object"
        assert tool["inputSchema"]["additionalProperties"] is False


def test_styles_blend_and_the_state_of_things(client: TestClient) -> None:
    _, styles = call(client, "list_styles")
    assert [line.split(":")[0] for line in styles.splitlines()] == ["chalk", "neon"]
    wrong, blend = call(client, "blend", styles={"neon": 0.5, "chalk": 0.5})
    assert not wrong
    assert set(json.loads(blend)["shares"]) == {"neon", "chalk"}
    assert json.loads(call(client, "combine", name="both")[1])["name"] == "both"
    assert call(client, "compress_status")[1].startswith("3 styles for model in ")
    image = client.post("/api/v1/pictures", json={**SMALL, "styles": {"both": 1}}).json()["pictures"][0][
        "image"
    ]
    assert json.loads(call(client, "recall", image=image)[1])["styles"] == {"both": 1.0}


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("blend", {"styles": {"neon": "much"}}, "styles.neon: input should be a valid number"),
        ("blend", {}, "styles: field required"),
        ("draw", {"prompt": "x", "wings": 2}, "wings: extra inputs are not permitted"),
        ("recall", {"image": base64.b64encode(b"GIF89a").decode()}, "image carries no settings"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_call_is_told_to_the_model(
    client: TestClient, name: str, arguments: Any, words: str
) -> None:
    wrong, told = call(client, name, **arguments)
    assert wrong
    assert words in told


def test_messages_that_are_none(client: TestClient) -> None:
    def code(content: str) -> int:
        answer = client.post("/mcp", content=content, headers=ACCEPT)
        return int(answer.json()["error"]["code"])

    assert code("{") == -32700
    assert code("[]") == code('{"id": 1, "method": "ping"}') == -32600
    assert say(client, "resources/list")["error"]["code"] == -32601
    assert say(client, "tools/call", {"name": "format_disk"})["error"]["code"] == -32602
    assert say(client, "ping", [1])["error"]["code"] == -32602
