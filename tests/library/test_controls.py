"""ControlNets are found where each program keeps them, and judged by their headers."""

from pathlib import Path

import pytest
import torch
from diffusers import ControlNetModel
from safetensors.torch import save_file

from eigenlorax.library.controls import ControlFile, Controls, ControlShelf
from eigenlorax.runtime import control_file
from eigenlorax.runtime.sdxl import BaseModel


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory, base: BaseModel) -> Path:
    folder = tmp_path_factory.mktemp("nets") / "depth"
    ControlNetModel.from_unet(base.pipeline.unet).save_pretrained(folder)
    return folder / "diffusion_pytorch_model.safetensors"


def laid(net: Path, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.hardlink_to(net)
    return path


@pytest.mark.parametrize(
    ("place", "marks"),
    [
        ("models/ControlNet", ["webui.py"]),
        ("extensions/sd-webui-controlnet/models", ["webui.py"]),
        ("models/controlnet/sdxl", ["custom_nodes/x"]),
        ("Models/controlnet", ["SwarmUI.sln"]),
        ("models/sdxl/controlnet", ["invokeai.yaml"]),
        ("ComfyUI/models/controlnet", ["ComfyUI/custom_nodes/x"]),
        ("controlnet", []),
    ],
)
def test_where_programs_keep_them(
    tmp_path: Path, net: Path, base: BaseModel, place: str, marks: list[str]
) -> None:
    for mark in marks:
        (tmp_path / mark).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / mark).touch()
    path = laid(net, tmp_path / place / "edges.safetensors")
    shelf = ControlShelf(tmp_path / "data", lambda: [tmp_path], None, base.pipeline.unet.config)
    assert shelf.look().files == (ControlFile("edges", path),)


def test_own_given_and_listed_folders(tmp_path: Path, net: Path, base: BaseModel) -> None:
    comfy, far = tmp_path / "comfy", tmp_path / "far"
    laid(net, tmp_path / "data" / "controlnet" / "b.safetensors")
    laid(net, tmp_path / "given" / "Depth of field" / net.name)
    laid(net, far / "nets" / "a.safetensors")
    (comfy / "custom_nodes").mkdir(parents=True)
    (comfy / "extra_model_paths.yaml").write_text(f"mine:\n  base_path: {far}\n  controlnet: nets\n")
    shelf = ControlShelf(tmp_path / "data", lambda: [comfy], tmp_path / "given", base.pipeline.unet.config)
    assert [one.name for one in shelf.look().files] == ["a", "b", "Depth of field"]
    assert not any(one.trouble for one in shelf.look().files)
    nothing = ControlShelf(tmp_path / "new", list, tmp_path / "gone", base.pipeline.unet.config)
    assert nothing.look() == Controls((), ())


def test_what_cannot_steer_is_told_and_read_once(
    tmp_path: Path, base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "controlnet"
    own.mkdir()
    save_file({"lora_controlnet": torch.zeros(1)}, own / "lora.safetensors")
    (own / "torn.safetensors").write_bytes(b"\x20\0\0\0\0\0\0\0{")
    (own / "old.pt").touch()
    shelf = ControlShelf(tmp_path, list, None, base.pipeline.unet.config)
    found = {one.name: one.trouble for one in shelf.look().files}
    assert "Control-LoRA" in found["lora"]
    assert "torn" in found["torn"]
    assert "never opened" in shelf.look().troubles[0]
    assert shelf.look().usable == {}
    monkeypatch.setattr(control_file, "misfit", lambda *_: pytest.fail("read again"))
    monkeypatch.setattr("eigenlorax.library.controls.read_header", lambda *_: pytest.fail("read again"))
    assert len(shelf.look().files) == 2
