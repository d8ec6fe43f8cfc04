"""Compressing as a person does it: the size before and after, both pictures, the spectrum, and back again."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.serving import go

pytestmark = pytest.mark.browser


def choose(page: Page, label: str, *words: str) -> None:
    """Put words into one of the fields whose words become chips."""
    field = page.get_by_label(label, exact=True)
    for word in words:
        field.fill(word)
        field.press("Enter")
    page.keyboard.press("Escape")


def test_the_size_is_told_before_and_after_and_everything_can_be_taken_back(page: Page) -> None:
    go(page, "Library")
    choose(page, "LoRAs to compress", "clay", "comic")
    estimate = page.locator("#estimate")
    expect(estimate).to_contain_text("About ", timeout=60_000)
    expect(estimate).to_contain_text("An estimate for 2 LoRAs, from 48 of ", timeout=60_000)
    expect(estimate).not_to_contain_text("…", timeout=60_000)
    near = estimate.inner_text()
    number = page.get_by_label("number input for Quality")
    number.fill("0.8")
    number.press("Tab")
    expect(estimate).not_to_have_text(near)
    expect(estimate).to_contain_text("2 LoRAs")

    page.get_by_role("button", name="Compress", exact=True).click()
    job = page.locator("#job")
    expect(job).to_contain_text("compressed in", timeout=60_000)
    expect(job).to_contain_text("Estimated ")
    expect(page.locator("#fidelity tbody tr")).to_have_count(2)
    expect(page.locator(".versions")).to_be_hidden()  # there is nothing to go back to

    choose(page, "Leave out by words", "comic")
    expect(page.locator("#exclude")).to_contain_text("comic")
    expect(estimate).to_contain_text("1 LoRA,", timeout=60_000)
    page.get_by_role("button", name="Compress", exact=True).click()
    expect(page.locator("#fidelity tbody tr")).to_have_count(1, timeout=60_000)
    line = page.locator(".versions-before")
    expect(line).to_contain_text("2 styles")
    line.get_by_role("button", name="Go back").click()
    expect(job).to_contain_text("is in use, with 2 styles")
    expect(page.locator("#fidelity tbody tr")).to_have_count(2)
    page.get_by_text("All versions (2)").click()
    rows = page.locator(".versions li")
    expect(rows).to_have_count(2)  # nothing was deleted
    expect(rows.first).to_contain_text("1 style · ")
    expect(rows.first).to_contain_text("Compression")
    expect(rows.last).to_contain_text("in use")

    page.get_by_role("button", name="Next style").click()
    expect(page.locator("#beside-slider img")).to_have_count(2, timeout=60_000)
    captions = page.locator("#beside-captions")
    expect(captions).to_contain_text("Original LoRA clay at 1")
    page.get_by_role("button", name="Next style").click()
    expect(captions).to_contain_text("Subspace style comic at 1", timeout=60_000)
    page.get_by_role("button", name="Spectrum").click()
    expect(page.locator(".spectrum-charts figure").first).to_be_visible(timeout=60_000)
    expect(page.locator(".spectrum")).to_contain_text("strangers")
