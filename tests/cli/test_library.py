"""verify, and the commands in groups, on a library of two styles."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from eigenlorax.cli import app
from eigenlorax.formats.hashes import hash_file
from eigenlorax.jobs.database import Claim, opened
from eigenlorax.jobs.drawing import GENERATE, DrawAsked, with_pictures_kept
from eigenlorax.jobs.store import JobStore
from eigenlorax.library.hash_book import HashBook
from eigenlorax.recipe import GenerationRequest
from eigenlorax.studio import Studio
from tests.cli.conftest import Run, Tell


def _verify(root: Path, *more: str) -> tuple[int, dict[str, tuple[str, str]]]:
    told = CliRunner().invoke(app, ["verify", "--data-dir", str(root), "--json", *more])
    content = json.loads(told.stdout)
    return told.exit_code, {one["path"]: (one["fault"], one["remedy"]) for one in content["files"]}


@pytest.fixture
def library(neon_and_chalk: Path, tmp_path: Path) -> Path:
    shutil.copytree(neon_and_chalk, tmp_path / "data")
    return tmp_path / "data"


def test_a_whole_library_is_whole_and_stays_as_it_is(library: Path) -> None:
    before = {path: path.read_bytes() for path in library.rglob("*") if path.is_file()}
    code, files = _verify(library, "--pictures")
    assert code == 0 and all(fault == "" for fault, _ in files.values())
    kinds = {path.rpartition("/")[2] for path in files}
    assert {"neon.safetensors", "chalk.safetensors", "subspace.safetensors", "current.txt"} <= kinds
    assert {path: path.read_bytes() for path in library.rglob("*") if path.is_file()} == before


def _flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(bytes(content))


def test_each_damage_is_found_and_has_a_remedy(library: Path) -> None:
    (bases,) = library.glob("subspaces/*/*/subspace.safetensors")
    style = bases.parent / "styles" / "neon.safetensors"
    style.write_bytes(style.read_bytes()[:-3])
    lora = library / "loras" / "chalk.safetensors"
    lora.write_bytes(lora.read_bytes()[:-1])
    (library / "notes.json").write_text("[1")
    (library / "styles.csv").write_text("no,columns\n")
    (library / "jobs.sqlite").write_bytes(b"no database at all" * 100)
    (bases.parent.parent / "current.txt").write_text("gone-1")
    (library / "loras" / ".writing-x.safetensors").write_bytes(b"half")
    code, files = _verify(library)
    faulty = {Path(path).name for path, (fault, remedy) in files.items() if fault and remedy}
    assert code == 1
    assert faulty == {
        "neon.safetensors", "chalk.safetensors", "notes.json", "styles.csv", "jobs.sqlite", "current.txt",
        ".writing-x.safetensors",
    }  # fmt: skip
    told = CliRunner().invoke(app, ["verify", "--data-dir", str(library)])
    assert "next: open a version that has it" in told.stdout and "7 of " in told.stdout


def test_a_turned_bit_in_the_bases_is_found_and_condemns_their_styles(library: Path) -> None:
    (bases,) = library.glob("subspaces/*/*/subspace.safetensors")
    _flip(bases, 8 + int.from_bytes(bases.read_bytes()[:8], "little"))
    code, files = _verify(library)
    faults = {Path(path).name: fault for path, (fault, _) in files.items() if fault and "subspaces" in path}
    assert code == 1
    assert "do not match its hash" in faults["subspace.safetensors"]
    assert "its subspace is damaged" in faults["neon.safetensors"]


def test_a_lora_whose_bytes_changed_behind_its_date_is_found(library: Path) -> None:
    lora = library / "loras" / "neon.safetensors"
    HashBook(library / "cache" / "hashes.jsonl").keep(lora, hash_file(lora, 8, {}))
    state = lora.stat()
    _flip(lora, -9)
    os.utime(lora, ns=(state.st_atime_ns, state.st_mtime_ns))
    code, files = _verify(library)
    assert code == 1 and "others than when it was hashed" in files["loras/neon.safetensors"][0]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["verify", "--data-dir", str(tmp_path / "none")])
    assert told.exit_code == 1 and "there is no data folder" in told.stderr


def test_styles_are_listed_shown_and_noted(tell: Tell, run: Run) -> None:
    listed = tell("styles", "list")
    assert listed["styles"].keys() == {"neon", "chalk"} and listed["stored_bytes"] > 0
    assert (
        tell("styles", "note", "neon", "--favourite", "--rating", "4", "--trigger", "glow, tube")["rating"]
        == 4
    )
    shown = tell("styles", "show", "neon")
    assert shown["trigger_words"] == ["glow", "tube"] and shown["note"]["favourite"] is True
    assert "favourite: True" in run("styles", "note", "neon").stdout
    assert "rating is 9" in run("styles", "note", "neon", "--rating", "9").stderr
    for command in (("styles", "show"), ("styles", "note")):
        refused = run(*command, "nobody")
        assert refused.exit_code == 1 and "nobody" in refused.stderr
    made = tell("styles", "previews", "--name", "neon", "--steps", "1", "--prompt", "x")
    assert made["drawn"] == ["neon"]
    assert Path(tell("styles", "show", "neon")["cover"]).is_file()


def test_blends_are_measured_balanced_mapped_and_kept(tell: Tell, run: Run) -> None:
    found = tell("blend", "check", "neon=1", "chalk=0.2")
    assert sum(found["shares"].values()) == pytest.approx(1.0)
    balanced = tell("blend", "balance", "neon=1", "chalk=0.2")
    after = tell("blend", "check", *(f"{name}={strength!r}" for name, strength in balanced.items()))
    assert after["shares"]["neon"] == pytest.approx(0.5, abs=1e-6)
    assert tell("blend", "scales").keys() == {"neon", "chalk"}
    assert tell("blend", "like", "neon").keys() == {"chalk"}
    assert tell("blend", "copies") == [] and len(tell("blend", "copies", "--least", "-1")) == 1
    assert tell("blend", "directions")[0]["share"] == pytest.approx(1.0)
    points = tell("blend", "map")["points"]
    assert tell("blend", "map", "--at", *map(str, points["neon"])) == {"neon": 1.0}
    assert tell("blend", "made-of", "dice 7")["strengths"].keys() == {"neon", "chalk"}
    assert tell("blend", "keep", "dice 7", "lucky")["styles"] == ["chalk", "lucky", "neon"]
    assert tell("remove", "lucky")["styles"] == ["chalk", "neon"]
    for arguments, words in (
        (("check", "nobody=1"), "nobody"),
        (("balance", "neon=1"), "nothing to balance"),
        (("like", "nobody"), "no style named nobody"),
        (("made-of", "seven"), "is none"),
        (("check", "neon=x"), "is no NAME=STRENGTH"),
    ):
        refused = run("blend", *arguments)
        assert refused.exit_code == 1 and words in refused.stderr and refused.stderr.count("\n") == 1


def test_loras_are_listed_imported_and_told_of(tell: Tell, run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.safetensors").write_text("text")
    assert [one["name"] for one in tell("library", "list") if one["is_style"]] == ["chalk", "neon"]
    assert "File" in tell("library", "facts", "neon")
    assert tell("library", "duplicates") == [] and tell("library", "folders") == []
    (bad,) = tell("library", "import", str(tmp_path / "bad.safetensors"), code=1)
    assert bad["verdict"] == "broken" and "not a safetensors file" in bad["reason"]
    assert "there is no file or folder" in run("library", "import", "/nowhere").stderr
    assert "no LoRA named nobody" in run("library", "facts", "nobody").stderr


def test_sizes_are_told_beforehand(tell: Tell, run: Run) -> None:
    likely = tell("estimate", "--retain", "0.9")
    assert likely["loras"] == 2 and likely["measured"] > 0
    assert {part["part"] for part in tell("spectrum")["parts"]} >= {"down", "up"}
    assert "no usable LoRA named nobody" in run("estimate", "--name", "nobody").stderr
    predicted = tell("export", "x.safetensors", "--style", "neon", "--rank", "2", "--predict")["predicted"]
    assert predicted["rank"] == 2 and not Path("x.safetensors").exists()


def test_presets_and_wildcards(tell: Tell, run: Run, styled_studio: Studio, tmp_path: Path) -> None:
    tell("presets", "keep", "big", "--prompt", "{prompt}, huge", model=False)
    csv = tmp_path / "styles.csv"
    csv.write_text("name,prompt,negative_prompt\nfine,thin lines,\n")
    assert [one["name"] for one in tell("presets", "take", str(csv), model=False)] == ["big", "fine"]
    assert [one["name"] for one in tell("presets", "list", model=False)] == ["big", "fine"]
    assert "there is no file at" in run("presets", "take", "nowhere.csv", model=False).stderr
    assert tell("wildcards", "list", model=False)["names"] == []
    one, two = (tell("wildcards", "fill", "{a|b} cat", "--seed", "5", model=False) for _ in range(2))
    assert one == two and one["prompt"] in ("a cat", "b cat") and one["changed"] is True
    assert "no wildcard file" in run("wildcards", "fill", "__x__", model=False).stderr


def test_pictures_go_to_the_trash_and_come_back(tell: Tell, run: Run, styled_studio: Studio) -> None:
    styled_studio.library.keep_picture(Image.new("RGB", (8, 8)), "a fox <lora:neon:1>\nSteps: 1, Seed: 4", 4)
    found = tell("outputs", "list", "--search", "fox", model=False)
    (picture,) = found["pictures"]
    assert found["styles"] == {"neon": 1}
    assert tell("outputs", "discard", picture["key"], model=False) == {"discarded": 1}
    assert tell("outputs", "list", "--search", "fox", model=False)["pictures"] == []
    assert tell("outputs", "undo", model=False) == {"brought_back": [picture["key"]]}
    assert "the trash is empty" in run("outputs", "undo", model=False).stderr
    assert "not among the pictures" in run("outputs", "discard", "../x.png", model=False).stderr


def test_the_queue_is_seen_and_steered(tell: Tell, run: Run, styled_studio: Studio) -> None:
    root = styled_studio.library.root
    asked = with_pictures_kept(root, DrawAsked(GenerationRequest("a cat", width=64, height=64)))
    database, _ = opened(root, Claim(root))
    store = JobStore(database)
    # For a model that nobody has open, so that they wait.
    first, second = (
        store.add(GENERATE, f"picture {n}", asked, False, "another model", time.time()) for n in (1, 2)
    )
    database.close()
    assert [one["state"] for one in tell("jobs", "list", model=False)["jobs"]] == ["queued", "queued"]
    assert tell("jobs", "pause", str(first), model=False)["state"] == "paused"
    assert tell("jobs", "resume", str(first), model=False)["state"] == "queued"
    assert tell("jobs", "pause", str(first), model=False)["state"] == "paused"
    assert tell("jobs", "cancel", str(second), model=False)["state"] == "cancelled"
    assert tell("jobs", "show", str(first), model=False)["asked"]["request"]["prompt"] == "a cat"
    assert tell("jobs", "move", str(first), "1", model=False)["state"] == "paused"
    assert "there is no job 99" in run("jobs", "show", "99", model=False).stderr
