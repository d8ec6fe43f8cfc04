"""A collection that lies in other programs' folders: listed, compressed and spoken of, and never touched."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from eigenlorax.cases.previews import PreviewWish, render_previews
from eigenlorax.errors import InvalidFileError, InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.export.request import LoRAExport
from eigenlorax.formats import read
from eigenlorax.formats.report import Verdict
from eigenlorax.library.hash_book import HashBook
from eigenlorax.library.library import Library
from eigenlorax.originals import Originals
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import LibraryEntry, Studio
from tests import tiny
from tests.conftest import CPU


@pytest.fixture
def webui(tmp_path: Path, base: BaseModel) -> Path:
    """A small A1111 folder with everything that such folders have."""
    root = tmp_path / "webui"
    place = root / "models" / "Lora"
    for number, name in enumerate(("neon", "deep/chalk", "deep/er/neon")):
        lora = tiny.lora(base.layout, name, 2, number)
        tiny.write_lora(place / f"{name}.safetensors", lora, metadata={"modelspec.title": f"Title {number}"})
    (place / "neon.json").write_text(json.dumps({"activation text": "neon glow", "preferred weight": 0.8}))
    (place / "neon.civitai.info").write_text(
        json.dumps({"trainedWords": ["civit"], "model": {"tags": ["city"]}})
    )
    Image.new("RGB", (40, 60), "teal").save(place / "neon.preview.png")
    (place / "broken.safetensors").write_bytes(b"nothing")
    (place / "loop").symlink_to(place)
    key = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    old = {f"{key}.lora_down.weight": torch.zeros(2, 768), f"{key}.lora_up.weight": torch.zeros(320, 2)}
    save_file(old, place / "sd15.safetensors")
    save_file({"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(4, 4, 3, 3)}, place / "checkpoint.safetensors")  # fmt: skip
    (root / "webui.py").write_text("")
    return root


def _state(root: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in root.rglob("*")}


def _listed(studio: Studio) -> dict[str, LibraryEntry]:
    return {entry.report.name: entry for entry in studio.entries()}


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path, webui: Path) -> Studio:
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    studio.collection.look_in(webui)
    return studio


def test_a_folder_in_place_is_listed_with_what_lies_beside_each_and_nothing_in_it_changes(
    studio: Studio, webui: Path, tmp_path: Path, tiny_model: Path
) -> None:
    before = _state(webui)
    events = list(studio.collection.scan())
    assert (events[-1].done, events[-1].total) == (6, 6)
    listed = _listed(studio)
    assert {name: entry.report.verdict for name, entry in listed.items()} == {
        "broken": Verdict.BROKEN,
        "chalk": Verdict.USABLE,
        "neon": Verdict.USABLE,
        "neon (er)": Verdict.USABLE,
        "sd15": Verdict.OTHER_BASE,
    }
    neon = listed["neon"]
    assert (neon.trigger_words, neon.preferred_weight, neon.tags) == (("neon glow",), 0.8, ("city",))
    assert neon.report.suggested_words == ("civit",)
    assert (neon.report.title, neon.report.place) == ("Title 0", "webui/models/Lora")
    assert neon.preview == webui / "models/Lora/neon.preview.png"
    (place,) = studio.collection.folders()
    assert (place.kind, place.loras, place.foreign) == ("A1111", 5, 1)
    assert "looked through already" in place.troubles[0]

    drain(studio.subspaces.compress(["chalk", "neon", "neon (er)"]))
    assert studio.styles.keys() == {"chalk", "neon", "neon (er)"}
    exported = studio.exports.lora(LoRAExport(tmp_path / "out.safetensors", lora="neon (er)"))
    assert exported.path.is_file()
    assert _state(webui) == before
    studio.collection.write_note("chalk", {"trigger_words": ["my word"]})
    assert studio.styles["chalk"].trigger_words == ("my word",)
    again = Studio(str(tiny_model), tmp_path / "data", CPU)
    assert _listed(again).keys() == listed.keys()
    assert _listed(again)["chalk"].style is not None


def test_only_what_has_changed_is_read_again(
    studio: Studio, webui: Path, base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned: list[str] = []
    header = read.read_header

    def counted(path: Path) -> object:
        scanned.append(path.name)
        return header(path)

    monkeypatch.setattr(read, "read_header", counted)
    studio.entries()
    assert len(scanned) == 6
    root = studio.library.root
    originals = Originals(Library(root), tiny.reader(base), base.layout_hash)
    assert len(originals.listings()) == 5
    assert len(scanned) == 6
    (webui / "models/Lora/deep/chalk.txt").write_text("a new note")
    assert [one.description for one in originals.listings() if one.name == "chalk"] == [""]
    drain(originals.scan())
    assert [one.description for one in originals.listings() if one.name == "chalk"] == ["a new note"]
    assert scanned[6:] == ["chalk.safetensors"]
    # Another base gives other verdicts, so it has a memory of its own.
    Originals(Library(root), tiny.reader(base), "another layout").listings()
    assert len(scanned) == 13


def test_what_vanishes_is_told_in_words(studio: Studio, webui: Path, tmp_path: Path) -> None:
    studio.entries()
    (webui / "models/Lora/neon.safetensors").unlink()
    (lora,) = [entry.report for entry in studio.entries() if entry.report.name == "neon"]
    with pytest.raises(InvalidFileError, match="does not exist"):
        drain(studio.subspaces.compress([lora.name]))
    drain(studio.collection.scan())
    assert "neon" not in _listed(studio)
    webui.rename(tmp_path / "moved")
    drain(studio.collection.scan())
    assert studio.entries() == []
    assert "is not there" in studio.collection.folders()[0].troubles[0]
    studio.collection.leave(webui)
    assert studio.collection.folders() == []


def test_a_dropped_file_does_not_take_the_name_of_one_in_place(
    studio: Studio, tmp_path: Path, base: BaseModel
) -> None:
    dropped = tiny.write_lora(tmp_path / "neon.safetensors", tiny.lora(base.layout, "other", 2, 9))
    (result,) = studio.import_paths([dropped])
    assert result.report.name == "neon-2"
    assert {"neon", "neon-2", "neon (er)"} <= _listed(studio).keys()


def test_the_users_word_counts_before_the_files(studio: Studio, tmp_path: Path, tiny_model: Path) -> None:
    collection = studio.collection
    collection.write_note("neon", {"trigger_words": ["my word"], "favourite": True, "preferred_weight": 0.5})
    collection.write_note("neon", {"tags": ["mine"]})
    entry = _listed(Studio(str(tiny_model), tmp_path / "data", CPU))["neon"]
    assert (entry.trigger_words, entry.favourite, entry.preferred_weight, entry.tags) == (
        ("my word",),
        True,
        0.5,
        ("mine",),
    )
    facts = dict(collection.facts("neon"))
    assert facts["Files beside it"] == "neon.json, neon.civitai.info"
    with pytest.raises(InvalidRequestError, match="no LoRA named"):
        collection.facts("nobody")


def test_the_same_weights_are_found_whatever_the_header_says(
    studio: Studio, tmp_path: Path, base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []
    book = HashBook.hash_file

    def counted(self: HashBook, path: Path, start: int, metadata: dict[str, str]) -> object:
        hashed.append(path)
        return book(self, path, start, metadata)

    monkeypatch.setattr(HashBook, "hash_file", counted)
    assert studio.collection.duplicates() == []
    assert hashed == []  # a few kilobytes of each tell them apart
    copy = tmp_path / "webui/models/Lora/other name.safetensors"
    tiny.write_lora(copy, tiny.lora(base.layout, "chalk", 2, 1), metadata={"ss_output_name": "other"})
    drain(studio.collection.scan())
    assert studio.collection.duplicates() == [("chalk", "other name")]
    assert {path.stem for path in hashed} == {"chalk", "other name"}


def test_previews_go_on_where_they_stopped(studio: Studio) -> None:
    drain(studio.subspaces.compress(["chalk", "neon", "neon (er)"]))
    wish = PreviewWish(prompt="an apple", steps=2, guidance=1.0)
    work = render_previews(studio, wish)
    while next(work).cover is None:
        pass
    work.close()  # neon has a picture beside it, so the first is another
    (first,) = [name for name, entry in _listed(studio).items() if entry.preview and name != "neon"]
    rest = drain(render_previews(studio, wish))
    assert sorted([first, *rest["drawn"]]) == ["chalk", "neon (er)"]
    assert drain(render_previews(studio, wish))["drawn"] == []
    with Image.open(_listed(studio)["chalk"].preview or "") as cover:
        assert cover.size == (studio.base.native_size,) * 2
    # At another prompt all of them, and those that stopped in between only once.
    anew = PreviewWish(prompt="a pear", steps=2, guidance=1.0, anew=True)
    assert len(drain(render_previews(studio, anew))["drawn"]) == 3
    assert drain(render_previews(studio, anew))["drawn"] == []
    with pytest.raises(InvalidRequestError, match="no style to draw"):
        drain(render_previews(studio, PreviewWish(names=("nobody",))))
