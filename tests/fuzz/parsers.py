"""Every parser of a stranger's file: how to make a good one, how to read it, and lies made for it alone."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.containers import Found, find_loras
from eigenlorax.formats.embeddings import read_embeddings
from eigenlorax.formats.tags import tags_of
from eigenlorax.library.bundle import load_bundle
from eigenlorax.library.cover import cover_of
from eigenlorax.library.library import Library
from eigenlorax.library.opened import open_collection
from eigenlorax.library.provenance import provenance_of
from eigenlorax.library.style_card import read_card
from eigenlorax.library.style_file import load_style
from eigenlorax.library.subspace_file import load_subspace
from eigenlorax.outputs.outputs import Outputs
from eigenlorax.recall.read import recall, recall_text
from eigenlorax.recall.recalled import Recalled
from eigenlorax.recall.restore import Here, restore
from eigenlorax.recall.shelf import Shelved
from eigenlorax.training.captions import Wording, captions_of
from eigenlorax.training.pictures import LeftOut, Taken, look, picture_of
from tests import tiny
from tests.fuzz import hostile
from tests.fuzz.ground import FIXTURES, Ground, as_json, picture
from tests.fuzz.kept import KEPT
from tests.fuzz.parser import Parser

_HERE = Here("model", 1024, "", [Shelved("neon_v2", True), Shelved("chalk", False)])


def _lora(ground: Ground, path: Path) -> None:
    """Everything that an import does with a file."""
    reader = tiny.reader(ground.base)
    report = reader.verify(path)
    tags_of(path)
    (path.parent / "library").mkdir()
    Library(path.parent / "library").cover(path)
    if not report.usable:
        assert report.reason
        return
    layers = reader.open(path).layers
    for module in layers:
        assert bool(layers[module].up.isfinite().all())


def _found(ground: Ground, given: Path) -> None:
    """Everything in what a person pointed at."""
    scratch = given.parent / "scratch"
    scratch.mkdir()
    reader = tiny.reader(ground.base)
    for found in find_loras(given, scratch):
        if isinstance(found, Found):
            reader.scan(found.path)
        else:
            assert found.reason


def _peft(ground: Ground, path: Path) -> None:
    folder = path.parent / "glow"
    folder.mkdir()
    path.rename(folder / path.name)
    (folder / "adapter_model.safetensors").write_bytes(ground.made("loras")[2])
    _found(ground, folder)


def _shards(ground: Ground, path: Path) -> None:
    for number in (1, 2):
        whole = ground.made("embeddings")[number - 1]
        path.with_name(f"m-0000{number}-of-00002.safetensors").write_bytes(whole)
    _found(ground, path)


def _card(ground: Ground, path: Path) -> None:
    card = read_card(path)
    home = ground.styled[0] if card.facts.kind == "light" else None
    style = card.unpacked(home)[1]
    provenance_of(style)
    cover_of(style)


def _style(ground: Ground, path: Path) -> None:
    style = load_style(path, ground.styled[0])
    provenance_of(style)
    cover_of(style)


def _version(ground: Ground, path: Path) -> None:
    """A version's folder, and the pointer to the open one."""
    home = path.parent / "data" / "subspaces" / "layout"
    (home / "v-1").mkdir(parents=True)
    (home / "v-1" / "subspace.safetensors").write_bytes(ground.made("subspaces")[0])
    path.rename(home / "current.txt")
    library = Library(path.parent / "data")
    try:
        library.load_current("layout")
    finally:
        open_collection(path.parent / "data")


def _drawn(found: Recalled) -> None:
    """Whatever was read makes a request that can be drawn, and text that can be printed."""
    request = restore(found, _HERE).request
    if request.prompt.strip():
        request.check()
    json.dumps(dict(found.unread))


def _recalled(_: Ground, path: Path) -> None:
    _drawn(recall(path.read_bytes(), path.name))


def _pasted(_: Ground, path: Path) -> None:
    _drawn(recall_text(path.read_bytes().decode("utf-8", "replace")))


def _gallery(_: Ground, path: Path) -> None:
    outputs = Outputs(path.parent)
    outputs.folder.mkdir()
    path.rename(outputs.folder / path.name)
    for kept in outputs.pictures():
        outputs.thumbnail(kept.key)


def _caption(_: Ground, path: Path) -> None:
    taken = Taken(path.with_suffix(".png"), "0" * 64, (64, 64), caption_file=path)
    (caption,) = captions_of([taken], Wording("glow"))
    assert "glow" in caption.text


def _taught_by(_: Ground, path: Path) -> None:
    fate = look(path)
    if isinstance(fate, LeftOut):
        raise InvalidFileError(fate.reason)
    assert picture_of(fate).mode == "RGB"


def _fixtures(*endings: str) -> Callable[[Ground], Sequence[bytes]]:
    def read(_: Ground) -> Sequence[bytes]:
        files = sorted((FIXTURES / "recall").iterdir())
        return [path.read_bytes() for path in files if path.suffix in endings]

    return read


_CONFIG = {
    "peft_type": "LORA",
    "r": 2,
    "lora_alpha": 4,
    "target_modules": ["to_q"],
    "alpha_pattern": {"to_q": 2},
}
_INDEX = {"weight_map": {"clip_l": "m-00001-of-00002.safetensors", "clip_g": "m-00002-of-00002.safetensors"}}
_CAPTIONS = [b"1girl, long_hair, \\(series\\)\nsmile", "\ufeffein Haus".encode(), "猫, 名前".encode("utf-16")]
_PICTURES = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP")

PARSERS: tuple[Parser, ...] = (
    Parser("LoRA", "x.safetensors", Ground.loras, _lora),
    Parser("embedding", "x.safetensors", Ground.embeddings, lambda _, path: _ignored(read_embeddings(path))),
    Parser("zip", "x.zip", Ground.zips, _found, hostile.archive),
    Parser("PEFT folder", "adapter_config.json", lambda _: [as_json(_CONFIG)], _peft),
    Parser("shard index", "m.safetensors.index.json", lambda _: [as_json(_INDEX)], _shards),
    Parser("style card", "x.png", Ground.cards, _card, hostile.card),
    Parser("bundle", "x.safetensors", Ground.bundles, lambda _, path: _ignored(load_bundle(path))),
    Parser("style file", "x.safetensors", Ground.styles, _style),
    Parser("subspace file", "x.safetensors", Ground.subspaces, lambda _, path: _ignored(load_subspace(path))),
    Parser("open version", "x.txt", lambda _: [b"v-1", b"../layout/v-1"], _version),
    Parser("settings in a picture", "x.png", _fixtures(".png", ".jpg", ".webp", ".avif", ".gif"), _recalled, hostile.told_picture),
    Parser("settings as text", "x.txt", _fixtures(".txt", ".json"), _pasted, hostile.told_text),
    Parser("gallery", "x.png", _fixtures(".png", ".webp"), _gallery, hostile.bomb),
    Parser("picture to learn from", "x.png", lambda _: [picture(kind) for kind in _PICTURES], _taught_by, hostile.bomb),
    Parser("caption", "x.txt", lambda _: _CAPTIONS, _caption),
    *KEPT,
)  # fmt: skip


def _ignored(_: object) -> None:
    """What was read does not matter, only how."""
