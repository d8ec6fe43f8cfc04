"""Thirty things dropped at once: every good one goes in, every other one gets a line of its own."""

import json
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from eigenlorax.events import drain
from eigenlorax.formats.report import Verdict
from eigenlorax.lora import LoRA
from eigenlorax.module_path import Component
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from tests import headers, tiny
from tests.conftest import CPU


def lora_file(path: Path, base: BaseModel, seed: int, **kind: object) -> Path:
    components = tuple(Component) if kind.get("text") else (Component.UNET,)
    return tiny.write_lora(path, tiny.lora(base.layout, "x", 3, seed, components=components), alpha=1.5)


def peft_names(path: Path, base: BaseModel, seed: int) -> Path:
    lora: LoRA = tiny.lora(base.layout, "x", 3, seed)
    tensors = {f"{m}.lora_A.weight": x.down for m, x in lora.layers.items()}
    save_file(tensors | {f"{m}.lora_B.weight": x.up for m, x in lora.layers.items()}, path)
    return path


def sd1(path: Path) -> Path:
    stem = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    return headers.write(path, {f"{stem}.lora_down.weight": (4, 768), f"{stem}.lora_up.weight": (640, 4)})


@pytest.fixture
def dropped(tmp_path: Path, base: BaseModel) -> list[Path]:
    folder = tmp_path / "dropped"
    folder.mkdir()
    good = [lora_file(folder / f"good-{n}.safetensors", base, n, text=n % 2) for n in range(8)]
    good.append(peft_names(folder / "peft.safetensors", base, 20))
    noted = lora_file(folder / "Ünï côdé 名前.safetensors", base, 21)
    notes = noted.with_suffix(".json")
    notes.write_text(json.dumps({"activation text": "called so"}))
    copy = folder / "copy-of-good-0.safetensors"
    copy.write_bytes(good[0].read_bytes())
    partly = lora_file(folder / "partly.safetensors", base, 22)
    save_file({**load_file(partly), "lora_unet_nowhere.lora_down.weight": torch.zeros(2, 2)}, partly)
    shards = [folder / f"big-0000{n}-of-00002.safetensors" for n in (1, 2)]
    halves = list(load_file(lora_file(folder / "whole.safetensors", base, 23)).items())
    (folder / "whole.safetensors").unlink()
    for shard, half in zip(shards, (halves[: len(halves) // 2], halves[len(halves) // 2 :]), strict=True):
        save_file(dict(half), shard)
    packed = folder / "pack.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for n in (30, 31):
            archive.write(
                lora_file(tmp_path / "zip" / f"zipped-{n}.safetensors", base, n), f"in/zipped-{n}.safetensors"
            )
        archive.writestr("in/pickle.pt", b"\x80\x02")
    inner = folder / "a folder"
    lora_file(inner / "deep" / "inner.safetensors", base, 40)
    (inner / "readme.md").write_text("not a LoRA, and nobody thinks so")

    bad: dict[str, bytes] = {
        "empty.safetensors": b"", "words.safetensors": b"hello there", "pickle.ckpt": b"\x80\x02}q",
        "cut.safetensors": good[1].read_bytes()[:-100], "picture.png": b"\x89PNG\r\n\x1a\n", "notes.txt": b"text",
        "broken.zip": b"PK\x03\x04oops", "lies.safetensors": (1 << 62).to_bytes(8, "little") + b"{}",
    }  # fmt: skip
    for name, content in bad.items():
        (folder / name).write_bytes(content)
    nan = lora_file(folder / "nan.safetensors", base, 50)
    tensors = load_file(nan)
    tensors[[key for key in tensors if key.endswith("lora_up.weight")][-1]][0, 0] = float("nan")
    save_file(tensors, nan)
    others = [sd1(folder / "sd15.safetensors")]
    others.append(
        headers.write(
            folder / "flux.safetensors",
            {"lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": (4, 3072)},
        )
    )
    others.append(
        headers.write(
            folder / "control.safetensors", {"lora_controlnet": (1,), "input_blocks.4.1.down": (4, 4)}
        )
    )
    embedding = folder / "glow.safetensors"
    save_file({"clip_l": torch.randn(1, 16), "clip_g": torch.randn(1, 24)}, embedding)
    return [
        *good, noted, notes, copy, partly, *shards, packed, inner, *(folder / name for name in bad), nan, *others,
        embedding, tmp_path / "not there.safetensors",
    ]  # fmt: skip


def test_thirty_mixed_things(tmp_path: Path, tiny_model: Path, dropped: list[Path]) -> None:
    assert len(dropped) >= 30
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    results = studio.import_paths(dropped)
    told = {result.name: result for result in results}
    assert len(told) == len(results)
    good = {name for name, result in told.items() if result.report.usable}
    assert good == {
        *(f"good-{n}.safetensors" for n in range(8)), "peft.safetensors", "Ünï côdé 名前.safetensors",
        "copy-of-good-0.safetensors", "partly.safetensors", "big.safetensors", "zipped-30.safetensors",
        "zipped-31.safetensors", "inner.safetensors",
    }  # fmt: skip
    assert told["copy-of-good-0.safetensors"].note == "the library has this file already, as good-0"
    assert told["partly.safetensors"].report.verdict is Verdict.PARTLY
    assert told["glow.safetensors"].report.verdict is Verdict.EMBEDDING
    assert "'glow' now calls an embedding" in told["glow.safetensors"].note
    reasons = {name: result.report.reason for name, result in told.items() if name not in good}
    for name, words in {
        "empty.safetensors": "empty", "words.safetensors": "not a safetensors file", "pickle.ckpt": "pickle",
        "cut.safetensors": "truncated", "picture.png": "PNG", "notes.txt": "not a safetensors file",
        "broken.zip": "is not a zip", "lies.safetensors": "not a safetensors file", "nan.safetensors": "NaN",
        "sd15.safetensors": "SD1.x", "flux.safetensors": "Flux", "control.safetensors": "Control-LoRA",
        "pack.zip/in/pickle.pt": "never opened", "not there.safetensors": "does not exist",
    }.items():  # fmt: skip
        assert words in reasons.pop(name)
    assert reasons.keys() == {"glow.safetensors"}
    listed = {entry.report.name: entry.report for entry in studio.entries()}
    kept = {name.removesuffix(".safetensors") for name in good} - {"copy-of-good-0"}
    assert listed.keys() == kept | {"sd15", "flux"}
    assert listed["Ünï côdé 名前"].trigger_words == ("called so",)
    assert not [path for path in (tmp_path / "data").iterdir() if path.name.startswith(".")]


def test_a_bundle_dropped_elsewhere_brings_its_styles(
    tmp_path: Path, tiny_model: Path, base: BaseModel
) -> None:
    giver = Studio(str(tiny_model), tmp_path / "giver", CPU)
    giver.import_paths(
        [lora_file(tmp_path / f"{name}.safetensors", base, n) for n, name in enumerate(("neon", "chalk"))]
    )
    drain(giver.subspaces.compress())
    giver.exports.bundle(["neon"], tmp_path / "gift.safetensors")
    taker = Studio(str(tiny_model), tmp_path / "taker", CPU)
    (result,) = taker.import_paths([tmp_path / "gift.safetensors"])
    assert result.report.verdict is Verdict.BUNDLE
    assert taker.styles.keys() == {"neon"}
    assert taker.entries() == []
    damaged = bytearray((tmp_path / "gift.safetensors").read_bytes())
    damaged[-1] ^= 255
    (tmp_path / "bad gift.safetensors").write_bytes(bytes(damaged))
    (result,) = taker.import_paths([tmp_path / "bad gift.safetensors"])
    assert result.report.verdict is Verdict.BROKEN
