"""The library as a person keeps it: a folder used in place, five hundred LoRAs, stars, tags and a search."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.a_webui import a_webui
from tests.browser.serving import Server, await_styles, go

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def webui(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_webui(tmp_path_factory.mktemp("a1111") / "webui")


def card(page: Page, name: str) -> Locator:
    return page.locator(f'#library .lib-card[data-name="{name}"]')


def search(page: Page, words: str) -> None:
    page.get_by_label("Search LoRAs", exact=True).fill(words)


def until(page: Page, true: Callable[[], bool]) -> None:
    """Wait for what the page says only for a moment."""
    for _ in range(200):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError("not within 10 seconds")


def test_a_folder_in_place_is_searched_starred_and_tagged(page: Page, webui: Path, server: Server) -> None:
    notes = server.log.parent / "data" / "notes.json"
    go(page, "Library")
    page.get_by_label("Folder or file path", exact=True).fill(str(webui))
    page.get_by_role("button", name="Use in place").click()
    expect(page.locator("#results")).to_contain_text("500 found", timeout=60_000)
    expect(page.locator("#results")).to_contain_text("1 broken")
    expect(page.locator("#places")).to_contain_text("A1111 · 500 LoRAs")
    drawn = page.locator("#library .lib-card").count()
    assert 0 < drawn < 80  # only what is in sight

    page.get_by_role("button", name="Problems").click()
    expect(page.locator("#library .lib-card")).to_have_count(2)
    card(page, "broken").locator(".lib-open").click()
    expect(page.get_by_role("complementary")).to_contain_text("not a safetensors file")
    card(page, "painter for sd15").locator(".lib-open").click()
    expect(page.get_by_role("complementary")).to_contain_text("SD1.x")
    page.get_by_role("button", name="Close details").click()
    page.locator('.lib-chip[data-filter="all"]').click()

    search(page, "glow 101")
    expect(page.locator("#library .lib-card")).to_have_count(1)
    card(page, "look 101").get_by_label("Favourite: look 101").click()
    card(page, "look 101").locator(".lib-open").click()
    drawer = page.get_by_role("complementary")
    expect(drawer.get_by_label("Preferred strength")).to_have_value("0.7")
    expect(drawer.get_by_role("button", name="Add look 101")).to_be_visible()  # what its header says
    expect(drawer).to_contain_text("Look 101")
    drawer.get_by_label("Tags", exact=True).fill("night, city")
    drawer.get_by_label("Tags", exact=True).press("Tab")
    until(page, lambda: "city" in notes.read_text(encoding="utf-8"))
    drawer.get_by_role("radio", name="4 of 5 stars").click()
    drawer.get_by_role("button", name="Choose for compressing").click()
    expect(page.locator("#which")).to_contain_text("look 101")
    page.wait_for_timeout(500)
    expect(page.locator("#estimate")).not_to_contain_text("…", timeout=60_000)  # a reload would cut it short

    page.reload()
    await_styles(page)
    go(page, "Library")
    search(page, "CITY night")  # any order, any case
    expect(page.locator("#library .lib-card")).to_have_count(1)
    expect(card(page, "look 101").get_by_label("Favourite: look 101")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.locator('.lib-chip[data-filter="favourites"]').click()
    expect(page.locator("#library .lib-card")).to_have_count(1)
    search(page, "nothing is called so")
    page.get_by_role("button", name="Clear search and filters").click()
    card(page, "anaglyph").locator(".lib-open").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "broken"
    assert not [path for path in webui.rglob("*") if path.name.startswith(".")]
