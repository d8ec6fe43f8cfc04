"""A disk that refuses, a process that is killed, two at once: words instead of a traceback, and nothing is lost."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from eigenlorax.errors import NotWrittenError
from eigenlorax.events import drain
from eigenlorax.library.atomic import ASIDE
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import Wish
from tests import tiny
from tests.conftest import CPU
from tests.warm import WARM

REQUEST = GenerationRequest("a cat", seed=3, steps=2, width=64, height=64, styles={"a": 1.0})
posix = pytest.mark.skipif(os.name != "posix", reason="limits and signals of POSIX")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, base: BaseModel) -> Path:
    """A data folder with the styles a and b; to be copied."""
    folder = tmp_path_factory.mktemp("two")
    loras = [(name, tiny.lora(base.layout, name, 8, seed)) for seed, name in enumerate("ab")]
    studio = Studio(str(tiny_model), folder / "data", CPU)
    studio.import_paths([tiny.write_lora(folder / f"{name}.safetensors", lora) for name, lora in loras])
    drain(studio.subspaces.compress(wish=Wish(retain=0.9)))
    return folder / "data"


@pytest.fixture
def data(tmp_path: Path, two: Path) -> Path:
    return shutil.copytree(two, tmp_path / "data")


def refused(told: Connection, model: Path, data: Path, new: Path) -> None:
    """In a process of its own: four works on a disk that takes nothing any more, and what each says."""
    import resource

    studio = Studio(str(model), data, CPU)
    request = GenerationRequest("a cat", seed=3, steps=1, width=64, height=64)
    works: list[Callable[[], object]] = [
        lambda: drain(studio.subspaces.compress(wish=Wish(retain=0.99))),
        lambda: studio.growth.add("a"),
        lambda: drain(studio.generate(request)),
    ]
    # From here on no file may grow beyond a kilobyte: what a full disk does, for real.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    for work in works:
        try:
            work()
        except NotWrittenError as error:
            told.send(str(error))
    for result in studio.import_paths([new]):
        told.send(result.report.reason)


@posix
def test_a_disk_that_refuses_is_told_and_loses_nothing(
    tmp_path: Path, data: Path, tiny_model: Path, base: BaseModel
) -> None:
    before = drain(Studio(str(tiny_model), data, CPU).generate(REQUEST)).image.tobytes()
    new = tiny.write_lora(tmp_path / "new.safetensors", tiny.lora(base.layout, "new", 4, 9))
    hears, tells = WARM.Pipe(duplex=False)
    process = WARM.Process(target=refused, args=(tells, tiny_model, data, new), daemon=True)
    process.start()
    process.join(timeout=120)
    assert process.exitcode == 0
    told = [hears.recv() for _ in range(4) if hears.poll()]
    assert len(told) == 4 and all(told) and not hears.poll()
    assert not [path for path in data.rglob("*") if path.name.startswith((ASIDE, ".importing-"))]
    again = Studio(str(tiny_model), data, CPU)
    assert again.notice == ""
    assert {entry.report.name for entry in again.entries()} == {"a", "b"}
    assert drain(again.generate(REQUEST)).image.tobytes() == before


def work(ready: Connection, model: Path, data: Path) -> None:
    """In a process of its own: compress, take a style out and put it back, for ever."""
    studio = Studio(str(model), data, CPU)
    ready.send(True)
    while True:
        drain(studio.subspaces.compress(wish=Wish(retain=0.9)))
        studio.growth.remove("b")
        studio.growth.add("b")


@posix
@pytest.mark.parametrize(
    ("sign", "delays"), [(signal.SIGKILL, (0.1, 0.5)), (signal.SIGINT, (0.3,))], ids=["kill", "Ctrl-C"]
)
def test_a_killed_process_leaves_every_style_and_lora(
    data: Path, tiny_model: Path, sign: signal.Signals, delays: tuple[float, ...]
) -> None:
    for delay in delays:
        hears, tells = WARM.Pipe(duplex=False)
        process = WARM.Process(target=work, args=(tells, tiny_model, data), daemon=True)
        process.start()
        assert hears.poll(120) and hears.recv()
        time.sleep(delay)
        assert process.is_alive()  # at work, to the last moment
        assert process.pid is not None
        os.kill(process.pid, sign)
        process.join(timeout=60)
        assert process.exitcode not in (None, 0)
        studio = Studio(str(tiny_model), data, CPU)
        assert studio.notice == ""
        assert "a" in studio.styles
        assert {entry.report.name for entry in studio.entries()} == {"a", "b"}


def add(told: Connection, model: Path, data: Path, files: Sequence[Path]) -> None:
    """In a process of its own: add files to the library."""
    told.send([one.report.verdict.value for one in Studio(str(model), data, CPU).import_paths(files)])


def test_two_processes_add_to_one_library(
    tmp_path: Path, data: Path, tiny_model: Path, base: BaseModel
) -> None:
    files: list[list[Path]] = []
    for half in range(2):
        loras = [tiny.lora(base.layout, "x", 2, 100 + 10 * half + number) for number in range(4)]
        paths = [tmp_path / str(half) / f"n{half}{number}.safetensors" for number in range(4)]
        files.append([tiny.write_lora(path, lora) for path, lora in zip(paths, loras, strict=True)])
    pipes = [WARM.Pipe(duplex=False) for _ in files]
    for half, (_, tells) in zip(files, pipes, strict=True):
        WARM.Process(target=add, args=(tells, tiny_model, data, half), daemon=True).start()
    for hears, _ in pipes:
        assert hears.poll(120) and hears.recv() == ["usable"] * 4
    names = {entry.report.name for entry in Studio(str(tiny_model), data, CPU).entries()}
    assert names == {"a", "b", *(path.stem for half in files for path in half)}


def test_what_a_kill_left_half_written_is_no_lora_and_no_embedding(data: Path, tiny_model: Path) -> None:
    (data / "loras" / f"{ASIDE}abc.safetensors").write_bytes(b"half")
    (data / "embeddings").mkdir(exist_ok=True)
    (data / "embeddings" / f"{ASIDE}abc.safetensors").write_bytes(b"half")
    studio = Studio(str(tiny_model), data, CPU)
    assert {entry.report.name for entry in studio.entries()} == {"a", "b"}
    assert studio.notice == ""


def test_an_earlier_compression_stays_on_disk(data: Path, tiny_model: Path) -> None:
    studio = Studio(str(tiny_model), data, CPU)
    before = {path: path.read_bytes() for path in data.rglob("styles/*.safetensors")}
    drain(studio.subspaces.compress(wish=Wish(retain=0.5)))
    assert before and all(path.read_bytes() == content for path, content in before.items())


def test_a_read_only_folder_is_told(data: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = Studio(str(tiny_model), data, CPU)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(NotWrittenError, match="Permission denied"):
        drain(studio.subspaces.compress())
