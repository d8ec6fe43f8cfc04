"""What is killed: each command on a library of its own, and how long it takes when it is left alone."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from PIL import Image

from eigenlorax.events import drain
from eigenlorax.export.cards import CardExport
from eigenlorax.export.request import LoRAExport
from eigenlorax.library.card_content import CardKind
from eigenlorax.library.exports import exports_folder, free_path
from eigenlorax.library.versions import versions_of
from eigenlorax.runtime.hardware import Hardware
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspaces.teach_request import TeachRequest
from eigenlorax.subspaces.wish import Wish
from eigenlorax.training.captions import Wording
from eigenlorax.training.teach_settings import TeachSettings
from tests import tiny
from tests.subspaces.cases import bring, few, relatives

CPU = Hardware(torch.device("cpu"), torch.float32, "CPU")
_QUICK = TeachSettings(steps=6, rows=2, check=2, mixing=2, patience=0)


@dataclass(frozen=True)
class Ground:
    """What every kill begins with; all of it is only read.

    Attributes:
        model: The tiny model's folder.
        data: A data folder with four styles and two versions.
        given: LoRAs to import and pictures to learn from.
    """

    model: Path
    data: Path
    given: Path


def prepared(model: Path, base: BaseModel, folder: Path) -> Ground:
    """Make it."""
    studio = Studio(str(model), folder / "data", CPU)
    bring(studio, folder, *relatives(base, "abc", 1), tiny.lora(few(base.layout), "own", 8, 7, strength=0.3))
    drain(studio.subspaces.compress(wish=Wish(retain=0.9)))
    drain(studio.subspaces.compress(wish=Wish(retain=0.8)))
    given = folder / "given"
    for number in range(6):
        tiny.write_lora(given / f"new{number}.safetensors", tiny.lora(base.layout, "x", 4, 50 + number))
        (given / f"new{number}.json").write_text('{"activation text": "new"}')
    for number, colour in enumerate(("red", "green", "blue", "grey", "white")):
        Image.new("RGB", (80 + 8 * number, 80), colour).save(given / f"{colour} house.png")
    return Ground(model, folder / "data", given)


def _import(studio: Studio, ground: Ground) -> None:
    for one in studio.import_paths(sorted(ground.given.glob("*.safetensors"))):
        assert one.report.usable


def _compress(studio: Studio, _: Ground) -> None:
    drain(studio.subspaces.compress(wish=Wish(retain=0.95)))


def _train(studio: Studio, ground: Ground) -> None:
    wording = Wording("zyx")
    drain(
        studio.growth.teach(TeachRequest("mine", [ground.given], wording, _QUICK, columns=4, sample_every=0))
    )
    assert "mine" in studio.styles


def _export(studio: Studio, _: Ground) -> None:
    root = studio.library.root
    studio.exports.lora(LoRAExport(free_path(root, "blend", ".safetensors"), {"a": 0.5, "own": 0.5}))
    studio.exports.bundle(None, free_path(root, "all", ".safetensors"))
    target = free_path(root, "card", ".png")
    drain(studio.cards.write(CardExport("own", target, CardKind.WHOLE, prompts=("a cat",), steps=1)))
    assert len(list(exports_folder(root).glob("[!.]*"))) >= 3


def _migrate(studio: Studio, _: Ground) -> None:
    other = next(one for one in versions_of(studio.library, studio.base.layout_hash) if not one.is_open)
    drain(studio.growth.migrate(other.name, 0.999))


WORKS: dict[str, Callable[[Studio, Ground], None]] = {
    "import": _import, "compress": _compress, "train": _train, "export": _export, "migrate": _migrate,
}  # fmt: skip


def at_work(told: Connection, name: str, ground: Ground, data: Path) -> None:
    """In a process of its own: one command, said when it begins and when it is done."""
    torch.set_num_threads(1)
    studio = Studio(str(ground.model), data, CPU)
    told.send("begins")
    started = time.perf_counter()
    WORKS[name](studio, ground)
    told.send(time.perf_counter() - started)


def kill(pid: int) -> None:
    """As the system does when memory is short: nothing is cleaned up."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def half_written(root: Path) -> Iterator[Path]:
    """What a kill left behind."""
    yield from (path for path in root.rglob(".*") if path.name.startswith((".writing-", ".importing-")))
