"""What people and their systems do to a data folder: files removed by hand, clocks that jump, names of any kind."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from eigenlorax.events import drain
from eigenlorax.export.request import LoRAExport
from eigenlorax.jobs.database import Database
from eigenlorax.jobs.job import State
from eigenlorax.jobs.store import JobStore
from eigenlorax.library.exports import free_path
from eigenlorax.library.versions import versions_of
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import Wish
from tests import tiny
from tests.conftest import CPU

INDEXES = (
    "cache",
    "jobs.sqlite",
    "jobs.lock",
    "names.json",
    "subspaces/*/current.txt",
    "subspaces/*/pictures.json",
)
NAMES = (
    "x" * 243, "名" * 80, "\u202eevil\u202c", "e\u0301 é", "🎨 a'b\"c", "-rf", "%2e%2e", "a;b&c|d", "<b>bold", "~",
)  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, neon_and_chalk: Path) -> Path:
    return shutil.copytree(neon_and_chalk, tmp_path / "data")


def pixels(studio: Studio, style: str = "neon") -> bytes:
    asked = GenerationRequest("a cat", seed=3, steps=1, width=64, height=64, styles={style: 1.0})
    return drain(studio.generate(asked)).image.tobytes()


def test_indexes_removed_by_hand_are_made_again(data: Path, tiny_model: Path) -> None:
    before = Studio(str(tiny_model), data, CPU)
    drawn, listed = pixels(before), {entry.report.name: entry.report for entry in before.entries()}
    for pattern in INDEXES:
        for path in data.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    after = Studio(str(tiny_model), data, CPU)
    assert after.notice == "" and after.styles.keys() == {"neon", "chalk"}
    assert {entry.report.name for entry in after.entries()} == listed.keys()
    assert pixels(after) == drawn
    drain(after.subspaces.compress())
    for entry in listed.values():
        known = after.library.hashes.known(entry.path)
        assert known is not None and known.sha256 == hashlib.sha256(entry.path.read_bytes()).hexdigest()


@pytest.mark.parametrize("when", [0.0, 4_102_444_800.0], ids=["1970", "2100"])
def test_clocks_that_jump_change_nothing(data: Path, tiny_model: Path, when: float) -> None:
    drawn = pixels(Studio(str(tiny_model), data, CPU))
    for path in data.rglob("*"):
        os.utime(path, (when, when))
    studio = Studio(str(tiny_model), data, CPU)
    assert studio.notice == "" and len(studio.entries()) == 2
    assert pixels(studio) == drawn
    drain(studio.subspaces.compress(wish=Wish(retain=0.8)))
    versions = versions_of(studio.library, studio.base.layout_hash)
    assert len(versions) == 2
    opened = next(version for version in versions if version.is_open)
    assert Studio(str(tiny_model), data, CPU).styles.keys() == set(opened.styles)


def test_jobs_keep_their_order_while_the_clock_goes_back(tmp_path: Path) -> None:
    database = Database(tmp_path / "jobs.sqlite")
    store = JobStore(database)
    numbers = [store.add("x", "x", {}, False, "demo", now) for now in (5e9, 1e9, -1.0, 3e9)]
    run = []
    while (number := store.first("demo")) is not None:
        assert store.begin(number, 5e9 - 1e9 * len(run))
        store.settle(number, State.DONE, -5.0)
        run.append(number)
    assert run == numbers
    database.close()


def test_names_of_any_kind(tmp_path: Path, data: Path, tiny_model: Path, base: BaseModel) -> None:
    studio = Studio(str(tiny_model), data, CPU)
    files = [
        tiny.write_lora(tmp_path / "in" / f"{name}.safetensors", tiny.lora(base.layout, "x", 2, 60 + number))
        for number, name in enumerate(NAMES)
    ]
    results = studio.import_paths(files)
    assert [one.report.reason for one in results if not one.report.usable] == []
    assert {entry.report.name for entry in studio.entries()} == {*NAMES, "neon", "chalk"}
    drain(studio.subspaces.compress())
    again = Studio(str(tiny_model), data, CPU)
    assert again.styles.keys() == {*NAMES, "neon", "chalk"}
    for name in NAMES[:4]:
        assert pixels(again, name) != pixels(again)
        target = free_path(data, name, ".safetensors")
        assert again.exports.lora(LoRAExport(target, {name: 1.0})).path.is_file()
        assert target.parent == data / "exports"
    other = tiny.write_lora(
        tmp_path / "other" / f"{NAMES[0]}.safetensors", tiny.lora(base.layout, "x", 2, 99)
    )
    (told,) = again.import_paths([other])  # "-2" behind a name that fills the disk's limit does not fit
    assert told.report.usable or "could not be copied" in told.report.reason
