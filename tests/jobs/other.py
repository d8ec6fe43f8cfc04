"""Another process on a data folder: `python -m tests.jobs.other FOLDER` serves it until it is killed.

Its jobs of the kind "work" never end by themselves; it says so on stdout when it is ready.
"""

import sys
import time
from pathlib import Path

from eigenlorax.jobs.job import Facts, Told, Work, Worker
from eigenlorax.jobs.server import JobServer


def endless(_: Facts) -> Work:
    step = 0
    while True:
        step += 1
        time.sleep(0.005)
        yield Told(step, 10**6, "elsewhere", {"train": (float(step), 1.0)})
    return {}


if __name__ == "__main__":
    with JobServer(Path(sys.argv[1]), {"work": Worker(endless, lambda _: None, True)}, write_every_s=0.0):
        print("ready", flush=True)
        time.sleep(3600)
