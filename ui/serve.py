"""Serve the page: loopback unless asked otherwise, offline, with only its own pictures in reach."""

import contextlib
import json
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import gradio as gr

from eigenlorax.jobs.database import pictures_folder
from eigenlorax.jobs.opening import open_jobs
from eigenlorax.outputs.outputs import Outputs
from eigenlorax.studio import Studio
from ui import text
from ui.api import guard_page, open_api
from ui.build import build
from ui.exporting import export_folder
from ui.flags import Flags
from ui.theme import FAVICON, studio_theme
from ui.thumbs import thumbnail_folder

MAX_UPLOAD = "4gb"


def serve(studio: Studio, flags: Flags) -> None:
    """Open the page and block until Ctrl-C.

    Raises:
        As `opened`.
    """
    with opened(studio, flags) as (page, told):
        print(json.dumps(told) if flags.as_json else text.started(**told), flush=True)
        # What Gradio says at the end is not for whoever reads the address.
        with contextlib.suppress(KeyboardInterrupt), contextlib.redirect_stdout(sys.stderr):
            page.block_thread()


@contextlib.contextmanager
def opened(studio: Studio, flags: Flags) -> Iterator[tuple[gr.Blocks, dict[str, str]]]:
    """The page, answering, and the addresses of all that is open, by name.

    Args:
        studio: What the page drives.
        flags: Where to listen and who may come in.

    Raises:
        OSError: the address or the port cannot be used.
    """
    shutil.rmtree(studio.library.root / "cache" / "uploads", ignore_errors=True)
    thumbnail_folder(studio).mkdir(parents=True, exist_ok=True)
    studio.library.outputs.mkdir(parents=True, exist_ok=True)
    export_folder(studio).mkdir(parents=True, exist_ok=True)
    outputs = Outputs(studio.library.root)
    outputs.thumbnails.mkdir(parents=True, exist_ok=True)
    shown = [thumbnail_folder(studio), outputs.folder, outputs.thumbnails, export_folder(studio)]
    gr.set_static_paths([*shown, pictures_folder(studio.library.root)])
    options = _launch_options(flags)
    with open_jobs(studio) as jobs:
        page = build(studio, jobs)
        page.queue(default_concurrency_limit=4)
        try:
            _, url, share_url = page.launch(**options)
        except OSError as error:
            raise OSError(text.no_port(flags.host, flags.port)) from error
        address = share_url or url
        guard_page(page, flags)
        paths = open_api(page, studio, jobs, flags)
        yield page, {"url": address, **{name: f"{address.rstrip('/')}{path}" for name, path in paths.items()}}


def _launch_options(flags: Flags) -> dict[str, Any]:
    return {
        "server_name": flags.host,
        "server_port": flags.port,
        "share": flags.share,
        "auth": flags.auth,
        "inbrowser": flags.open_browser,
        "prevent_thread_lock": True,
        "quiet": True,
        "theme": studio_theme(),
        "favicon_path": FAVICON,
        "footer_links": ["api"],
        "run_history": False,
        "max_file_size": MAX_UPLOAD,
        "enable_monitoring": False,
        "pwa": True,
        "head": f'<script>document.documentElement.lang = "{flags.language}"</script>',
    }
