"""The real page in a real browser: one server for all journeys, a fresh browser window for each."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Response, expect

from tests.browser.serving import Server, await_styles, chromium, running_page


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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Server]:
    """The page on the demo model with an empty data folder; it must never print a traceback."""
    with running_page(tmp_path_factory.mktemp("page")) as server:
        yield server
        assert "Traceback" not in server.log.read_text(encoding="utf-8")


@pytest.fixture
def window(browser: Browser, server: Server) -> Iterator[BrowserContext]:
    """A browser window with empty storage; anything that went wrong in it fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    watch = Watch(server.url)
    context.on("page", watch.over)
    yield context
    context.close()
    assert watch.troubles == []


@pytest.fixture
def page(window: BrowserContext, server: Server) -> Page:
    """The page, loaded."""
    page = window.new_page()
    page.set_default_timeout(30_000)
    page.goto(server.url)
    await_styles(page)
    return page


@pytest.fixture
def styled(page: Page) -> Page:
    """The page with the first two demo LoRAs in its rack: less to compress than all of them."""
    if page.get_by_role("button", name="Compress them now").is_visible():
        page.get_by_role("tab", name="Library", exact=True).click()
        for name in ("clay", "comic"):
            page.get_by_label("LoRAs to compress", exact=True).fill(name)
            page.get_by_label("LoRAs to compress", exact=True).press("Enter")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Compress", exact=True).click()
        expect(page.locator("#job")).to_contain_text("compressed in", timeout=60_000)
        page.get_by_role("tab", name="Generate", exact=True).click()
    await_styles(page)
    return page
