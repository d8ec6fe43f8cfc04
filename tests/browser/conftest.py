"""The real page in a real browser: one server for all journeys, a fresh browser window for each."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Response, expect

from eigenlorax.events import drain
from eigenlorax.home import DEMO_MODEL
from eigenlorax.studio import Studio
from tests.browser.serving import Server, await_styles, chromium, warm_page
from tests.conftest import CPU

#: On a machine that does other things too, a picture takes its time; only a failure waits this long.
expect.set_options(timeout=30_000)


@dataclass
class Watch:
    """What went wrong in a browser window: script errors, failed requests, requests to elsewhere."""

    url: str
    troubles: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.troubles.append(f"script error: {error}"))
        page.on("console", self._said)
        page.on("request", lambda request: self._asked(request.url))
        page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.troubles.append(f"console: {message.text}")

    def _asked(self, address: str) -> None:
        if not address.startswith((self.url, "data:", "blob:")):
            self.troubles.append(f"a request to elsewhere: {address}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.troubles.append(f"{response.status}: {response.url}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; without one, a skip with a reason (a failure in CI)."""
    try:
        with chromium() as found:
            yield found
    except Error as error:
        reason = "no browser: install chromium or run `playwright install chromium`"
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up(f"{reason} ({error.message.splitlines()[0]})")


@pytest.fixture(scope="session")
def compressed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two demo LoRAs as styles: less to compress than all of them."""
    root = tmp_path_factory.mktemp("compressed") / "data"
    drain(Studio(str(DEMO_MODEL), root, CPU).subspaces.compress(["clay", "comic"]))
    return root


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[Server]:
    """The page on the demo model; it must never print a traceback.

    Its data folder is empty, or has two styles where the module says `STYLED = True`.
    """
    folder = tmp_path_factory.mktemp("page")
    if getattr(request.module, "STYLED", False):
        shutil.copytree(request.getfixturevalue("compressed"), folder / "data")
    with warm_page(folder) as server:
        yield server
        assert "Traceback" not in server.log.read_text(encoding="utf-8")


@contextmanager
def watched(browser: Browser, server: Server) -> Iterator[BrowserContext]:
    """A browser window with empty storage; it ends with an error if anything went wrong in it."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    watch = Watch(server.url)
    context.on("page", watch.over)
    yield context
    context.close()
    assert watch.troubles == []


@pytest.fixture
def window(browser: Browser, server: Server) -> Iterator[BrowserContext]:
    with watched(browser, server) as context:
        yield context


@pytest.fixture
def page(window: BrowserContext, server: Server) -> Page:
    """The page, loaded."""
    return opened(window, server)


@pytest.fixture(scope="module")
def kept_page(browser: Browser, server: Server) -> Iterator[Page]:
    """The page, loaded once for the whole module: each test goes on where the one before has left it."""
    with watched(browser, server) as context:
        yield opened(context, server)


def opened(context: BrowserContext, server: Server) -> Page:
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(server.url)
    await_styles(page)
    return page
