"""Parsers of what lies beside files and of the program's own books, which anybody may have written in."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

from eigenlorax.formats.report import Verdict
from eigenlorax.formats.sidecars import read_sidecars
from eigenlorax.jobs.database import Claim, opened
from eigenlorax.jobs.store import JobStore
from eigenlorax.library.curves import Curves, load_curves, save_curves
from eigenlorax.library.effects import load_effects
from eigenlorax.library.figures import keep_figure, load_figures
from eigenlorax.library.hash_book import HashBook
from eigenlorax.library.listing import Listing
from eigenlorax.library.listing import as_json as listing_json
from eigenlorax.library.names import Names
from eigenlorax.library.notes import Notes
from eigenlorax.library.places import recognise
from eigenlorax.library.reached import load_reached
from eigenlorax.library.scan_book import ScanBook
from eigenlorax.library.size_curves import load_size_curve
from eigenlorax.library.walk import Seen
from eigenlorax.likeness import StyleLikeness
from eigenlorax.prompting.presets import read_presets
from eigenlorax.prompting.wildcards import filled
from eigenlorax.sheets.drawn_book import DrawnBook
from tests.fuzz.damage import ODD
from tests.fuzz.ground import Ground, as_json
from tests.fuzz.parser import Parser

_CIVITAI = {
    "model": {"name": "Glow", "tags": ["light"]}, "trainedWords": ["glow", "warm"], "baseModel": "SDXL 1.0",
    "description": "<p>Warm&nbsp;light</p>", "usage_tips": '{"strength": 0.7}', "favorite": True,
}  # fmt: skip
_A1111 = {"activation text": "glow, warm", "preferred weight": 0.8, "negative text": "cold", "notes": "n"}
_NOTES = {
    "loras": {"glow": {"favourite": True, "rating": 4, "tags": ["a"], "preferred_weight": 0.5, "text": "t"}}
}
_YAML = b"a111:\n    base_path: up/\n    loras: |\n        models/Lora\n        models/LyCORIS\n    checkpoints: x\n"
_CSV = b'name,prompt,negative_prompt\nfilm,"{prompt}, grain",blur\n"a ""b""",x,\n'
_WILD = b"red\n# no\n{2$$a|b|c}\n{1-2$$ and $$a|{3::x|y}|c}\n__x__\n"
_SEEN = Seen(Path("glow.safetensors"), 5, 7, (("glow.json", 1, 2),))


def _sidecar(ending: str) -> Parser:
    def read(_: Ground, path: Path) -> None:
        found = read_sidecars(path.parent / "x.safetensors")
        json.dumps(found.trigger_words)
        assert found.preferred_weight is None or abs(found.preferred_weight) < 100

    good = [as_json(_CIVITAI), as_json({"civitai": _CIVITAI, **_A1111})]
    return Parser(f"sidecar {ending}", f"x{ending}", lambda _: good, read)


def _jobs(_: Ground, path: Path) -> None:
    claim = Claim(path.parent)
    assert claim.take()
    database, _words = opened(path.parent, claim)
    try:
        store = JobStore(database)
        numbers = [job.id for job in store.jobs(100)]
        store.interrupt(4e9)
        store.changed(0)
        store.asked()
        store.add("generate", "new", {"prompt": "x"}, False, "demo", 5e9)
        for number in numbers:
            store.found(number)
        store.forget(1)
    finally:
        database.close()
        claim.give_back()


def _lying_jobs(ground: Ground, chance: Random) -> bytes:
    """A sound database in which somebody else has written."""
    path = ground.scratch / "lying.sqlite"
    path.write_bytes(ground.made("jobs")[0])
    columns = (
        "kind",
        "title",
        "asked",
        "state",
        "done",
        "total",
        "eta_s",
        "created",
        "ended",
        "result",
        "stopping",
        "place",
    )
    by = chance.choice([one for one in ODD if isinstance(one, str | int | float | None) and one != 10**400])
    by = by.encode("utf-8", "replace").decode() if isinstance(by, str) else by
    by = by % 2**63 if isinstance(by, int) else by
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = 1")
        column = chance.choice(columns)
        changes = (
            (f"UPDATE OR IGNORE jobs SET {column} = ? WHERE id % 2", (by,)),
            (f"UPDATE OR IGNORE jobs SET {column} = ? WHERE id % 2", (b"\xff\xfe",)),
            ("DROP TABLE points", ()),
            ("DELETE FROM clock", ()),
            (f"PRAGMA user_version = {chance.choice((0, 2, 99))}", ()),
            (f"ALTER TABLE jobs DROP COLUMN {chance.choice(('title', 'done', 'eta_s'))}", ()),
        )
        connection.execute(*chance.choice(changes))
    return path.read_bytes()


