"""Processes of their own for tests, forked from one that has imported everything: most of a start is imports.

`WARM.Process(target=..., args=...)` takes the place of `subprocess` and saves nine seconds of CPU a time.
"""

import multiprocessing
import os

WARM = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
if os.name == "posix":
    WARM.set_forkserver_preload(["eigenlorax.studio", "ui.serve", "tests.browser.serving"])
