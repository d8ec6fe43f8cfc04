"""Whose folder it is, and where its LoRAs are."""

import os
from pathlib import Path

import pytest

from eigenlorax.errors import InvalidRequestError
from eigenlorax.library.folders import Folders, find
from eigenlorax.library.places import recognise
from eigenlorax.library.walk import look, walk

CASES = {
    "A1111": (["webui.py", "models/Lora/", "models/LyCORIS/"], ["models/Lora", "models/LyCORIS"]),
    "Forge": (["webui.py", "modules_forge/", "models/Lora/"], ["models/Lora"]),
    "ComfyUI": (["comfy/", "models/loras/", "models/checkpoints/"], ["models/loras"]),
    "SwarmUI": (["SwarmUI.sln", "Models/Lora/"], ["Models/Lora"]),
    "InvokeAI": (["invokeai.yaml", "models/sdxl/lora/"], ["models"]),
    "Fooocus": (["fooocus_version.py", "models/loras/"], ["models/loras"]),
    "models folder": (["Lora/", "VAE/"], ["Lora"]),
    "folder": (["mine/a.safetensors"], [""]),
}


def _grow(root: Path, names: list[str]) -> Path:
    for name in names:
        path = root / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(b"")
    return root


@pytest.mark.parametrize("kind", CASES)
def test_programs_are_recognised(tmp_path: Path, kind: str) -> None:
    names, folders = CASES[kind]
    place = recognise(_grow(tmp_path, names))
    assert (place.kind, [str(folder) for folder in place.folders]) == (
        kind,
        [str(tmp_path / folder) for folder in folders],
    )


def test_a_portable_comfyui_is_one_folder_down(tmp_path: Path) -> None:
    _grow(tmp_path, ["python_embeded/", "ComfyUI/comfy/", "ComfyUI/models/loras/"])
    place = recognise(tmp_path)
    assert (place.kind, place.folders) == ("ComfyUI", (tmp_path / "ComfyUI/models/loras",))


def test_comfyuis_list_of_paths_is_followed_and_its_gaps_are_told(tmp_path: Path) -> None:
    comfy = _grow(tmp_path / "ComfyUI", ["comfy/", "models/loras/"])
    shared = _grow(tmp_path / "shared", ["Lora/", "LyCORIS/"])
    (comfy / "extra_model_paths.yaml").write_text(
        f"a111:\n  base_path: {shared}\n  checkpoints: Stable-diffusion\n  loras: |\n    Lora\n    LyCORIS\n"
        "comfyui:\n  base_path: ../gone\n  loras: models/loras\n"
    )
    place = recognise(comfy)
    assert place.folders == (comfy / "models/loras", shared / "Lora", shared / "LyCORIS")
    assert len(place.notes) == 1
    assert "gone" in place.notes[0]
    (comfy / "extra_model_paths.yaml").write_text("a: [")
    place = recognise(comfy)
    assert place.folders == (comfy / "models/loras",)
    assert "cannot be read" in place.notes[0]


def test_loops_and_dead_links_are_told_and_the_rest_is_found(tmp_path: Path) -> None:
    _grow(tmp_path, ["a/x.safetensors", "a/b/Y.SAFETENSORS", "a/.hidden/z.safetensors", "a/old.pt"])
    (tmp_path / "a/b/up").symlink_to(tmp_path / "a")
    (tmp_path / "a/dead.safetensors").symlink_to(tmp_path / "nowhere")
    found = walk(tmp_path / "a")
    assert [one.path.name for one in found.files] == ["Y.SAFETENSORS", "x.safetensors"]
    told = " ".join(found.troubles)
    assert "looked through already" in told
    assert "dead.safetensors cannot be read" in told
    assert "1 file is a pickle" in told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_a_locked_folder_is_told(tmp_path: Path) -> None:
    _grow(tmp_path, ["open/x.safetensors", "locked/y.safetensors"])
    (tmp_path / "locked").chmod(0)
    found = walk(tmp_path)
    (tmp_path / "locked").chmod(0o700)
    assert [one.path.name for one in found.files] == ["x.safetensors"]
    assert "cannot be looked into" in found.troubles[0]


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _grow(tmp_path, ["open/x.safetensors", "locked/y.safetensors"])
    listed = os.scandir

    def refused(folder: Path) -> object:
        if Path(folder).name == "locked":
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(os, "scandir", refused)
    found = walk(tmp_path)
    assert [one.path.name for one in found.files] == ["x.safetensors"]
    assert "locked cannot be looked into (Permission denied)" in found.troubles[0]


def test_a_sidecars_change_changes_the_state(tmp_path: Path) -> None:
    _grow(tmp_path, ["x.safetensors", "xy.json"])
    (before,) = look(tmp_path)
    assert before.beside == ()
    (tmp_path / "X.JSON").write_text("{}")
    (after,) = look(tmp_path)
    assert after.state != before.state
    assert after.beside[0][0] == "X.JSON"


def test_folders_are_approved_once_and_never_the_programs_own(tmp_path: Path) -> None:
    data, models = tmp_path / "data", _grow(tmp_path / "models", ["Lora/x.safetensors", "deep/"])
    data.mkdir()
    folders = Folders(data)
    folders.approve(models / "deep")
    assert folders.approve(models) == models  # the wider one takes the place of the narrower
    assert Folders(data).roots() == [models]
    for wrong, why in ((models / "Lora", "looked at already"), (data, "own data"), (tmp_path, "own data")):
        with pytest.raises(InvalidRequestError, match=why):
            folders.approve(wrong)
    with pytest.raises(InvalidRequestError, match="no folder at"):
        folders.approve(tmp_path / "gone")
    assert [one.path.name for one in find(models).files] == ["x.safetensors"]
    models.rename(tmp_path / "moved")
    assert "is not there" in find(models).troubles[0]
    folders.forget(models)
    assert folders.roots() == []
    with pytest.raises(InvalidRequestError, match="not one of the folders"):
        folders.forget(models)
