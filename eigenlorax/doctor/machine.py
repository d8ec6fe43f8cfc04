"""Cards, memory and disk."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

import psutil
import torch

from eigenlorax.doctor.finding import Finding, Health
from eigenlorax.runtime.hardware import cards, kind
from eigenlorax.runtime.plan import GIB

_WHEELS = "https://pytorch.org/get-started/locally/"
#: A single SDXL checkpoint, and as much again for pictures.
_DISK_LEAST = 8 * GIB
#: What is needed beside the weights to load them.
_MEMORY_BESIDE = 2 * GIB
_CARDS = (("nvidia-smi", "NVIDIA", "CUDA"), ("rocm-smi", "AMD", "ROCm"))


def devices() -> Iterator[Finding]:
    """What torch computes on; a card that it cannot use is a fault."""
    build, found = kind(), cards()
    for number, card in enumerate(found):
        words = f"{card.name}: {card.free / GIB:.1f} of {card.total / GIB:.1f} GB free, {build}"
        yield Finding(f"GPU {number}" if len(found) > 1 else "GPU", words)
    if found:
        return
    for tool, maker, name in _CARDS:
        if shutil.which(tool):
            remedy = f"install torch for {name} as {_WHEELS} says, then pip install -r requirements.txt"
            words = f"a card of {maker} is here, but torch {torch.__version__} cannot use it"
            yield Finding("GPU", words, Health.FAULT, remedy)
            return
    remedy = "the demo model draws on the CPU; full-size SDXL is slow there: use a machine with a card"
    yield Finding("GPU", f"none: torch {torch.__version__} computes on the CPU", Health.NOTE, remedy)


def memory(weights: int) -> Finding:
    """The machine's own memory, against what full-size SDXL takes there.

    Args:
        weights: Bytes of the model's weights.
    """
    state = psutil.virtual_memory()
    words = f"{state.available / GIB:.1f} of {state.total / GIB:.1f} GB free"
    if state.available >= (needed := weights + _MEMORY_BESIDE):
        return Finding("Memory", words)
    remedy = f"full-size SDXL takes about {needed / GIB:.0f} GB to load: close programs or add swap"
    return Finding("Memory", words, Health.NOTE, remedy)


def disk(folder: Path) -> Finding:
    """Room for models and pictures where the data lies."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(there).free
    words = f"{free / GIB:.1f} GB free at {there}"
    if free >= _DISK_LEAST:
        return Finding("Disk", words)
    remedy = "make room, or keep the data elsewhere with --data-dir"
    return Finding("Disk", words, Health.NOTE if free > GIB else Health.FAULT, remedy)


def writable(folder: Path) -> Finding:
    """Whether the data folder, or the one that it would be made in, can be written to."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        with TemporaryFile(dir=there) as file:
            file.write(b"x")
    except OSError as error:
        remedy = f"give yourself rights on {there}, or choose another with --data-dir"
        return Finding("Data folder", f"{folder} ({error.strerror})", Health.FAULT, remedy)
    return Finding("Data folder", str(folder) if folder.exists() else f"{folder}, made when it is needed")


def system() -> Finding:
    """The operating system, by the names that people give it."""
    names = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}
    return Finding(
        "System", f"{names.get(sys.platform, sys.platform)}, {psutil.cpu_count() or 1} CPU threads"
    )
