"""The command that looks at the machine."""

from collections.abc import Iterator
from pathlib import Path

from eigenlorax.cli.answer import DONE, REFUSED, Answer
from eigenlorax.cli.options import DEFAULT_MODEL, LOAD_OPTIONS, DataDir, Model
from eigenlorax.doctor.finding import Finding, Health
from eigenlorax.doctor.machine import devices, disk, memory, system, writable
from eigenlorax.doctor.models import fitting, models
from eigenlorax.doctor.packages import python_and_packages
from eigenlorax.home import DEMO_MODEL
from eigenlorax.runtime.hardware import detect, processor
from eigenlorax.runtime.options import Placement
from eigenlorax.runtime.precision import weights_dtype
from eigenlorax.runtime.sizes import sdxl_size

_MARKS = {Health.FINE: "ok   ", Health.NOTE: "note ", Health.FAULT: "FAULT"}


def doctor(data_dir: DataDir, model: Model = DEFAULT_MODEL) -> Answer:
    """Look at this machine: Python, packages, GPU, memory, disk, models, and what would fit.

    Each thing that is not as it should be comes with what to do next; a fault ends it with
    exit code 1. No model is loaded.
    """
    found = list(_looked(data_dir.expanduser().resolve(), model))
    width = max(len(one.what) for one in found)
    lines = []
    for one in found:
        lines.append(f"{_MARKS[one.health]}  {one.what:<{width}}  {one.words}")
        if one.remedy:
            lines.append(f"{'':{width + 7}}  next: {one.remedy}")
    faults = sum(one.health is Health.FAULT for one in found)
    lines.append("everything that is needed is here" if not faults else f"{faults} faults: see FAULT above")
    return Answer({"healthy": not faults, "findings": found}, lines, REFUSED if faults else DONE)


def _looked(folder: Path, model: str) -> Iterator[Finding]:
    options = LOAD_OPTIONS.get()
    hardware = processor() if options.placement is Placement.CPU else detect()
    size = sdxl_size(weights_dtype(options.precision, hardware))
    yield system()
    yield from python_and_packages()
    yield from devices()
    yield memory(size.weights)
    yield disk(folder)
    yield writable(folder)
    yield from models(DEMO_MODEL, model)
    yield fitting(hardware, size, options.placement)
