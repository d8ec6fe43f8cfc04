"""The tab of everything that was drawn: one HTML component, which asks for what it shows as it scrolls."""

import json
from collections.abc import Callable
from html import escape
from typing import Any

import gradio as gr

from eigenlorax.errors import StudioError
from eigenlorax.outputs.outputs import Outputs, styles_in
from eigenlorax.outputs.trash import Trash
from ui import gallery_text as words
from ui.gallery_view import large, tile
from ui.panel import panel, read_asset

_AT_ONCE = 60
"""The most small pictures that one request makes."""
_WORDS = {name.lower(): value for name, value in vars(words).items() if isinstance(value, str)}


def gallery_tab(outputs: Outputs, trash: Trash) -> gr.HTML:
    """The gallery; `ui.gallery` connects what it triggers: again, send, start, teach.

    Its value is the key of the picture that an action is about.
    """
    template = read_asset("gallery.html").replace("{words}", escape(json.dumps(_WORDS)))
    for name, value in _WORDS.items():
        template = template.replace(f"{{{name}}}", escape(value))
    return panel(
        "",
        script=("gallery-grid.js", "gallery-view.js", "gallery.js"),
        html_template=template,
        server_functions=_server(outputs, trash),
        label=words.GALLERY,
        elem_id="gallery",
        stamp="",
    )


def _server(outputs: Outputs, trash: Trash) -> list[Callable[[Any], dict[str, Any]]]:
    """What the page may ask for; each takes and gives one JSON object."""

    def listing(given: Any) -> dict[str, Any]:
        asked = given if isinstance(given, dict) else {}
        found = outputs.pictures(str(asked.get("search") or ""), str(asked.get("style") or ""))
        styles = styles_in(outputs.pictures())
        return {
            "keys": [one.key for one in found],
            "styles": [[name, count] for name, count in styles.items()],
            "stamp": outputs.stamp(),
            "trash": in_trash(trash),
        }

    def tiles(given: Any) -> dict[str, Any]:
        return {"tiles": [tile(outputs, key) for key in _keys(given)[:_AT_ONCE]]}

    def large_one(given: Any) -> dict[str, Any]:
        return _answer(lambda: [large(outputs, key) for key in _keys(given)[:2]])

    def discard(given: Any) -> dict[str, Any]:
        return _answer(lambda: trash.discard(_keys(given)))

    def undo(_given: Any) -> dict[str, Any]:
        return _answer(trash.undo)

    def empty(given: Any) -> dict[str, Any]:
        return _answer(lambda: trash.empty(given if isinstance(given, str) else ""))

    def stamp_now(_given: Any) -> dict[str, Any]:
        return {"stamp": outputs.stamp()}

    return [listing, tiles, large_one, discard, undo, empty, stamp_now]


def in_trash(trash: Trash) -> dict[str, str]:
    """What the trash holds, in words, and what names it; both empty where it holds nothing."""
    held = trash.held()
    told = words.held(held.pictures, held.bytes) if held.pictures else ""
    return {"told": told, "last": held.last if told else ""}


def _keys(given: Any) -> list[str]:
    return [key for key in given if isinstance(key, str)] if isinstance(given, list) else []


def _answer(act: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"found": act()}
    except StudioError as error:
        line = " ".join(str(error).split())
        return {"error": line[:1].upper() + line[1:]}
