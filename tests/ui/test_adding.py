"""What comes in through the page: dropped together, or named by path."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from eigenlorax.errors import InvalidFileError, InvalidRequestError
from eigenlorax.jobs.drops import drops_folder, keep_together, let_go
from eigenlorax.jobs.importing import IMPORT
from eigenlorax.jobs.job import Facts, State
from eigenlorax.jobs.opening import open_jobs
from eigenlorax.jobs.server import JobServer
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from tests import tiny
from tests.conftest import CPU
from ui import adding_markup, adding_text
from ui.adding import dropped, named
from ui.viewing import Asked


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path) -> Studio:
    return Studio(str(tiny_model), tmp_path / "data", CPU)


@pytest.fixture
def jobs(studio: Studio) -> Iterator[JobServer]:
    with open_jobs(studio) as jobs:
        yield jobs


@pytest.fixture
def file(tmp_path: Path, base: BaseModel) -> Path:
    return tiny.write_lora(tmp_path / "source" / "neon <b>.safetensors", tiny.lora(base.layout, "neon"))


def uploaded(tmp_path: Path, *files: Path) -> list[Path]:
    """As Gradio keeps uploads: each file in a folder of its own."""
    places = []
    for number, path in enumerate(files):
        folder = tmp_path / "uploads" / str(number)
        folder.mkdir(parents=True)
        places.append(Path(shutil.copy(path, folder)))
    return places


def imported(jobs: JobServer, asked: Asked) -> list[Facts]:
    job = jobs.wait(jobs.submit(IMPORT, asked.facts, asked.title), 60.0)
    assert job.state is State.DONE and job.result is not None, job.error
    found: list[Facts] = job.result["imported"]
    return found


def test_dropped_sidecars_find_their_lora(
    studio: Studio, jobs: JobServer, file: Path, tmp_path: Path
) -> None:
    note = file.with_suffix(".json")
    note.write_text(json.dumps({"activation text": "neon look"}))
    preview = file.with_name(f"{file.stem}.preview.png")
    Image.new("RGB", (300, 200), "teal").save(preview)
    stray = tmp_path / "holiday.png"
    Image.new("RGB", (8, 8)).save(stray)
    asked = dropped(studio, uploaded(tmp_path, note, file, stray, preview))
    assert asked.title == "neon <b>.json and 3 more files"
    found = imported(jobs, asked)
    assert [(one["name"], one["verdict"]) for one in found] == [
        ("neon <b>.safetensors", "usable"), ("holiday.png", "broken"),
    ]  # fmt: skip
    told = adding_markup.import_results(found)
    assert told.count("<li") == 2 and "neon &lt;b&gt;" in told and "<b>." not in told
    assert "added · rank" in adding_text.outcome(found[0]) and "left out: " in adding_text.outcome(found[1])
    (entry,) = studio.entries()
    assert entry.report.trigger_words == ("neon look",)
    assert entry.preview is not None
    left = (tmp_path / "uploads", drops_folder(studio.library.root))
    assert not any(path.is_file() for folder in left for path in folder.rglob("*"))


def test_paths_are_imported_or_explained(studio: Studio, jobs: JobServer, file: Path, tmp_path: Path) -> None:
    (result,) = imported(jobs, named(f' "{file.parent}" '))
    assert result["verdict"] == "usable"
    assert file.is_file()  # what was named is never removed
    (tmp_path / "empty").mkdir()
    (nothing,) = imported(jobs, named(str(tmp_path / "empty")))
    assert "holds no .safetensors file" in nothing["reason"]
    for given, said in (("/no/such", "there is no file or folder at /no/such"), ("  ", "write a folder")):
        with pytest.raises(InvalidRequestError, match=said):
            jobs.submit(IMPORT, named(given).facts, "import")


def test_files_of_one_name_do_not_hide_each_other(tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text(folder)
    kept = keep_together(tmp_path, [tmp_path / "a" / "x.txt", tmp_path / "b" / "x.txt"])
    assert [path.read_text() for path in kept] == ["a", "b"]
    with pytest.raises(InvalidFileError, match="drop it again"):
        keep_together(tmp_path, [tmp_path / "a" / "x.txt"])
    let_go(tmp_path, [*kept, tmp_path / "elsewhere.txt"])
    assert list(drops_folder(tmp_path).iterdir()) == []
