"""The Model Context Protocol over HTTP, as far as tools need it: one answer to each request.

Source: modelcontextprotocol.io/specification/2025-06-18 (basic/transports, basic/lifecycle, server/tools).
"""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from eigenlorax import __version__
from eigenlorax.errors import StudioError
from eigenlorax.http.desk import Desk
from eigenlorax.http.faults import answer, invalid
from eigenlorax.http.mcp.tools import TOOLS

VERSIONS = ("2025-03-26", "2025-06-18", "2025-11-25")
_PARSE, _REQUEST, _METHOD, _PARAMS = -32700, -32600, -32601, -32602
_PURPOSE = (
    "Draws pictures with Stable Diffusion XL in styles that can be blended by strength: list_styles first, "
    "then draw with styles such as {name: 0.8}."
)


class RefusedError(Exception):
    """A request that is none of the protocol's; `code` is JSON-RPC's."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


def mcp_routes(desk: Desk, path: str) -> APIRouter:
    """The one address of the protocol; a stream of the server's own, by GET, is not offered."""
    routes = APIRouter()

    @routes.post(path, include_in_schema=False)
    async def ask(request: Request) -> Response:
        """One message."""
        if (version := request.headers.get("mcp-protocol-version", VERSIONS[0])) not in VERSIONS:
            return answer(400, f"the protocol's version {version[:40]!r} is not known: {', '.join(VERSIONS)}")
        number: Any = None
        try:
            message = _message(await request.body())
            number = message.get("id")
            if number is None or "method" not in message:
                return Response(status_code=202)  # a notice, or an answer to nothing that was asked
            result = await _done(desk, str(message["method"]), message.get("params") or {})
        except RefusedError as refused:
            error = {"code": refused.code, "message": str(refused)}
            return JSONResponse({"jsonrpc": "2.0", "id": number, "error": error})
        return JSONResponse({"jsonrpc": "2.0", "id": number, "result": result})

    return routes


def _message(body: bytes) -> Mapping[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(_PARSE, "the message is no JSON") from error
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise RefusedError(_REQUEST, "the message is no single request of JSON-RPC 2.0")
    return message


async def _done(desk: Desk, method: str, params: Any) -> Mapping[str, Any]:
    if not isinstance(params, dict):
        raise RefusedError(_PARAMS, "params is no object: name the parameters")
    if method == "initialize":
        asked = params.get("protocolVersion")
        return {
            "protocolVersion": asked if asked in VERSIONS else VERSIONS[-1],
            "capabilities": {"tools": {"listChanged": False}},
            "serverInfo": {"name": "eigenlorax-studio", "version": __version__},
            "instructions": _PURPOSE,
        }
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": [tool.told() for tool in TOOLS.values()]}
    if method == "tools/call":
        return await _called(desk, params)
    raise RefusedError(_METHOD, f"there is no method {method[:60]!r} here")


async def _called(desk: Desk, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a tool says; what goes wrong in it is told to the model, so that it can do better."""
    tool = TOOLS.get(str(params.get("name")))
    if tool is None:
        raise RefusedError(_PARAMS, f"there is no such tool: choose from {', '.join(TOOLS)}")
    try:
        content = await tool.call(desk, params.get("arguments") or {})
    except ValidationError as error:
        return _wrong(invalid(error.errors()))
    except StudioError as error:
        return _wrong(" ".join(str(error).split()))
    return {"content": list(content), "isError": False}


def _wrong(words: str) -> Mapping[str, Any]:
    return {"content": [{"type": "text", "text": words}], "isError": True}
