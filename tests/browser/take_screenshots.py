"""Write the README's screenshots from the real page: `python -m tests.browser.take_screenshots --help`."""

import argparse
import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.serving import ROOT, await_styles, chromium, go, running_page

MAX_BYTES = 400_000


def main() -> None:
    """Compress the demo LoRAs, draw with some, teach one more, and write the tabs as PNG."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "assets" / "screenshots")
    parser.add_argument("--prompt", default="red apple")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--style", action="append", default=[], metavar="NAME=STRENGTH")
    parser.add_argument("--dark", action="store_true", help="in the dark theme, as NAME-dark.png")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    ending = "-dark.png" if given.dark else ".png"
    with tempfile.TemporaryDirectory() as folder, running_page(Path(folder)) as server, chromium() as browser:
        page = browser.new_page(
            viewport={"width": 1440, "height": 900}, color_scheme="dark" if given.dark else "light"
        )
        page.goto(server.url)
        await_styles(page)
        page.get_by_role("button", name="Compress them now").click()
        expect(page.locator("#job")).to_contain_text("compressed in", timeout=120_000)
        go(page, "Generate")
        page.locator(".rack-list .style").nth(1).wait_for()
        styles = [choice.split("=") for choice in given.style] or _first_two(page)
        draw(page, given.prompt, given.seed, styles)
        save(page, given.out / f"generate{ending}")
        go(page, "Library")
        page.wait_for_timeout(500)
        save(page, given.out / f"library{ending}")
        teach(page)
        save(page, given.out / f"train{ending}")


def _first_two(page: Page) -> list[list[str]]:
    first, second = page.locator("#rack .style-name strong").all_inner_texts()[:2]
    return [[first, "0.8"], [second, "0.4"]]


def draw(page: Page, prompt: str, seed: int, styles: list[list[str]]) -> None:
    """Set the form and the rack as a person would, and wait for the picture."""
    page.get_by_label("Prompt", exact=True).fill(prompt)
    page.get_by_label("Seed", exact=True).fill(str(seed))
    for name, strength in styles:
        number = page.get_by_label(f"{name} strength as a number", exact=True)
        number.fill(strength)
        number.press("Tab")
    page.locator(".rack-list").evaluate(
        "list => list.querySelector('.on')?.scrollIntoView({block: 'center'})"
    )
    page.evaluate("() => scrollTo(0, 0)")
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.locator("#status")).to_contain_text("style applied in", timeout=60_000)
    page.mouse.move(0, 0)
    page.wait_for_timeout(800)


def teach(page: Page) -> None:
    """Teach the example pictures, and wait for the style."""
    go(page, "Train")
    page.get_by_role("button", name="Try it with example pictures").click()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#train-status")).to_contain_text("is taught", timeout=300_000)
    page.mouse.move(0, 0)
    page.evaluate("() => scrollTo(0, 0)")
    page.wait_for_timeout(800)


def save(page: Page, path: Path) -> None:
    """A screenshot in at most 400 kB: as it is, else with 256 colours."""
    content = page.screenshot()
    if len(content) > MAX_BYTES:
        buffer = io.BytesIO()
        Image.open(io.BytesIO(content)).convert("RGB").quantize(256).save(buffer, "PNG", optimize=True)
        content = buffer.getvalue()
    path.write_bytes(content)
    print(f"{path}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
