"""The rack with many styles in Chromium: loading the page, changing a style, a letter of the filter.

    python -m tests.benchmarks.rack_size [--styles 500] [--json FILE]

The collection is four demo LoRAs' styles under many names, in a folder of its own; each figure is the median of
several runs of the whole page on this machine. "Load" is from the address to the first row, "all" to the
last one; "update" from a slider's release to the second frame after it; "first step" from a slider's release in
live mode to the page's words that the first denoising call of the demo model is done.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, Page

from eigenlorax.events import drain
from eigenlorax.home import DEMO_MODEL
from eigenlorax.library.atomic import written_aside
from eigenlorax.studio import Studio
from tests.browser.serving import Server, await_styles, chromium, running_page

_RUNS = 5
#: Runs in the page: from an input to the second frame after it, in milliseconds.
_TIMED = """async ([selector, value, kind]) => {
  const node = document.querySelector(selector);
  const start = performance.now();
  node.value = value;
  node.dispatchEvent(new Event(kind, { bubbles: true }));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() - start;
}"""


def collection(folder: Path, count: int) -> None:
    """A data folder with so many styles."""
    studio = Studio(str(DEMO_MODEL), folder)
    names = [entry.report.name for entry in studio.entries() if entry.report.usable]
    drain(studio.subspaces.compress(names[:4]))
    loaded = studio.library.load_current(studio.base.layout_hash)
    assert loaded is not None
    _, subspace, styles = loaded
    known = list(styles.values())
    many = {
        name: replace(known[place % len(known)], name=name)
        for place, name in enumerate(f"style {number:03d}" for number in range(count))
    }
    studio.library.save(subspace, many)


def load_seconds(browser: Browser, server: Server, count: int) -> tuple[float, float]:
    """From the address to the first row, and to the last."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page, start = context.new_page(), time.perf_counter()
    page.goto(server.url)
    await_styles(page)
    first = time.perf_counter() - start
    page.locator("#rack .style").nth(count - 1).wait_for(state="attached")
    last = time.perf_counter() - start
    context.close()
    return first, last


def measure(count: int) -> dict[str, float]:
    """Every figure, in milliseconds but for the load."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        collection(folder / "data", count)
        with running_page(folder) as server, chromium() as browser:
            loads = [load_seconds(browser, server, count) for _ in range(_RUNS)]
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.goto(server.url)
            await_styles(page)
            page.locator("#rack .style").nth(count - 1).wait_for(state="attached")
            updates = _several(
                lambda run: page.evaluate(_TIMED, ["#rack .style-range", f"{0.5 + run / 10}", "change"])
            )
            letters = _several(
                lambda run: page.evaluate(_TIMED, ["#rack .rack-filter", "style 0"[: run + 1], "input"])
            )
            page.locator(".rack-filter").fill("")
            redraws = _redraws(page)
    return {
        "styles": count,
        "load_s": statistics.median(first for first, _ in loads),
        "all_s": statistics.median(last for _, last in loads),
        "update_ms": statistics.median(updates),
        "filter_ms": statistics.median(letters),
        "first_step_ms": statistics.median(redraws),
    }


def _several(run: Callable[[int], float]) -> list[float]:
    return [run(number) for number in range(_RUNS)]


#: From a slider's release to the first step that the page tells of, by the page's own clock.
_REDRAW = """async (strength) => {
  const status = document.querySelector("#status"), range = document.querySelector("#rack .style-range");
  const start = performance.now();
  const drawing = new Promise((done) => new MutationObserver((_, watch) => {
    if (!/^\\s*Step \\d+ of/.test(status.textContent)) return;
    watch.disconnect();
    done(performance.now() - start);
  }).observe(status, { childList: true, subtree: true, characterData: true }));
  range.value = strength;
  range.dispatchEvent(new Event("change", { bubbles: true }));
  return drawing;
}"""


def _redraws(page: Page) -> list[float]:
    page.get_by_label("Prompt", exact=True).fill("a red apple")
    page.get_by_role("button", name="Generate", exact=True).click()
    page.locator("#status", has_text="Saved").wait_for(timeout=120_000)
    page.get_by_label("Live", exact=True).check()
    found = []
    for run in range(_RUNS):
        found.append(page.evaluate(_REDRAW, 0.4 + run / 10))
        page.locator("#status", has_text="Saved").wait_for(timeout=120_000)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--styles", type=int, nargs="+", default=[24, 500])
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = [measure(count) for count in asked.styles]
    print("styles    load     all   update   filter   first step")
    for row in found:
        print(
            f"{row['styles']:6.0f} {row['load_s']:6.2f}s {row['all_s']:6.2f}s {row['update_ms']:6.0f}ms {row['filter_ms']:6.0f}ms "
            f"{row['first_step_ms']:8.0f}ms"
        )
    if asked.json:
        told = {"machine": platform.processor() or platform.machine(), "cores": os.cpu_count(), "rows": found}
        with written_aside(asked.json) as aside:
            aside.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
