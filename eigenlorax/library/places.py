"""Where other programs keep LoRAs and ControlNets: from the folder a person points at to those to look in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_PATHS_FILE = "extra_model_paths.yaml"
_MOST_YAML_BYTES = 1 << 20
_LORA_FOLDERS = ("lora", "loras", "lycoris")
_CONTROL_FOLDER = "controlnet"
#: Beside `models/ControlNet`: A1111's extension for them, and InvokeAI's folder of those for SDXL.
_CONTROL_PATHS = (("extensions", "sd-webui-controlnet", "models"), ("models", "sdxl", _CONTROL_FOLDER))
#: A file or folder at the root -> whose it is; the first that is there counts.
_MARKS = (
    ("modules_forge", "Forge"),
    ("fooocus_version.py", "Fooocus"),
    ("swarmui.sln", "SwarmUI"),
    ("launch-linux.sh", "SwarmUI"),
    ("comfy", "ComfyUI"),
    ("custom_nodes", "ComfyUI"),
    (_PATHS_FILE, "ComfyUI"),
    ("webui.py", "A1111"),
    ("webui-user.sh", "A1111"),
    ("webui-user.bat", "A1111"),
)
_INSIDE = ("comfyui", "stable-diffusion-webui", "webui", "swarmui", "invokeai")


@dataclass(frozen=True)
class Place:
    """What a folder turned out to be.

    Attributes:
        kind: The program's name, "models folder", or "folder".
        folders: Where its LoRAs are, each to be looked through with all that is in it.
        notes: What could not be followed, in words for the user.
    """

    kind: str
    folders: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def recognise(root: Path) -> Place:
    """Tell whose folder this is by what lies in it; nothing is opened but ComfyUI's list of paths.

    A1111, Forge and SD.Next keep LoRAs in models/Lora (and models/LyCORIS), ComfyUI and Fooocus in
    models/loras, SwarmUI and Stability Matrix in Models/Lora, InvokeAI anywhere below models. A portable
    ComfyUI or WebUI is one folder further down. Anything else is looked through as a whole.

    Source: the programs' own defaults; ComfyUI's extra_model_paths.yaml.example.
    """
    there = _children(root)
    if "invokeai.yaml" in there or "invokeai.db" in _children(there.get("databases")):
        return Place("InvokeAI", (there.get("models", root),))
    kind = next((name for mark, name in _MARKS if mark in there), "")
    found, notes = list(_lora_folders(there.get("models"))), list[str]()
    if _PATHS_FILE in there and kind == "ComfyUI":
        more, notes = _listed(there[_PATHS_FILE], _LORA_FOLDERS)
        found += [folder for folder in more if folder not in found]
    if found:
        return Place(kind or "models folder", tuple(found), tuple(notes))
    if own := tuple(_lora_folders(root)):
        return Place("models folder", own)
    for name in _INSIDE:
        if name in there and (inner := recognise(there[name])).kind != "folder":
            return inner
    return Place("folder", (root,), tuple(notes))


def control_folders(root: Path) -> tuple[Path, ...]:
    """Where the ControlNets of the program lie that this folder belongs to; none where it keeps none.

    A1111, Forge and SwarmUI have models/ControlNet, ComfyUI and Fooocus models/controlnet.

    Source: as `recognise`; sd-webui-controlnet, scripts/global_state.py.
    """
    there = _children(root)
    paths = [(_CONTROL_FOLDER,), ("models", _CONTROL_FOLDER), *_CONTROL_PATHS]
    found = [folder for path in paths if (folder := _below(root, path)) is not None]
    if root.name.lower() == _CONTROL_FOLDER:
        found.append(root)
    if _PATHS_FILE in there:
        more, _ = _listed(there[_PATHS_FILE], (_CONTROL_FOLDER,))
        found += [folder for folder in more if folder not in found]
    for name in _INSIDE if not found else ():
        if name in there:
            found += control_folders(there[name])
    return tuple(found)


def _below(root: Path, names: Iterable[str]) -> Path | None:
    """A folder by its names in any case; None where it is not there."""
    folder: Path | None = root
    for name in names:
        folder = _children(folder).get(name)
    return folder if folder is not None and folder.is_dir() else None


def _children(folder: Path | None) -> dict[str, Path]:
    """Lower-case name -> path of what a folder holds; nothing for one that cannot be read."""
    try:
        return {path.name.lower(): path for path in folder.iterdir()} if folder else {}
    except OSError:
        return {}


def _lora_folders(models: Path | None) -> Iterator[Path]:
    there = _children(models)
    yield from (there[name] for name in _LORA_FOLDERS if name in there and there[name].is_dir())


def _listed(path: Path, names: Iterable[str]) -> tuple[list[Path], list[str]]:
    """The folders of a kind that ComfyUI's list names beside its own; each that is not there is told."""
    try:
        if path.stat().st_size > _MOST_YAML_BYTES:
            return [], [f"{path} is too large to be a list of folders: it is passed over"]
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        why = " ".join(str(error).split())[:120]
        return [], [f"{path} cannot be read ({why}): give its folders one by one"]
    found, notes = list[Path](), list[str]()
    for section in content.values() if isinstance(content, dict) else ():
        for folder in _of_section(path.parent, section, names):
            if folder.is_dir():
                found.append(folder)
            else:
                notes.append(f"{path.name} names {folder}, which is not there")
    return found, notes


def _of_section(home: Path, section: Any, names: Iterable[str]) -> Iterator[Path]:
    if not isinstance(section, dict):
        return
    given = section.get("base_path")
    base = home / Path(given).expanduser() if isinstance(given, str) else home
    for name in names:
        if isinstance(lines := section.get(name), str):
            yield from (base / line.strip() for line in lines.splitlines() if line.strip())
