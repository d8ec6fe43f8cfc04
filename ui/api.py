"""The HTTP interfaces, beside the page."""

import gradio as gr

from eigenlorax.http.access import Access, Gate
from eigenlorax.http.app import Door, http_app
from eigenlorax.http.beside import Beside
from eigenlorax.jobs.server import JobServer
from eigenlorax.studio import Studio
from ui.flags import LOOPBACK, Flags


def access_of(flags: Flags) -> Access:
    """Who may ask this program over HTTP."""
    local = flags.host == LOOPBACK and not flags.share
    return Access(local, flags.api_token, flags.api_users, flags.origins)


def guard_page(page: gr.Blocks, flags: Flags) -> None:
    """Turn foreign web pages away from the page's own addresses, under whatever name they call.

    Gradio only keeps them from reading an answer; what they ask for, such as an upload, it does. A tunnel's
    host names are not known beforehand: there the password, which it cannot be opened without, has to do.

    Args:
        page: Launched.
        flags: Whether it is for this machine alone, and whose web pages are welcome.
    """
    if not flags.share:
        page.app.middleware_stack = Gate(page.app.middleware_stack, access_of(flags), most_bytes=None)


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
    app = http_app(studio, jobs, access_of(flags), doors)
    # Before all that Gradio does: its own rules for foreign web pages let any of them in where the page is
    # not on localhost, and its login would stand before our secrets.
    places = [place for door in doors for place in door.places]
    page.app.middleware_stack = Beside(app, places, page.app.middleware_stack)
    return {door.value: door.address for door in doors}
