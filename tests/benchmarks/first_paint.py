"""How long the page of the demo model takes to appear in Chromium, from a server that is warm.

    python -m tests.benchmarks.first_paint [--runs 7] [--data DIR] [--json FILE]

Each run is a window of its own with an empty cache. "First paint" is the browser's own first contentful paint,
"rack" the first row of the rack (or the invitation of an empty one); both are counted from the start of the
navigation, and medians over the runs. Bar: the rack within 3 s. What was sent until then, the size of the page's
configuration and the number of its nodes are told too.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Browser

from eigenlorax.library.atomic import written_aside
from tests.browser.serving import Server, await_styles, chromium, running_page

BAR_S = 3.0
#: What the page knows of its own beginning, in milliseconds and bytes as they were sent.
_KNOWN = """() => ({
  first_paint_ms: performance.getEntriesByName('first-contentful-paint')[0].startTime,
  sent_kb: performance.getEntriesByType('resource').reduce((sum, one) => sum + one.transferSize, 0) / 1000,
  requests: performance.getEntriesByType('resource').length,
  nodes: document.querySelectorAll('*').length,
})"""


def one_run(browser: Browser, server: Server) -> dict[str, float]:
    """One window with an empty cache."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(server.url, wait_until="commit")
    await_styles(page)
    found = {"rack_ms": page.evaluate("performance.now()"), **page.evaluate(_KNOWN)}
    context.close()
    return found


def measure(runs: int, data: Path | None) -> dict[str, float]:
    """Medians over the runs; one more before them is not counted, it warms the server."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if data:
            shutil.copytree(data, folder / "data")
        with running_page(folder) as server, chromium() as browser:
            found = [one_run(browser, server) for _ in range(runs + 1)][1:]
            context = browser.new_context()
            config = len(context.request.get(f"{server.url.rstrip('/')}/config").body()) / 1000
    return {key: statistics.median(run[key] for run in found) for key in found[0]} | {"config_kb": config}


def _table(row: Mapping[str, float]) -> str:
    heads = ("first paint", "rack", "requests", "sent", "config", "nodes")
    cells = (
        f"{row['first_paint_ms'] / 1000:.2f} s", f"{row['rack_ms'] / 1000:.2f} s",
        f"{row['requests']:.0f}", f"{row['sent_kb']:.0f} kB", f"{row['config_kb']:.0f} kB", f"{row['nodes']:.0f}",
    )  # fmt: skip
    return "\n".join("  ".join(cell.rjust(11) for cell in line) for line in (heads, cells))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--data", type=Path, help="a data folder to copy; without it the page starts empty")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    row = measure(asked.runs, asked.data)
    print(_table(row))
    print(f"bar: the rack within {BAR_S:.0f} s: {'met' if row['rack_ms'] < BAR_S * 1000 else 'missed'}")
    if asked.json:
        told = {
            "machine": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
            **row,
        }
        with written_aside(asked.json) as aside:
            aside.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
