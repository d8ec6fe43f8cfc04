"""Long work outlives the page that asked for it: a reload, a second tab, Cancel, and a crash."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Watch
from tests.browser.serving import Server, await_styles, go, warm_page

pytestmark = pytest.mark.browser
_PATIENCE_MS = 120_000
_CUT_SHORT = (
    "AbortError: signal is aborted", "Connection errored out", "ERR_INCOMPLETE_CHUNKED_ENCODING",
    "Unexpected error 404: Not Found",
)  # fmt: skip


@contextmanager
def window(browser: Browser, server: Server) -> Iterator[BrowserContext]:
    """A browser window in which nothing may go wrong."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(_PATIENCE_MS)
    watch = Watch(server.url)
    context.on("page", watch.over)
    yield context
    context.close()
    # A reload cuts streams short, which Gradio itself remarks upon.
    troubles = [one for one in watch.troubles if not any(cut in one for cut in _CUT_SHORT)]
    assert not troubles, "\n".join(troubles)


def opened(context: BrowserContext, server: Server) -> Page:
    page = context.new_page()
    page.goto(server.url)
    await_styles(page)
    return page


def shown(page: Page, selector: str, words: str) -> None:
    expect(page.locator(selector)).to_contain_text(words, timeout=_PATIENCE_MS)


def draw(page: Page, prompt: str, steps: int) -> None:
    page.get_by_label("Prompt", exact=True).fill(prompt)
    page.get_by_label("number input for Steps").fill(str(steps))
    page.get_by_label("number input for Steps").press("Tab")
    page.get_by_role("button", name="Generate", exact=True).click()


def compress_and_reload(page: Page) -> None:
    """A reload in the middle of a compression."""
    go(page, "Library")
    for name in ("clay", "comic"):
        page.get_by_label("LoRAs to compress", exact=True).fill(name)
        page.get_by_label("LoRAs to compress", exact=True).press("Enter")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Compress", exact=True).click()
    shown(page, "#job", "of")
    page.reload()
    go(page, "Library")
    shown(page, "#job", "2 LoRAs compressed in")
    go(page, "Generate")
    expect(page.locator("#rack .style")).to_have_count(2, timeout=_PATIENCE_MS)


def draw_and_reload(page: Page, second: Page) -> None:
    """A reload in the middle of a picture, while another tab looks on."""
    draw(page, "a red apple", 40)
    shown(second, ".queue-name", "a red apple")
    shown(page, "#status", "Step ")
    page.reload()
    shown(page, "#status", "Step ")
    for tab in (page, second):
        shown(tab, "#status", "40 steps in")
        expect(tab.locator("#picture img")).to_have_count(1)
    sources = [tab.locator("#picture img").get_attribute("src") for tab in (page, second)]
    assert sources[0] == sources[1]


def cancel_from_the_other_tab(page: Page, second: Page) -> None:
    """Both tabs see that it was cancelled, and the one that waits can be taken away by keyboard."""
    draw(page, "a blue fish", 150)  # it lasts until it is cancelled
    shown(page, "#status", "Step ")
    draw(page, "a green tree", 60)
    opener = second.locator(".queue-open")
    shown(second, ".queue-open", "1 waiting")
    opener.focus()
    opener.press("Enter")
    waits = second.get_by_role("region", name="Waits").get_by_role("button", name="Cancel: a green tree")
    waits.focus()
    waits.press("Enter")
    expect(waits).to_have_count(0)
    second.keyboard.press("Escape")
    expect(second.locator(".queue-list")).to_be_hidden()
    expect(opener).to_be_focused()
    second.locator(".queue-cancel").click()
    shown(page, "#status", "Cancelled")
    shown(second, ".queue-name", "Nothing runs")


def test_nothing_is_lost(browser: Browser, tmp_path: Path) -> None:
    with warm_page(tmp_path) as server:
        with window(browser, server) as context:
            page = opened(context, server)
            compress_and_reload(page)
            second = opened(context, server)
            draw_and_reload(page, second)
            cancel_from_the_other_tab(page, second)
            draw(page, "an old house", 20)
            shown(page, "#status", "Step ")
        os.kill(server.pid, signal.SIGKILL)
    with sqlite3.connect(tmp_path / "data" / "jobs.sqlite") as file:
        (state,) = file.execute("SELECT state FROM jobs WHERE title = 'an old house'").fetchone()
        steps = file.execute("SELECT done, total FROM jobs WHERE title = 'a blue fish'").fetchone()
    file.close()
    assert state == "running"  # nobody was left to say otherwise
    assert steps[0] < steps[1] == 150

    with warm_page(tmp_path) as server, window(browser, server) as context:
        page = opened(context, server)
        shown(page, "#status", "“an old house” was interrupted")
        page.locator(".queue-open").click()
        before = page.get_by_role("region", name="Earlier")
        expect(before.get_by_role("listitem")).to_have_count(5)
        expect(before.get_by_role("listitem").first).to_contain_text("interrupted")
        before.get_by_role("button", name="Again: an old house").click()
        shown(page, "#status", "20 steps in")
        expect(before.get_by_role("listitem").first).to_contain_text("done")
