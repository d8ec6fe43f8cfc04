"""The HTTP interfaces, beside the page."""

import gradio as gr

from eigenlorax.http.access import Access
from eigenlorax.http.app import Door, http_app
from eigenlorax.http.beside import Beside
from eigenlorax.jobs.server import JobServer
from eigenlorax.studio import Studio
from ui.flags import LOOPBACK, Flags


def open_api(page: gr.Blocks, studio: Studio, jobs: JobServer, flags: Flags) -> dict[str, str]:
    """Let the page's server answer programs too, where that is asked for.

    Args:
        page: Launched.
        studio: What it drives.
        jobs: Its queue.
        flags: Which interfaces are open, and to whom.

    Returns:
        What is open -> its path.
    """
    asked = {Door.API: flags.api, Door.MCP: flags.mcp}
    doors = [door for door, is_open in asked.items() if is_open]
    if not doors:
        return {}
    local = flags.host == LOOPBACK and not flags.share
    access = Access(local, flags.api_token, flags.api_users, flags.origins)
    app = http_app(studio, jobs, access, doors)
    # Before all that Gradio does: its own rules for foreign web pages let any of them in where the page is
    # not on localhost, and its login would stand before our secrets.
    places = [place for door in doors for place in door.places]
    page.app.middleware_stack = Beside(app, places, page.app.middleware_stack)
    return {door.value: door.address for door in doors}
