"""A running page and a browser to look at it with, for the journeys and for the screenshots."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from app import main
from tests.warm import WARM

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 180
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


class StartError(Exception):
    """The page did not start; its text is what it printed."""


@dataclass(frozen=True)
class Server:
    """A running page.

    Attributes:
        url: Where it is.
        log: What it prints.
        pid: Of its process.
    """

    url: str
    log: Path
    pid: int


@contextmanager
def running_page(folder: Path, language: str = "en") -> Iterator[Server]:
    """`python app.py` on the demo model on a free port, with its data and its log in `folder`.

    Raises:
        StartError: it ended or said nothing for three minutes.
    """
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py", *_arguments(folder), "--language", language],
            cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield Server(_wait_for_url(lambda: process.poll() is None, log), log, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def warm_page(folder: Path, *more: str) -> Iterator[Server]:
    """As `running_page` in English, but forked from a process that has imported everything: seconds sooner.

    Args:
        folder: As there.
        more: Flags to start it with, such as --model.

    Raises:
        StartError: it ended or said nothing for three minutes.
    """
    log = folder / "log.txt"
    log.write_bytes(b"")
    process = WARM.Process(target=_serve, args=(log, [*_arguments(folder), *more]), daemon=True)
    process.start()
    assert process.pid is not None
    try:
        yield Server(_wait_for_url(process.is_alive, log), log, process.pid)
    finally:
        process.terminate()
        process.join(timeout=20)


def _serve(log: Path, arguments: list[str]) -> None:
    with log.open("wb") as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    sys.exit(main(arguments))


def _arguments(folder: Path) -> list[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return ["--port", str(port), "--data-dir", str(folder / "data"), "--no-browser"]


def _wait_for_url(alive: Callable[[], bool], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and alive():
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text(encoding="utf-8")):
            return found.group()
        time.sleep(0.1)
    raise StartError(log.read_text(encoding="utf-8"))


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium from the system, else playwright's own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


def await_styles(page: Page) -> None:
    """Wait until the page has asked the server what there is: before that a reload would cut it short."""
    page.locator(".rack-compress:visible, .rack-list .style").first.wait_for()


def go(page: Page, tab: str) -> None:
    """Open one of the page's tabs."""
    page.get_by_role("tab", name=tab, exact=True).click()
