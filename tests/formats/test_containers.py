"""Zips, shards and PEFT folders become single files; what is no LoRA gets its reason."""

import json
import shutil
import stat
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.archive import unpack
from eigenlorax.formats.containers import Found, Refused, find_all, find_loras
from eigenlorax.module_path import Component
from eigenlorax.runtime.sdxl import BaseModel
from tests import tiny


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def given(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    folder.mkdir()
    return folder


def small(path: Path, **tensors: torch.Tensor) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors or {"a": torch.zeros(2)}, path)
    return path


def names(found: list[Found | Refused]) -> list[str]:
    return [one.name for one in found if isinstance(one, Found)]


def reasons(found: list[Found | Refused]) -> dict[str, str]:
    return {one.name: one.reason for one in found if isinstance(one, Refused)}


def test_a_zip_of_loras_with_a_folder_a_pickle_and_a_zip_inside(given: Path, scratch: Path) -> None:
    with zipfile.ZipFile(given / "pack.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(small(scratch.parent / "one.safetensors"), "one.safetensors")
        archive.write(small(scratch.parent / "two.safetensors"), "deep/two.safetensors")
        archive.writestr("deep/two.preview.png", b"png")
        archive.writestr("old.ckpt", b"\x80\x02")
        archive.writestr("inner.zip", b"PK")
        archive.writestr("__MACOSX/._one.safetensors", b"x")
    found = list(find_loras(given / "pack.zip", scratch))
    assert names(found) == ["one", "two"]
    two = next(one for one in found if isinstance(one, Found) and one.name == "two")
    assert two.origin == "pack.zip/deep/two.safetensors"
    assert two.path.with_name("two.preview.png").read_bytes() == b"png"
    assert list(reasons(found)) == ["pack.zip/old.ckpt", "pack.zip/inner.zip"]
    assert "never opened" in reasons(found)["pack.zip/old.ckpt"]


@pytest.mark.parametrize(
    "name", ["../evil.safetensors", "/evil.safetensors", "a/../../evil.json", "C:\\evil.png", "..\\evil.json"]
)
def test_a_zip_cannot_leave_its_folder(given: Path, scratch: Path, name: str) -> None:
    with zipfile.ZipFile(given / "pack.zip", "w") as archive:
        archive.writestr("fine.safetensors", b"x")
        archive.writestr(name, b"x")
    with pytest.raises(InvalidFileError, match="not trusted"):
        unpack(given / "pack.zip", scratch / "in")
    assert not (scratch / "in").exists()
    assert not list(scratch.parent.rglob("evil*"))


def test_a_zip_cannot_plant_a_link(given: Path, scratch: Path) -> None:
    info = zipfile.ZipInfo("link.safetensors")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(given / "pack.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(InvalidFileError, match="not trusted"):
        unpack(given / "pack.zip", scratch / "in")


def test_a_zip_bomb_is_not_unpacked(given: Path, scratch: Path) -> None:
    with zipfile.ZipFile(given / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.safetensors", bytes(1 << 25))
    assert reasons(list(find_loras(given / "bomb.zip", scratch)))["bomb.zip"].endswith("not trusted")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"words"])
def test_a_broken_zip_is_named(given: Path, scratch: Path, content: bytes) -> None:
    (given / "broken.zip").write_bytes(content)
    assert "pack it again" in reasons(list(find_loras(given / "broken.zip", scratch)))["broken.zip"]


def test_shards_are_joined_whichever_is_named(given: Path, scratch: Path) -> None:
    small(given / "m-00001-of-00002.safetensors", a=torch.ones(2))
    small(given / "m-00002-of-00002.safetensors", b=torch.zeros(3))
    index = {"weight_map": {"a": "m-00001-of-00002.safetensors", "b": "m-00002-of-00002.safetensors"}}
    (given / "m.safetensors.index.json").write_text(json.dumps(index))
    for path in [given, *given.iterdir()]:
        (found,) = find_loras(path, scratch)
        assert isinstance(found, Found), path
        assert found.name == "m"
        assert load_file(found.path).keys() == {"a", "b"}
    together = [found for _, found in find_all(sorted(given.iterdir()), scratch)]
    assert names(together) == ["m"]


def test_a_missing_shard_is_missed(given: Path, scratch: Path) -> None:
    small(given / "m-00001-of-00003.safetensors")
    assert "1 of its 3 shards" in reasons(list(find_loras(given, scratch)))["m"]


def test_an_index_cannot_point_elsewhere(given: Path, scratch: Path) -> None:
    (given / "m.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../x.safetensors"}}))
    (refused,) = find_loras(given / "m.safetensors.index.json", scratch)
    assert isinstance(refused, Refused)
    assert "outside" in refused.reason


