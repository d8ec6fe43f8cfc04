"""One kill: begin a command, end its process at a moment, and look at what the library is then."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from eigenlorax.formats.header import read_header
from eigenlorax.library.exports import exports_folder
from eigenlorax.library.files import load_version_folder
from eigenlorax.library.style_card import read_card
from eigenlorax.studio import Studio
from tests.kills.works import CPU, WORKS, Ground, at_work, half_written, kill
from tests.subspaces.cases import picture
from tests.warm import WARM

_START_S, _WORK_S = 180.0, 300.0


@dataclass(frozen=True)
class Killed:
    """What came of one.

    Attributes:
        work: Which command.
        after_s: Seconds from its begin to the kill.
        was_done: It was through before the kill.
        left: Files and folders that were being written.
        faults: What should not be; nothing where all is well.
    """

    work: str
    after_s: float
    was_done: bool
    left: int
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Before:
    """What was there: nothing of it may be lost.

    Attributes:
        files: Path below the data folder -> SHA-256, of LoRAs and of every version.
        pixels: Of a picture in the open version's style.
        open_version: Its name.
    """

    files: dict[str, str]
    pixels: bytes
    open_version: str


def seen(ground: Ground) -> Before:
    """Look at the library before anything is killed."""
    studio = Studio(str(ground.model), ground.data, CPU)
    pixels = picture(studio).tobytes()
    return Before(hashes(ground.data), pixels, studio.library.open_version(studio.base.layout_hash))


def hashes(data: Path) -> dict[str, str]:
    """Every LoRA and every file of a version."""
    paths = [path for place in ("loras", "subspaces") for path in (data / place).rglob("*.safetensors")]
    paths = [path for path in paths if not any(part.startswith(".") for part in path.relative_to(data).parts)]
    return {str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def alone(work: str, ground: Ground, data: Path) -> float:
    """How long a command takes that is left alone, in seconds."""
    with _begun(work, ground, data) as hears:
        assert hears.poll(_WORK_S)
        return float(hears.recv())


def killed(work: str, after_s: float, ground: Ground, before: Before, data: Path) -> Killed:
    """Kill a command after so many seconds and look at everything; the data folder is made anew."""
    with _begun(work, ground, data) as hears:
        was_done = hears.poll(after_s)
    left = len(list(half_written(data)))
    faults = tuple(_faults(work, ground, before, data))
    return Killed(work, after_s, was_done, left, faults)


class _begun:
    """A process that has just begun a command on a copy of the library; killed at the end of the block."""

    def __init__(self, work: str, ground: Ground, data: Path) -> None:
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(ground.data, data)
        self._hears, tells = WARM.Pipe(duplex=False)
        self._process = WARM.Process(target=at_work, args=(tells, work, ground, data), daemon=True)

    def __enter__(self) -> Connection:
        self._process.start()
        assert self._hears.poll(_START_S) and self._hears.recv() == "begins"
        return self._hears

    def __exit__(self, *_: object) -> None:
        assert self._process.pid is not None
        kill(self._process.pid)
        self._process.join(timeout=60)


def _faults(work: str, ground: Ground, before: Before, data: Path) -> Iterator[str]:
    now = hashes(data)
    yield from (
        f"{name} is not what it was" for name, digest in before.files.items() if now.get(name) != digest
    )
    studio = Studio(str(ground.model), data, CPU)
    if studio.notice:
        yield f"the library opens with: {studio.notice}"
    names = {entry.report.name for entry in studio.entries()}
    given = {path.stem for path in ground.given.glob("*.safetensors")}
    if not {"a", "b", "c", "own"} <= names <= {"a", "b", "c", "own", *given}:
        yield f"it lists {sorted(names)}"
    yield from (
        f"{one.report.name}: {one.report.reason}" for one in studio.entries() if not one.report.usable
    )
    if "a" not in studio.styles:
        yield "the style a is gone"
    elif studio.library.open_version(studio.base.layout_hash) == before.open_version:
        if picture(studio).tobytes() != before.pixels:
            yield "the style a draws another picture"
    else:
        studio.growth.use(before.open_version)
        if picture(studio).tobytes() != before.pixels:
            yield "the style a draws another picture in its earlier version"
    for folder in studio.library.version_folders(studio.base.layout_hash):
        load_version_folder(folder)
    for path in exports_folder(data).glob("[!.]*"):
        read_card(path) if path.suffix == ".png" else read_header(path)
    for path in data.rglob("*.json"):
        json.loads(path.read_text("utf-8"))
    started = time.perf_counter()
    WORKS[work](Studio(str(ground.model), data, CPU), ground)
    if time.perf_counter() - started > _WORK_S:
        yield "the same command takes for ever"
