"""How quick the library's page is with 500 LoRAs in place: `python -m tests.benchmarks.library_page`.

Prints a table and writes JSON. What it measures is seen in Chromium: until the first cards after a reload, and
from a keystroke or a click until the page has drawn what it asks for.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, expect

from tests.browser.a_webui import a_webui
from tests.browser.serving import await_styles, chromium, go, running_page

_COUNT = "document.querySelectorAll('#library .lib-card').length"
_STAR = "document.querySelector('.lib-card .lib-star')"


def seconds(page: Page, act: str, done: str) -> float:
    """How long the page takes from a script's act until what it shows answers `done`, a frame included."""
    return float(
        page.evaluate(
            """async ([act, done]) => {
                const started = performance.now();
                new Function(act)();
                while (!new Function(`return ${done}`)()) {
                    if (performance.now() - started > 20000) throw new Error(`not within 20 s: ${done}`);
                    await new Promise(requestAnimationFrame);
                }
                await new Promise(requestAnimationFrame);
                return (performance.now() - started) / 1000;
            }""",
            [act, done],
        )
    )


def search(words: str) -> str:
    """A script that types into the search field."""
    field = "document.querySelector('.lib-search')"
    return f"{field}.value = {words!r}; {field}.dispatchEvent(new Event('input'));"


def measured(page: Page) -> dict[str, float]:
    """Seconds of one reload and what is done after it."""
    started = time.perf_counter()
    page.reload()
    go(page, "Library")
    page.locator("#library .lib-card").first.wait_for()
    found = {"reload to first cards": time.perf_counter() - started}
    found["keystroke that leaves one"] = seconds(page, search("look 101"), f"{_COUNT} === 1")
    found["all again"] = seconds(page, search(""), f"{_COUNT} > 1")
    pressed = page.evaluate(f"{_STAR}.ariaPressed") == "true"
    found["a star"] = seconds(
        page, f"{_STAR}.click()", f"{_STAR}.ariaPressed === '{str(not pressed).lower()}'"
    )
    return found


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_page(Path(folder)) as server, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(server.url)
        await_styles(page)
        go(page, "Library")
        page.get_by_label("Folder or file path", exact=True).fill(str(a_webui(Path(folder) / "webui")))
        page.get_by_role("button", name="Use in place").click()
        expect(page.locator("#results")).to_contain_text("500 found", timeout=60_000)
        rounds = [measured(page) for _ in range(asked.rounds)]
    figures = {name: [one[name] for one in rounds] for name in rounds[0]}
    for name, values in figures.items():
        print(f"{name:28} {median(values):7.3f} s   ({min(values):.3f} to {max(values):.3f})")
    asked.json.write_text(json.dumps({"loras": 500, "seconds": figures}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
