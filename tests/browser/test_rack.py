"""The rack in a real browser: mute, lock, two blends, the meter, dice that are kept, the map, all by keyboard."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.serving import await_styles

pytestmark = pytest.mark.browser
STYLED = True


def strength(page: Page, name: str) -> Locator:
    return page.get_by_label(f"{name} strength", exact=True)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def on(page: Page, name: str) -> Locator:
    return page.get_by_role("switch", name=f"{name} on", exact=True)


def count(page: Page, words: str) -> None:
    expect(page.locator(".rack-summary")).to_have_text(words)


def test_blending(page: Page) -> None:
    for name in ("clay", "comic"):
        on(page, name).click()
    count(page, "2 of 2 on")
    meter = page.locator("#rack .meter")
    expect(meter.get_by_role("meter")).to_have_attribute("aria-valuetext", re.compile("[.]$"))
    meter.locator("summary").click()
    expect(meter.locator(".meter-line").first).to_contain_text("clay")

    press(page, "clay mute")
    count(page, "1 of 2 on")
    expect(meter).to_be_hidden()
    press(page, "clay mute")
    number = page.get_by_label("comic strength as a number", exact=True)
    number.fill("0.2")
    number.press("Enter")
    press(page, "Balance")
    expect(page.locator(".blend-told")).to_contain_text("Balanced")
    expect(number).not_to_have_value("0.20")
    shares = page.locator(".meter-list").first.locator(".meter-line")
    expect(shares).to_have_text([re.compile(r"50\s%"), re.compile(r"50\s%")])

    press(page, "clay lock")
    press(page, "All off")
    count(page, "1 of 2 on")
    expect(on(page, "clay")).to_be_checked()
    press(page, "B")
    on(page, "comic").click()
    count(page, "2 of 2 on")
    press(page, "A")
    expect(on(page, "comic")).not_to_be_checked()
    press(page, "clay lock")
    page.reload()
    await_styles(page)
    press(page, "B")
    expect(on(page, "comic")).to_be_checked()
    press(page, "A")

    page.get_by_label("Even", exact=True).check()
    expect(page.get_by_label("clay strength as a number", exact=True)).to_have_attribute(
        "title", re.compile("worn at")
    )


def test_dice_are_kept_and_the_map_blends(page: Page) -> None:
    page.get_by_label("Seed of the dice").fill("7")
    press(page, "Remix")
    expect(on(page, "remix 7")).to_be_checked()
    count(page, "1 of 3 on")
    page.get_by_label("Name for remix 7").fill("My <mix>")
    press(page, "Keep remix 7 as a style")
    expect(page.locator(".blend-told")).to_contain_text("cannot be a style's name")
    page.get_by_label("Name for remix 7").fill("My mix")
    page.get_by_label("Name for remix 7").press("Enter")
    expect(on(page, "My mix")).to_be_checked()
    expect(on(page, "remix 7")).to_have_count(0)

    press(page, "Directions")
    expect(page.locator("[data-name='direction 1'] small")).to_contain_text("of the differences")
    press(page, "Directions")
    press(page, "Map")
    chart = page.get_by_role("application")
    chart.focus()
    page.keyboard.press("Enter")
    count(page, "3 of 3 on")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".map-near")).to_contain_text("nearest")
    page.keyboard.press("s")
    expect(page.locator(".rack-summary")).to_contain_text("solo: ")
    page.keyboard.press("s")
    count(page, "3 of 3 on")
    page.locator(".map-style[data-name='clay'] .map-ring").dispatch_event("click")
    count(page, "solo: clay")
    box = chart.bounding_box()
    assert box is not None
    chart.click(position={"x": 12, "y": 12})
    count(page, "3 of 3 on")


def test_by_keyboard_alone(page: Page) -> None:
    strength(page, "clay").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("clay strength as a number", exact=True)).to_have_value("1.05")
    expect(on(page, "clay")).to_be_checked()
    page.keyboard.press("m")
    expect(page.get_by_role("button", name="clay mute", exact=True)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("m")
    page.keyboard.press("l")
    expect(page.get_by_role("button", name="clay lock", exact=True)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("r")
    expect(page.get_by_label("clay strength as a number", exact=True)).to_have_value("1.00")
    page.keyboard.press("j")
    expect(strength(page, "comic")).to_be_focused()
    page.keyboard.press("s")
    expect(page.locator(".rack-summary")).to_have_text("solo: comic")
    page.keyboard.press("x")
    expect(page.get_by_role("button", name="B", exact=True)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("/")
    page.keyboard.type("clay s")
    expect(strength(page, "comic")).to_be_hidden()
    page.get_by_role("button", name="Help", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Help")).to_be_hidden()
