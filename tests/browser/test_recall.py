"""A picture is drawn again from its own file; the gallery finds it, sends it on, deletes it and brings it back."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.serving import Server, go
from tests.browser.steps import ask, differ, first_style, generate

pytestmark = pytest.mark.browser
STYLED = True
FIXTURES = Path(__file__).parent.parent / "fixtures" / "recall"


def drop(page: Page, file: Path) -> None:
    """What a drop does: the script takes the file from the event's data transfer."""
    transfer = page.evaluate_handle(
        """([bytes, name]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(bytes)], name, { type: "image/png" }));
            return transfer;
        }""",
        [list(file.read_bytes()), file.name],
    )
    for event in ("dragover", "drop"):
        page.locator(".recall").dispatch_event(event, {"dataTransfer": transfer})
    expect(page.locator("#recalled")).to_contain_text(f"Restored from {file.name}")


def pictures(server: Server) -> list[Path]:
    return sorted((server.log.parent / "data" / "outputs").rglob("*.png"))


def test_a_picture_comes_back_from_its_file_and_lives_in_the_gallery(page: Page, server: Server) -> None:
    style = first_style(page)
    ask(page, "a red apple", steps=3)
    page.get_by_role("switch", name=f"{style} on", exact=True).click()
    strength = page.get_by_label(f"{style} strength as a number", exact=True)
    strength.fill("0.65")
    strength.press("Tab")
    first = generate(page)
    file = pictures(server)[-1]
    uploads = server.log.parent / "data" / "cache" / "uploads"

    drop(page, FIXTURES / "comfy.png")
    expect(page.locator("#recalled")).to_contain_text("written by ComfyUI")
    expect(page.locator("#recalled .recall-missing")).to_contain_text("neon_v2 is not here")
    expect(page.get_by_label("number input for Steps")).to_have_value("25")
    expect(page.get_by_role("switch", name=f"{style} on", exact=True)).to_have_attribute(
        "aria-checked", "false"
    )
    drop(page, file)
    expect(page.locator("#recalled .recall-missing")).to_have_count(0)
    expect(strength).to_have_value("0.65")
    assert not differ(first, generate(page))
    assert not list(uploads.rglob("*.png"))

    paste = page.get_by_label("Paste settings", exact=True)
    paste.fill("just some words")
    paste.press("Enter")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("just some words")

    go(page, "Gallery")
    tiles = page.locator(".gallery-tile")
    expect(tiles).to_have_count(2)
    grid = page.get_by_role("listbox", name="All pictures")
    grid.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".gallery-prompt")).to_contain_text("a red apple")
    page.keyboard.press("Delete")
    expect(page.get_by_role("status").filter(has_text="1 picture in the trash")).to_be_visible()
    expect(tiles).to_have_count(1)
    assert len(pictures(server)) == 1
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(tiles).to_have_count(2)
    page.get_by_label("Search prompts").fill("no such thing")
    expect(page.get_by_role("heading", name="No picture has this")).to_be_visible()
    page.get_by_label("Search prompts").fill("APPLE")
    tiles.first.click()
    page.get_by_role("button", name="Send to Generate", exact=True).click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value(f"a red apple, {style} style")
