"""What goes beyond one picture from a prompt: samplers, batches, dials, previews, a picture to start from, morphs."""

import io

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.serving import await_styles
from tests.browser.steps import ask, differ, first_style, generate

pytestmark = pytest.mark.browser
STYLED = True


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def number(page: Page, label: str, value: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(value)
    field.press("Tab")


def switch(page: Page, style: str) -> None:
    page.get_by_role("switch", name=f"{style} on", exact=True).click()


def finish(page: Page) -> None:
    expect(page.locator("#status")).to_contain_text("style applied in", timeout=20_000)
    expect(page.locator(".bad:visible")).to_have_count(0)


def test_a_batch_by_another_sampler_shows_all_its_pictures(page: Page) -> None:
    ask(page, "a red apple", steps=6)
    page.get_by_role("button", name="More settings").click()
    choose(page, "Sampler", "DPM++ 2M")
    choose(page, "Schedule", "Karras")
    number(page, "number input for Pictures at once", "3")
    page.get_by_role("button", name="Generate", exact=True).click()
    preview = page.locator("#picture img")
    expect(preview).to_be_visible()
    seen = Image.open(io.BytesIO(page.request.get(preview.evaluate("image => image.src")).body()))
    assert seen.width == seen.height > 2 * 64  # two by two previews
    finish(page)
    expect(preview).to_be_hidden()
    expect(page.locator("#pictures .caption-label")).to_have_text(["seed 7", "seed 8", "seed 9"])
    expect(page.locator("#model")).to_contain_text("3 pictures")

    page.reload()
    await_styles(page)
    page.get_by_role("button", name="More settings").click()
    expect(page.get_by_label("Sampler", exact=True)).to_have_value("DPM++ 2M")
    expect(page.get_by_label("Schedule", exact=True)).to_have_value("Karras")
    choose(page, "Sampler", "LCM")
    expect(page.get_by_label("Schedule", exact=True)).to_have_value("Automatic")
    page.get_by_label("Hires fix").check()
    number(page, "number input for Enlarge by", "1.5")
    number(page, "number input for Pictures at once", "1")
    number(page, "number input for Steps", "2")
    assert generate(page).size == (192, 192)


def test_dials_change_the_picture_and_survive_a_reload(page: Page) -> None:
    style = first_style(page)
    ask(page, "a red apple", steps=3)
    switch(page, style)
    plain = generate(page)
    expect(page.locator("#status")).to_contain_text("Styles merged into the weights")
    page.get_by_role("button", name=f"{style} details").click()
    number(page, f"{style} UNet as a number", "0")
    for part in ("Text encoder 1", "Text encoder 2"):
        number(page, f"{style} {part} as a number", "0")
    assert differ(plain, generate(page))
    page.get_by_label(f"{style} over the steps").select_option("Fade out")
    generate(page)
    expect(page.locator("#status")).to_contain_text("Styles live beside the weights")
    page.get_by_label(f"{style} over the steps").select_option("Points")
    points = page.get_by_label(f"{style} curve points")
    points.fill("0:1, much")
    points.press("Tab")
    expect(points).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.locator("#status")).to_contain_text('cannot read the point "much"')

    page.reload()
    await_styles(page)
    page.get_by_role("button", name=f"{style} details").click()
    expect(page.get_by_label(f"{style} UNet as a number")).to_have_value("0.00")
    page.get_by_role("button", name=f"Reset details of {style}").click()
    expect(page.get_by_label(f"{style} UNet as a number")).to_have_value("1.00")
    assert not differ(plain, generate(page))


def test_a_picture_is_repainted_where_it_was_painted_on(page: Page) -> None:
    ask(page, "a red apple", steps=4)
    page.get_by_role("button", name="Start from a picture").click()
    before = generate(page)
    page.get_by_role("button", name="Take the last picture").click()
    page.wait_for_timeout(1500)
    number(page, "number input for Mask blur", "0")
    page.get_by_label("Noise").check()
    stroke(page)
    ask(page, "a blue fish", seed=8, steps=4)
    after = generate(page)
    expect(page.locator("#status")).to_contain_text("Repainted under a mask · denoising 0.75")
    corners = [(2, 2), (125, 2), (2, 125), (125, 125)]
    assert [before.getpixel(corner) for corner in corners] == [after.getpixel(corner) for corner in corners]
    assert before.getpixel((64, 64)) != after.getpixel((64, 64))


def stroke(page: Page) -> None:
    """Paint over the middle of the picture in the editor."""
    canvas = page.locator("#canvas canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle[0] - 15, middle[1])
    page.mouse.down()
    page.mouse.move(middle[0] + 15, middle[1], steps=5)
    page.mouse.up()
    page.wait_for_timeout(700)


def test_a_morph_from_one_blend_to_another(page: Page) -> None:
    ask(page, "a red apple", steps=2)
    page.get_by_role("button", name="Morph between two blends").click()
    page.get_by_role("button", name="Morph", exact=True).click()
    expect(page.locator("#status")).to_contain_text("press B above the styles and set that blend first")
    ends = page.locator("#morph-ends dd")
    switch(page, "clay")
    expect(ends).to_have_text(["clay 1", "not set yet"])
    page.get_by_role("button", name="B", exact=True).click()
    switch(page, "clay")
    switch(page, "comic")
    expect(ends).to_have_text(["clay 1", "comic 1"])
    page.reload()
    await_styles(page)
    page.get_by_role("button", name="Morph between two blends").click()
    expect(ends).to_have_text(["clay 1", "comic 1"])
    number(page, "number input for Pictures on the way", "3")
    page.get_by_role("button", name="Morph", exact=True).click()
    finish(page)
    expect(page.locator("#pictures .caption-label")).to_have_text(["Animation", "A", "50%", "B"])
    answer = page.request.get(page.locator("#pictures img").first.evaluate("image => image.src"))
    with Image.open(io.BytesIO(answer.body())) as moving:
        assert moving.n_frames == 4
