"""The journey from pictures to a style: what cannot be used, a reload on the way, the rack, the card."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from eigenlorax.library.style_card import read_card
from tests.browser.serving import await_styles, go
from tests.browser.steps import drop

pytestmark = pytest.mark.browser
STYLED = True


def number(page: Page, label: str, value: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(value)
    field.press("Tab")


def test_pictures_become_a_style_in_spite_of_a_reload_and_it_goes_out_as_a_card(
    page: Page, tmp_path: Path
) -> None:
    rows = page.locator("#captions li")
    status, told = page.locator("#train-status"), page.locator("#train-told")
    go(page, "Train")
    expect(page.get_by_role("heading", name="Teach a style of your own")).to_be_visible()
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"I am no picture")
    drop(page, bad, zone="#train-drop")
    expect(page.locator("#train-files li")).to_contain_text("bad.png is not a picture that can be read")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(told).to_contain_text("There is no picture to learn from")

    page.get_by_role("button", name="Try it with example pictures").click()
    expect(rows).to_have_count(8)
    for _ in range(4):
        rows.last.get_by_role("button").click()
    caption = page.get_by_label("Caption of 02-battery.webp")
    caption.fill("a green battery")
    caption.press("Tab")
    page.get_by_role("button", name="Advanced settings").click()
    number(page, "Steps at most", "10")
    number(page, "Steps between measurements", "5")
    number(page, "Steps between samples", "5")
    page.get_by_label("Sample prompts").fill("a red apple")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(status).to_contain_text("Streamline is learning", timeout=20_000)
    expect(told).to_be_empty()

    page.reload()
    await_styles(page)
    go(page, "Train")
    expect(status).to_contain_text("Streamline")
    expect(caption).to_have_value("a green battery")
    expect(rows).to_have_count(4)
    expect(page.locator("#train-words")).to_contain_text("Streamline is in the rack", timeout=60_000)
    expect(page.locator("#train-curve circle.best")).to_have_count(1)
    expect(page.locator("#train-film img").first).to_have_attribute("alt", "a red apple, step 10")
    expect(page.locator("#train-acts")).to_be_hidden()

    page.get_by_role("button", name="Style card").click()
    link = page.get_by_role("link", name="Download the card")
    expect(link).to_be_visible(timeout=30_000)
    with page.expect_download() as download:
        link.click()
    download.value.save_as(tmp_path / "card.png")
    assert read_card(tmp_path / "card.png").facts.name == "Streamline"
    page.get_by_role("button", name="Open in Generate").click()
    expect(page.get_by_role("switch", name="Streamline on", exact=True)).to_be_checked()
    expect(page.locator(".rack-summary")).to_contain_text("1 of 3 on")
