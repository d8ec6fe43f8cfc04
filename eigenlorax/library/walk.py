"""Which LoRA files lie below a folder, told from names, sizes and times alone: no file is opened."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from eigenlorax.formats.sidecars import sidecar_names
from eigenlorax.library.atomic import ASIDE

_ENDING = ".safetensors"
_PICKLES = (".pt", ".ckpt")
_PEFT = "adapter_config.json"
_MOST_FOLDERS = 20_000


@dataclass(frozen=True)
class Seen:
    """A LoRA file as the folder lists it.

    Attributes:
        path: Where it lies.
        size: In bytes.
        changed: When its content last changed, ns since 1970.
        beside: (name, size, changed) of each of its sidecars.
    """

    path: Path
    size: int
    changed: int
    beside: tuple[tuple[str, int, int], ...] = ()

    @property
    def state(self) -> list[object]:
        """Differs whenever the file or anything beside it does; as JSON gives it back."""
        return [self.size, self.changed, [list(one) for one in self.beside]]


@dataclass
class Walked:
    """What was found.

    Attributes:
        files: Sorted by path.
        troubles: What was passed over and why, in words for the user.
    """

    files: list[Seen] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def walk(root: Path) -> Walked:
    """Look through a folder and all folders in it, links followed, each folder once."""
    found, known, pickles = Walked(), set[tuple[int, int]](), 0
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            state = folder.stat()
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            found.troubles.append(f"{folder} cannot be looked into ({error.strerror}): check its rights")
            continue
        if (mark := (state.st_dev, state.st_ino)) in known:
            found.troubles.append(f"{folder} leads to a folder that was looked through already")
            continue
        known.add(mark)
        if len(known) > _MOST_FOLDERS:
            found.troubles.append(f"{root} holds more than {_MOST_FOLDERS:,} folders: name one further down")
            break
        waiting += [Path(one.path) for one in reversed(entries) if _is_folder(one)]
        pickles += sum(one.name.lower().endswith(_PICKLES) for one in entries)
        _take(folder, {one.name.lower(): one for one in entries}, found)
    if pickles:
        words = "1 file is a pickle" if pickles == 1 else f"{pickles} files are pickles"
        found.troubles.append(f"{words} (.pt, .ckpt), which are never opened: convert to .safetensors")
    found.files.sort(key=lambda one: one.path)
    return found


def look(folder: Path) -> list[Seen]:
    """The LoRA files of one folder, what lies deeper left out; none where it is not there."""
    found = Walked()
    try:
        entries = {one.name.lower(): one for one in os.scandir(folder)}
    except OSError:
        return []
    _take(folder, entries, found)
    return sorted(found.files, key=lambda one: one.path)


def _take(folder: Path, entries: dict[str, "os.DirEntry[str]"], found: Walked) -> None:
    for name, entry in entries.items():
        if not name.endswith(_ENDING) or name.startswith((ASIDE, ".")):
            continue
        if name == "adapter_model.safetensors" and _PEFT in entries:
            found.troubles.append(f"{folder} is a PEFT folder, which is two files in one: add it by dropping")
            continue
        try:
            state = entry.stat()
        except OSError as error:
            found.troubles.append(f"{entry.path} cannot be read ({error.strerror}): it is passed over")
            continue
        beside = tuple(_beside(entry.name[: -len(_ENDING)], entries))
        found.files.append(Seen(Path(entry.path), state.st_size, state.st_mtime_ns, beside))


def _beside(stem: str, entries: dict[str, "os.DirEntry[str]"]) -> Iterator[tuple[str, int, int]]:
    for name in sidecar_names(stem):
        if entry := entries.get(name):
            try:
                state = entry.stat()
            except OSError:
                continue
            yield entry.name, state.st_size, state.st_mtime_ns


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir() and not entry.name.startswith(".")
    except OSError:
        return False