def _hashes(_: Ground, path: Path) -> None:
    book = HashBook(path)
    book.of_sha256("ab" * 32)
    book.short("ab" * 32)


def _scans(_: Ground, path: Path) -> None:
    ScanBook(path.parent, "layout").known(_SEEN)


def _good_scans(ground: Ground) -> list[bytes]:
    listing = Listing("glow", Path("glow.safetensors"), Verdict.USABLE, tags=("a",), preview=Path("p.png"))
    return [json.dumps([str(_SEEN.path), _SEEN.state, listing_json(listing)]).encode() + b"\n"]


def _names(_: Ground, path: Path) -> None:
    files = [path.parent / "a" / "glow.safetensors", path.parent / "b" / "glow.safetensors"]
    named = Names(path).give(files, {"chalk"})
    assert len(set(named.values())) == 2
    assert Names(path).give(files, {"chalk"}) == named


def _notes(_: Ground, path: Path) -> None:
    Notes(path).all()
    Notes(path).write("new", {"rating": 3})
    assert Notes(path).of("new").rating == 3


def _figures(ground: Ground, path: Path) -> None:
    load_figures(path, ground.styled[1], "base")


def _good_figures(ground: Ground) -> list[bytes]:
    path = ground.scratch / "figures.json"
    for name in ("a", "own"):
        figure = StyleLikeness(0.1, 0.2, 0.9, 0.8, ("a cat",), (1, 2), 4)
        keep_figure(path, ground.styled[1][name], "base", figure)
    return [path.read_bytes()]


def _good_curves(ground: Ground) -> list[bytes]:
    path = ground.scratch / "curves.json"
    save_curves(Curves(((1, 0.5), (2, 0.25)), ((2, 0.5),)), path)
    return [path.read_bytes()]


def _drawn(_: Ground, path: Path) -> None:
    (path.parent / "cache").mkdir()
    path.rename(path.parent / "cache" / "sheets.jsonl")
    DrawnBook(path.parent).find("abc")


def _places(_: Ground, path: Path) -> None:
    (path.parent / "comfy").mkdir()
    recognise(path.parent)


_EFFECTS = {"unet.mid_block.attentions.0.proj_in": 0.5, "unet.mid_block.attentions.0.proj_out": 1.5}
_SIZES = {"points": [[0.5, 1000], [0.9, 5000]], "measured": 1, "modules": list(_EFFECTS)}

KEPT: tuple[Parser, ...] = (
    *map(_sidecar, (".json", ".civitai.info", ".metadata.json", ".swarm.json", ".cm-info.json", ".txt")),
    Parser("list of jobs", "jobs.sqlite", Ground.jobs, _jobs, _lying_jobs),
    Parser("book of hashes", "hashes.jsonl", lambda _: [as_json(["a", 1, 2, "ab" * 32, "cd", "ef"]) + b"\n"], _hashes),
    Parser("book of scans", "scans-1-layout.jsonl", _good_scans, _scans),
    Parser("book of names", "names.json", lambda _: [as_json({"glow": "/a/glow.safetensors"})], _names),
    Parser("book of sheets", "x.jsonl", lambda _: [as_json(["abc", "outputs/x.png"]) + b"\n"], _drawn),
    Parser("notes", "notes.json", lambda _: [as_json(_NOTES)], _notes),
    Parser("figures", "figures.json", _good_figures, _figures),
    Parser("learning curves", "curves.json", _good_curves, lambda _, path: _ignored(load_curves(path, 100))),
    Parser("size curve", "sizes.json", lambda _: [as_json(_SIZES)], lambda _, path: _ignored(load_size_curve(path))),
    Parser("effects", "effects.json", lambda _: [as_json(_EFFECTS)], lambda _, path: _ignored(load_effects(path))),
    Parser("state of learning", "x.safetensors", Ground.reached, lambda _, path: _ignored(load_reached(path))),
    Parser("presets", "styles.csv", lambda _: [_CSV], lambda _, path: _ignored(read_presets(path))),
    Parser("wildcards", "x.txt", lambda _: [_WILD], lambda _, path: _ignored(filled("a __x__", 3, path.parent))),
    Parser("folders of ComfyUI", "extra_model_paths.yaml", lambda _: [_YAML], _places),
)  # fmt: skip


def _ignored(_: object) -> None:
    """What was read does not matter, only how."""