def peft_folder(folder: Path, base: BaseModel, component: Component, seed: int, **config: object) -> Path:
    lora = tiny.lora(base.layout, "x", rank=4, seed=seed, components=(component,))
    tensors = {}
    for module, layer in lora.layers.items():
        name = module.name
        tensors[f"base_model.model.{name}.lora_A.weight"] = layer.down
        tensors[f"base_model.model.{name}.lora_B.weight"] = layer.up
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 4, **config}))
    return folder


def test_a_peft_folder_with_its_alpha(given: Path, scratch: Path, base: BaseModel) -> None:
    peft_folder(given / "style", base, Component.UNET, 1, lora_alpha=8)
    expected = tiny.lora(base.layout, "x", rank=4, seed=1, components=(Component.UNET,))
    for path in (given, given / "style", given / "style" / "adapter_config.json"):
        (found,) = find_loras(path, scratch)
        assert isinstance(found, Found)
        assert found.name == "style"
        read = tiny.reader(base).open(found.path)
        assert read.layers.keys() == expected.layers.keys()
        for module, layer in expected.layers.items():
            torch.testing.assert_close(read.layers[module].up, layer.up * 2.0)


def test_a_folder_of_peft_folders_keeps_each_alpha(given: Path, scratch: Path, base: BaseModel) -> None:
    peft_folder(given / "style" / "unet", base, Component.UNET, 1, lora_alpha=8)
    peft_folder(
        given / "style" / "text_encoder", base, Component.TEXT_ENCODER, 2, lora_alpha=2, use_rslora=True
    )
    (found,) = find_loras(given / "style", scratch)
    assert isinstance(found, Found)
    read = tiny.reader(base).open(found.path)
    for component, seed, scale in ((Component.UNET, 1, 2.0), (Component.TEXT_ENCODER, 2, 1.0)):
        for module, layer in tiny.lora(
            base.layout, "x", rank=4, seed=seed, components=(component,)
        ).layers.items():
            torch.testing.assert_close(read.layers[module].up, layer.up * scale)


def test_a_peft_folder_of_pickles_is_refused(given: Path, scratch: Path) -> None:
    (given / "adapter_config.json").write_text("{}")
    (given / "adapter_model.bin").write_bytes(b"\x80\x02")
    assert "pickle" in reasons(list(find_loras(given, scratch)))["given"]


def test_sidecars_given_with_their_lora_are_no_entries_of_their_own(given: Path, scratch: Path) -> None:
    lora = small(given / "x.safetensors")
    sides = [given / name for name in ("x.json", "x.preview.png", "x.civitai.info")]
    for side in sides:
        side.write_text("{}")
    lone = given / "notes.txt"
    lone.write_text("hello")
    found = [found for _, found in find_all([lora, *sides, lone], scratch)]
    assert names(found) == ["x", "notes"]
    shutil.rmtree(given)


def test_a_zip_damaged_inside_is_named(given: Path, scratch: Path) -> None:
    with zipfile.ZipFile(given / "pack.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.safetensors", bytes(range(256)) * 400)
    sound = (given / "pack.zip").read_bytes()
    for place in range(40, len(sound) - 120, 7):
        damaged = bytearray(sound)
        damaged[place] ^= 0xFF
        (given / "pack.zip").write_bytes(bytes(damaged))
        folder = scratch / str(place)
        folder.mkdir()
        found = list(find_loras(given / "pack.zip", folder))
        assert names(found) == [] and "pack it again" in reasons(found)["pack.zip"], place


def test_a_method_that_this_machine_lacks_is_named(given: Path, scratch: Path) -> None:
    with zipfile.ZipFile(given / "pack.zip", "w") as archive:
        archive.writestr("x.safetensors", b"x")
    raw = (given / "pack.zip").read_bytes()
    # Method 97 (WavPack) in both headers of the entry.
    raw = raw[:8] + b"\x61\x00" + raw[10:]
    place = raw.index(b"PK\x01\x02") + 10
    (given / "pack.zip").write_bytes(raw[:place] + b"\x61\x00" + raw[place + 2 :])
    assert "pack it again" in reasons(list(find_loras(given / "pack.zip", scratch)))["pack.zip"]


def test_links_that_lead_round_in_circles_end(given: Path, scratch: Path) -> None:
    small(given / "a" / "x.safetensors")
    (given / "a" / "back").symlink_to(given, target_is_directory=True)
    assert names(list(find_loras(given, scratch))) == ["x"]
