"""A bundle gives back exactly what went in, and nothing that was tampered with."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from eigenlorax.errors import InvalidFileError, SubspaceMismatchError
from eigenlorax.events import drain
from eigenlorax.library.bundle import Bundle, keep_bundle, load_bundle, save_bundle
from eigenlorax.library.library import Library
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.fit import Goal, fit
from tests import tiny


@pytest.fixture(scope="module")
def bundle(base: BaseModel) -> Bundle:
    loras = [*tiny.relatives(base.layout, ("a", "c", "d"), 4, 1), tiny.lora(base.layout, "b", 16, 2)]
    result = drain(fit(loras, {}, base.layout_hash, Goal(retain=0.8)))
    styles = result.styles({"a": ("one", "two"), "b": (), "c": (), "d": ()})
    return Bundle(result.subspace, {name: styles[name] for name in ("a", "b")})


@pytest.fixture
def path(tmp_path: Path, bundle: Bundle) -> Path:
    save_bundle(bundle.subspace, bundle.styles, tmp_path / "x.safetensors")
    return tmp_path / "x.safetensors"


def _rewrite(path: Path, **metadata: str) -> None:
    with safe_open(path, framework="pt") as file:
        kept = file.metadata()
    save_file(load_file(path), path, {**kept, **metadata})


def test_round_trips_add_no_error(tmp_path: Path, path: Path, bundle: Bundle) -> None:
    first = load_bundle(path)
    assert first.subspace.hash == bundle.subspace.hash
    assert first.styles["a"].trigger_words == ("one", "two")
    save_bundle(first.subspace, first.styles, tmp_path / "y.safetensors")
    second = load_bundle(tmp_path / "y.safetensors")
    for name, style in bundle.styles.items():
        for module, core in style.cores.items():
            again = first.styles[name].cores[module]
            assert float((again - core).norm()) <= 1e-3 * float(core.norm())
            assert torch.equal(again, second.styles[name].cores[module])


def test_a_library_keeps_what_it_has(tmp_path: Path, path: Path, bundle: Bundle) -> None:
    library = Library(tmp_path / "library")
    loaded = load_bundle(path)
    assert keep_bundle(loaded, library) == keep_bundle(loaded, library) == ("a", "b")
    stranger = Bundle(bundle.subspace, {"a": replace(loaded.styles["b"], name="a")})
    assert keep_bundle(stranger, library) == ("a-2",)
    current = library.load_current(bundle.subspace.layout)
    assert current is not None
    assert set(current[2]) == {"a", "b", "a-2"}
    assert torch.equal(*(next(iter(current[2][name].cores.values())) for name in ("b", "a-2")))


def test_a_style_of_another_subspace_is_refused(tmp_path: Path, base: BaseModel, bundle: Bundle) -> None:
    other = drain(
        fit(tiny.relatives(base.layout, "cef", 3, 9), {}, base.layout_hash, Goal(retain=0.8))
    ).styles({"c": (), "e": (), "f": ()})
    with pytest.raises(SubspaceMismatchError, match="c, e, f belong to another subspace"):
        save_bundle(bundle.subspace, {**bundle.styles, **other}, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", [-3, None], ids=["last byte", "bases"])
def test_every_damaged_number_is_noticed(path: Path, place: int | None) -> None:
    content = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    content[place or (start + len(content)) // 2] ^= 0x01
    path.write_bytes(bytes(content))
    with pytest.raises(InvalidFileError, match="damaged"):
        load_bundle(path)


@pytest.mark.parametrize("name", ["../../evil", "/etc/x", "a\\b", "", ".hidden", "..", "a/b"])
def test_a_name_that_leads_elsewhere_is_refused(path: Path, name: str) -> None:
    with safe_open(path, framework="pt") as file:
        styles = json.loads(file.metadata()["styles"])
    styles[0]["name"] = name
    _rewrite(path, styles=json.dumps(styles))
    with pytest.raises(InvalidFileError, match="no file name"):
        load_bundle(path)


@pytest.mark.parametrize(
    "metadata",
    [
        {"styles": "no JSON"}, {"styles": "[{}]"}, {"styles": "[3]"}, {"styles": "3"}, {"subspace": "[]"},
        {"subspace": "{}"}, {"styles": "[" * 100_000}, {"version": "99"}, {"format": "eigenlorax.style"},
    ],
)  # fmt: skip
def test_a_header_that_lies_is_told(path: Path, metadata: dict[str, str]) -> None:
    _rewrite(path, **metadata)
    with pytest.raises(InvalidFileError):
        load_bundle(path)
