"""The real page in a real browser: one server for all journeys, a fresh browser window for each."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

ROOT = Path(__file__).parent.parent.parent
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@dataclass
class Server:
    """A running page."""

    url: str
    log: Path


@dataclass
class Watch:
    """What went wrong in a browser window: script errors, failed requests, requests to elsewhere."""

    url: str
    troubles: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.troubles.append(f"script error: {error}"))
        page.on(
            "console", lambda m: self.troubles.append(f"console: {m.text}") if m.type == "error" else None
        )
        page.on("request", lambda request: self._asked(request.url))
        page.on(
            "response",
            lambda answer: (
                self.troubles.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None
            ),
        )

    def _asked(self, address: str) -> None:
        if not address.startswith((self.url, "data:", "blob:")):
            self.troubles.append(f"a request to elsewhere: {address}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium from the system, else playwright's own; without one, a skip with a reason (a failure in CI)."""
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        except Error as error:
            reason = f"no browser: install chromium or run `playwright install chromium` ({error.message.splitlines()[0]})"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Server]:
    """`python app.py` on the demo model, in an empty data folder."""
    folder = tmp_path_factory.mktemp("page")
    log = folder / "log.txt"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "app.py",
        "--port",
        str(port),
        "--data-dir",
        str(folder / "data"),
        "--no-browser",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield Server(_wait_for_url(process, log), log)
        assert "Traceback" not in log.read_text(encoding="utf-8")
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for_url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text(encoding="utf-8")):
            return found.group()
        if process.poll() is not None:
            break
        time.sleep(0.2)
    pytest.fail(f"the page did not start:\n{log.read_text(encoding='utf-8')}")


@pytest.fixture
def window(browser: Browser, server: Server) -> Iterator[BrowserContext]:
    """A browser with empty storage; anything that went wrong in it fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    watch = Watch(server.url)
    context.on("page", watch.over)
    yield context
    context.close()
    assert watch.troubles == []


def await_styles(page: Page) -> None:
    """Wait until the page has asked the server what there is: before that a reload would cut it short."""
    page.locator(".rack-compress:visible, .rack-list .style").first.wait_for()


@pytest.fixture
def page(window: BrowserContext, server: Server) -> Page:
    """The page, loaded."""
    page = window.new_page()
    page.set_default_timeout(30_000)
    page.goto(server.url)
    await_styles(page)
    return page
