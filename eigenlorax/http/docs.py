"""The interface's own page: what there is, as the OpenAPI document says; nothing is fetched."""

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.responses import HTMLResponse

DOCS, OPENAPI = "/api/v1/docs", "/api/v1/openapi.json"
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; }
summary { cursor: pointer; padding: .35rem 0; }
summary b { display: inline-block; min-width: 4.5rem; font: 600 .85rem ui-monospace, monospace; }
summary span { opacity: .8; margin-left: .75rem; }
details p { margin: .25rem 0 .75rem 1.2rem; }
table { border-collapse: collapse; margin: .25rem 0 1rem 1.2rem; font-size: .9rem; }
caption { text-align: left; font-weight: 600; padding: .35rem 0; }
th, td { text-align: left; vertical-align: top; padding: .15rem .9rem .15rem 0; font-weight: 400; }
th { font-family: ui-monospace, monospace; }
@media (max-width: 40rem) {
  summary span { display: block; margin: .1rem 0 0 1.2rem; }
  th, td { display: block; padding: 0 0 .1rem; }
  td + td { opacity: .8; }
  tr + tr th { padding-top: .6rem; }
}
"""


def docs_routes(app: FastAPI) -> APIRouter:
    """The page of an app."""
    routes = APIRouter()

    @routes.get(DOCS, include_in_schema=False)
    def docs() -> HTMLResponse:
        """The page."""
        return HTMLResponse(docs_page(app.openapi()))

    return routes


def docs_page(document: Mapping[str, Any]) -> str:
    """An OpenAPI document as one page of HTML.

    Args:
        document: As FastAPI makes it.
    """
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            groups.setdefault(route["tags"][0], []).append(_route(document, method, path, route))
    body = "".join(f"<h2>{escape(name)}</h2>{''.join(routes)}" for name, routes in groups.items())
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: API</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{title}: API</h1><p>{escape(document['info'].get('description', ''))} "
        f'For programs: <a href="{OPENAPI}">openapi.json</a>.</p>{body}</body></html>'
    )


def _route(document: Mapping[str, Any], method: str, path: str, route: Mapping[str, Any]) -> str:
    first, *rest = route.get("description", "").split("\n\n")
    fields = "".join(
        _table(caption, rows)
        for caption, rows in (
            (
                "In the address",
                [_row(one["name"], one["schema"], one) for one in route.get("parameters", ())],
            ),
            ("Sent, as JSON", list(_rows(document, _content(route.get("requestBody"))))),
            ("Answered, as JSON", list(_rows(document, _content(_success(route["responses"]))))),
        )
        if rows
    )
    head = f"<b>{method.upper()}</b><code>{escape(path)}</code><span>{_words(first)}</span>"
    more = "".join(f"<p>{_words(words)}</p>" for words in rest)
    return f"<details><summary>{head}</summary>{more}{fields}</details>"


def _success(responses: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((told for code, told in responses.items() if code.startswith("2")), None)


def _content(part: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return (part or {}).get("content", {}).get("application/json", {}).get("schema", {})


def _rows(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """The fields of what a schema names: of an object, or of each one in a list."""
    schema = schema.get("items", schema)
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, field in schema.get("properties", {}).items():
        yield _row(name, field, field)


def _row(name: str, schema: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    default = schema.get("default")
    usual = f", usually {json.dumps(default)}" if default not in (None, "", [], {}) else ""
    words = _words(told.get("description", ""))
    kind = escape(f"{_kind(schema)}{usual}")
    return f'<tr><th scope="row">{escape(name)}</th><td>{kind}</td><td>{words}</td></tr>'


def _words(plain: str) -> str:
    """Words as HTML; what stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(plain))


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    kind = str(schema.get("type", "anything"))
    return f"{kind} of {_kind(schema['items'])}" if "items" in schema else kind


def _table(caption: str, rows: list[str]) -> str:
    return f"<table><caption>{caption}</caption>{''.join(rows)}</table>"
