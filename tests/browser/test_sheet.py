"""A contact sheet as a person makes it: what changes, how large it will be, the sheet, and what is drawn already."""

import io

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.serving import go
from tests.browser.steps import ask

pytestmark = pytest.mark.browser

STYLED = True


def choose(page: Page, label: str, value: str) -> None:
    """Pick what an axis changes."""
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=value, exact=True).click()


def add(page: Page, label: str, *values: str) -> None:
    """Write values into a field whose values become chips."""
    field = page.get_by_label(label, exact=True)
    for value in values:
        field.fill(value)
        field.press("Enter")
    page.keyboard.press("Escape")


def sheet(page: Page) -> Image.Image:
    answer = page.request.get(page.locator("#sheet img").evaluate("image => image.src"))
    return Image.open(io.BytesIO(answer.body())).convert("RGB")


def test_a_sheet_of_styles_by_seeds_has_a_column_without_a_style(page: Page) -> None:
    ask(page, "a red apple", steps=2)
    go(page, "Sheets")
    told = page.locator("#sheet-told")
    add(page, "Columns: values", "clay", "comic")
    choose(page, "Rows: what changes", "Seed")
    expect(told).to_contain_text("3 columns × 4 rows: 12 pictures")  # seeds 1 to 4
    page.get_by_role("button", name="Draw the sheet").click()
    expect(page.locator("#sheet img")).to_be_visible(timeout=60_000)
    expect(page.locator("#sheet-cancel")).to_be_disabled(timeout=60_000)
    drawn = sheet(page)
    assert drawn.width > 3 * 128 and drawn.height > 4 * 128
    colours = drawn.getcolors(drawn.width * drawn.height)
    assert colours is not None and len(colours) > 1000  # pictures, not an empty paper

    add(page, "Rows: values", "5")
    expect(told).to_contain_text("3 columns × 5 rows: 15 pictures, 12 of them drawn already")
