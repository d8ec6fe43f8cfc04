"""A disk that refuses, a process that is killed, two at once: words instead of a traceback, and nothing is lost."""

import os
import signal
import subprocess
import sys
import time
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

ROOT = Path(__file__).parent.parent
REQUEST = GenerationRequest("a cat", seed=3, steps=2, width=64, height=64, styles={"a": 1.0})
posix = pytest.mark.skipif(os.name != "posix", reason="limits and signals of POSIX")


@pytest.fixture
def data(tmp_path: Path, tiny_model: Path, base: BaseModel) -> Path:
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    for seed, name in enumerate("ab"):
        lora = tiny.lora(base.layout, name, 8, seed)
        studio.import_paths([tiny.write_lora(tmp_path / f"{name}.safetensors", lora)])
    drain(studio.subspaces.compress(wish=Wish(retain=0.9)))
    return tmp_path / "data"


def python(code: str, *arguments: Path) -> subprocess.Popen[str]:
    """A process of its own with `code`, which finds its arguments in sys.argv."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


REFUSING = """
import resource, sys
from pathlib import Path
from eigenlorax.errors import NotWrittenError
from eigenlorax.recipe import GenerationRequest
from eigenlorax.events import drain
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import Wish
from tests.conftest import CPU
studio = Studio(sys.argv[1], Path(sys.argv[2]), CPU)
request = GenerationRequest("a cat", seed=3, steps=1, width=64, height=64)
# From here on no file may grow beyond a kilobyte: what a full disk does, for real.
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for work in (
    lambda: drain(studio.subspaces.compress(wish=Wish(retain=0.99))),
    lambda: studio.growth.add("a"),
    lambda: drain(studio.generate(request)),
):
    try:
        work()
    except NotWrittenError as error:
        print("told:", error)
for result in studio.import_paths([Path(sys.argv[3])]):
    print("told:", result.report.reason)
"""


@posix
def test_a_disk_that_refuses_is_told_and_loses_nothing(
    tmp_path: Path, data: Path, tiny_model: Path, base: BaseModel
) -> None:
    before = drain(Studio(str(tiny_model), data, CPU).generate(REQUEST)).image.tobytes()
    new = tiny.write_lora(tmp_path / "new.safetensors", tiny.lora(base.layout, "new", 4, 9))
    process = python(REFUSING, tiny_model, data, new)
    out, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors, errors
    assert len([line for line in out.splitlines() if line.startswith("told: ")]) == 4, out + errors
    assert not [path for path in data.rglob("*") if path.name.startswith((ASIDE, ".importing-"))]
    again = Studio(str(tiny_model), data, CPU)
    assert again.notice == ""
    assert {entry.report.name for entry in again.entries()} == {"a", "b"}
    assert drain(again.generate(REQUEST)).image.tobytes() == before


WORKING = """
import sys
from pathlib import Path
from eigenlorax.events import drain
from eigenlorax.studio import Studio
from tests.conftest import CPU
studio = Studio(sys.argv[1], Path(sys.argv[2]), CPU)
print("ready", flush=True)
while True:
    drain(studio.subspaces.compress(wish=Wish(retain=0.9)))
    studio.growth.remove("b")
    studio.growth.add("b")
"""


@posix
@pytest.mark.parametrize(
    ("sign", "delays"), [(signal.SIGKILL, (0.1, 0.5)), (signal.SIGINT, (0.3,))], ids=["kill", "Ctrl-C"]
)
def test_a_killed_process_leaves_every_style_and_lora(
    data: Path, tiny_model: Path, sign: signal.Signals, delays: tuple[float, ...]
) -> None:
    for delay in delays:
        process = python(WORKING, tiny_model, data)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(delay)
        process.send_signal(sign)
        process.communicate(timeout=60)
        studio = Studio(str(tiny_model), data, CPU)
        assert studio.notice == ""
        assert "a" in studio.styles
        assert {entry.report.name for entry in studio.entries()} == {"a", "b"}


ADDING = """
import sys
from pathlib import Path
from eigenlorax.studio import Studio
from tests.conftest import CPU
studio = Studio(sys.argv[1], Path(sys.argv[2]), CPU)
print([(one.report.verdict.value, one.report.name) for one in studio.import_paths(map(Path, sys.argv[3:]))])
"""


def test_two_processes_add_to_one_library(
    tmp_path: Path, data: Path, tiny_model: Path, base: BaseModel
) -> None:
    files: list[list[Path]] = []
    for half in range(2):
        loras = [tiny.lora(base.layout, "x", 2, 100 + 10 * half + number) for number in range(4)]
        paths = [tmp_path / str(half) / f"n{half}{number}.safetensors" for number in range(4)]
        files.append([tiny.write_lora(path, lora) for path, lora in zip(paths, loras, strict=True)])
    processes = [python(ADDING, tiny_model, data, *half) for half in files]
    for process in processes:
        out, errors = process.communicate(timeout=120)
        assert out.count("usable") == 4, errors
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
