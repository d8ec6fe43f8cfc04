"""What several journeys do: let files fall, ask for a picture, and look at it."""

import base64
import io
from pathlib import Path

from PIL import Image, ImageChops
from playwright.sync_api import Locator, Page, expect


def drop(page: Page, *files: Path, zone: str = "#drop") -> None:
    """Let files fall on a drop zone, as a mouse does."""
    contents = [{"name": file.name, "data": base64.b64encode(file.read_bytes()).decode()} for file in files]
    transfer = page.evaluate_handle(
        """files => {
            const transfer = new DataTransfer();
            for (const { name, data } of files)
                transfer.items.add(new File([Uint8Array.from(atob(data), c => c.charCodeAt(0))], name));
            return transfer;
        }""",
        contents,
    )
    page.locator(f"{zone} button").first.dispatch_event("drop", {"dataTransfer": transfer})


def generate(page: Page) -> Image.Image:
    """Press Generate and wait for the picture."""
    shown = page.locator("#picture img")
    before = shown.get_attribute("src") if shown.count() else ""
    page.get_by_role("button", name="Generate", exact=True).click()
    page.wait_for_function(
        "old => { const img = document.querySelector('#picture img'); return img && img.getAttribute('src') !== old; }",
        arg=before,
    )
    expect(page.locator("#status")).to_contain_text("style applied in")
    answer = page.request.get(shown.evaluate("image => image.src"))
    return Image.open(io.BytesIO(answer.body())).convert("RGB")


def differ(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one, other).getbbox() is not None


def slider(page: Page, style: str) -> Locator:
    return page.get_by_label(f"{style} strength", exact=True)


def ask(page: Page, prompt: str, seed: int = 7, steps: int = 6) -> None:
    page.get_by_label("Prompt", exact=True).fill(prompt)
    page.get_by_label("Seed", exact=True).fill(str(seed))
    page.get_by_label("number input for Steps").fill(str(steps))
    page.get_by_label("number input for Steps").press("Tab")


def first_style(page: Page) -> str:
    return page.locator("#rack .style-name strong").first.inner_text()
