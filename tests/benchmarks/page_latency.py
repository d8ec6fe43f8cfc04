"""From a slider that is let go to the first denoising call, through a real browser and the whole page.

    python -m tests.benchmarks.page_latency [--runs 20] [--json FILE]

One process serves the page on the demo model and notes when the UNet is asked, and at which timestep; Chromium
changes one style's strength in live mode. Both are on one machine, so they share its clock. A run is counted from
the slider's `change` event to the first call at the first timestep of a picture. Runs "while drawing" are let go in
the middle of the picture before, which has to stop first. Bar: 100 ms.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from eigenlorax.events import drain
from eigenlorax.home import DEMO_MODEL
from eigenlorax.studio import Studio
from tests.browser.serving import ROOT, StartError, await_styles, chromium
from ui.flags import parse_flags
from ui.serve import serve

BAR_MS = 100.0
STYLES = ("clay", "comic")
PORT = 7979
PATIENCE_S = 60.0
LET_GO = """(slider, strength) => {
    slider.value = strength;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    const now = performance.timeOrigin + performance.now();
    slider.dispatchEvent(new Event("change", { bubbles: true }));
    return now / 1000;
}"""


def serve_and_note(folder: Path) -> None:
    """Serve the page; every call of the UNet becomes a line: seconds since 1970, timestep."""
    studio = Studio(str(DEMO_MODEL), folder / "data")
    drain(studio.subspaces.compress(list(STYLES)))
    with (folder / "calls.txt").open("w", buffering=1) as calls:

        def note(_: object, given: tuple[Any, ...], named: Mapping[str, Any]) -> None:
            timestep = named["timestep"] if "timestep" in named else given[1]
            calls.write(f"{time.time()} {float(timestep)}\n")

        studio.base.pipeline.unet.register_forward_pre_hook(note, with_kwargs=True)
        arguments = ["--port", str(PORT), "--data-dir", str(folder / "data"), "--no-browser"]
        serve(studio, parse_flags(arguments))


@contextmanager
def noted_page(folder: Path) -> Iterator[Page]:
    """The page in a browser, with a picture drawn and live mode on.

    Raises:
        StartError: the server ended; its text is what it printed.
    """
    log = folder / "log.txt"
    with log.open("wb") as output:
        command = [sys.executable, "-m", __spec__.name, "--serve", str(folder)]
        server = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        while str(PORT) not in log.read_text(encoding="utf-8"):
            if server.poll() is not None:
                raise StartError(log.read_text(encoding="utf-8"))
            time.sleep(0.2)
        with chromium() as browser:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(PATIENCE_S * 1000)
            page.goto(f"http://127.0.0.1:{PORT}")
            await_styles(page)
            page.get_by_label("Prompt", exact=True).fill("a red apple")
            page.get_by_label("Seed", exact=True).fill("7")
            page.get_by_label("Live", exact=True).check()
            page.get_by_role("button", name="Generate", exact=True).click()
            rest(page)
            yield page
    finally:
        server.terminate()
        server.wait(timeout=20)


def rest(page: Page) -> None:
    """Wait until nothing is drawn any more."""
    page.wait_for_timeout(1500)
    page.locator(".queue:not(.busy)").wait_for()
    page.wait_for_timeout(500)


def first_call(folder: Path, since: float) -> float:
    """The first call after a moment that begins a picture, in seconds since 1970."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        lines = (folder / "calls.txt").read_text(encoding="utf-8").splitlines()
        calls = [(float(at), float(step)) for at, step in (line.split() for line in lines if " " in line)]
        first = max(step for _, step in calls)
        begun = [at for at, step in calls if at > since and step == first]
        if begun:
            return begun[0]
        time.sleep(0.02)
    raise TimeoutError("no picture was begun")


def measured(page: Page, folder: Path, runs: int, *, busy: bool) -> list[float]:
    """Milliseconds of each run.

    Args:
        page: In live mode.
        folder: The server's.
        runs: How many.
        busy: Let go in the middle of the picture before, or when nothing is drawn.
    """
    slider, found = page.get_by_label(f"{STYLES[0]} strength", exact=True), []
    for run in range(runs):
        if not busy:
            rest(page)
        let_go = slider.evaluate(LET_GO, 0.5 + 0.05 * (run % 20))
        found.append(1000.0 * (first_call(folder, let_go) - let_go))
        if busy:
            page.wait_for_timeout(300)
    return found


def told(name: str, times: list[float]) -> dict[str, Any]:
    """One line of the table, and its figures."""
    ordered = sorted(times)
    figures = {
        "median_ms": statistics.median(ordered),
        "p90_ms": ordered[int(0.9 * (len(ordered) - 1))],
        "worst_ms": ordered[-1],
        "runs": len(ordered),
        "within_bar": sum(one < BAR_MS for one in ordered) / len(ordered),
    }
    print(
        f"{name:<16}{figures['median_ms']:>10.0f}{figures['p90_ms']:>8.0f}{figures['worst_ms']:>8.0f}"
        f"{figures['within_bar']:>12.0%}"
    )
    return figures


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve_and_note(given.serve)
        return
    with tempfile.TemporaryDirectory() as name, noted_page(Path(name)) as page:
        print(f"{'ms':<16}{'median':>10}{'p90':>8}{'worst':>8}{f'< {BAR_MS:.0f} ms':>12}")
        found = {
            "at rest": told("at rest", measured(page, Path(name), given.runs, busy=False)),
            "while drawing": told("while drawing", measured(page, Path(name), given.runs, busy=True)),
        }
    if given.json:
        given.json.write_text(json.dumps({"bar_ms": BAR_MS, "measured": found}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
