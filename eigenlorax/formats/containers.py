"""What a person may point at: a file, a folder, a zip, shards or a PEFT folder -> single LoRA files."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.archive import PICKLE, PICKLE_ENDINGS, unpack
from eigenlorax.formats.file_names import is_plain
from eigenlorax.formats.header import read_header
from eigenlorax.formats.scaling import ADAPTER_METADATA
from eigenlorax.formats.sidecars import sidecars_of
from eigenlorax.formats.tensors import save_tensors
from eigenlorax.module_path import Component

_SHARD = re.compile(r"(?P<stem>.+)-\d{5}-of-(?P<count>\d{5})\.safetensors")
_INDEX = ".safetensors.index.json"
_PEFT_CONFIG = "adapter_config.json"
_PEFT_WEIGHTS = "adapter_model.safetensors"
_PEFT_ROOT = "base_model.model."
_COMPONENTS = tuple(component.value for component in Component)


@dataclass(frozen=True)
class Found:
    """One LoRA to read.

    Attributes:
        name: What to call it.
        path: A single .safetensors file.
        origin: Where in a folder or archive it was found, such as `pack.zip/in/x.safetensors`; empty for a
            file that was named itself.
    """

    name: str
    path: Path
    origin: str = ""


@dataclass(frozen=True)
class Refused:
    """Something that was given or found but is no LoRA, with the reason."""

    name: str
    reason: str


def find_all(given: Iterable[Path], scratch: Path) -> Iterator[tuple[Path, Found | Refused]]:
    """Every LoRA in a list of paths that were given together, each with the path that led to it.

    Sidecars that came with their LoRA, and all shards but the first, are parts of another entry.
    """
    paths = list(given)
    companions = {side for path in paths if path.suffix == ".safetensors" for side in sidecars_of(path)}
    joined: set[tuple[Path, str]] = set()
    for path in paths:
        whole = _whole(path)
        if path in companions or whole in joined:
            continue
        joined |= {whole} if whole else set()
        for found in find_loras(path, scratch):
            yield path, found


def _whole(path: Path) -> tuple[Path, str] | None:
    """The set of files that a file is a part of: its folder and its stem; None for one that stands alone."""
    if match := _SHARD.fullmatch(path.name):
        return path.parent, match["stem"]
    if path.name.endswith(_INDEX):
        return path.parent, path.name.removesuffix(_INDEX)
    if path.name in (_PEFT_CONFIG, _PEFT_WEIGHTS) and (path.parent / _PEFT_CONFIG).is_file():
        return path.parent, _PEFT_CONFIG
    return None


def find_loras(given: Path, scratch: Path) -> Iterator[Found | Refused]:
    """Every LoRA in what a person pointed at, one after another; one bad file never hides another.

    Args:
        given: A file, a folder, a zip archive, a shard or its index, or a PEFT folder.
        scratch: An empty folder for what has to be unpacked or joined; the caller removes it.
    """
    if given.is_dir():
        yield from _or_nothing(_walk(given, scratch, given.name, set()), given.name, "choose another folder")
    elif given.suffix.lower() == ".zip":
        yield from _zip(given, scratch)
    elif given.name.endswith(_INDEX):
        yield _try(given.name, partial(_join_index, given, scratch))
    elif (match := _SHARD.fullmatch(given.name)) and int(match["count"]) > 1:
        shards = sorted(given.parent.glob(f"{match['stem']}-*-of-{match['count']}.safetensors"))
        yield _try(given.name, partial(_join_shards, match["stem"], shards, int(match["count"]), scratch))
    elif _whole(given) == (given.parent, _PEFT_CONFIG):
        yield _try(given.parent.name, partial(_join_peft, given.parent, scratch))
    else:
        yield Found(given.stem, given)


def _or_nothing(found: Iterator[Found | Refused], name: str, advice: str) -> Iterator[Found | Refused]:
    """What was found, or one line that says that there was nothing."""
    first = next(found, None)
    if first is None:
        yield Refused(name, f"{name} holds no .safetensors file: {advice}")
        return
    yield first
    yield from found


def _walk(folder: Path, scratch: Path, origin: str, seen: set[Path]) -> Iterator[Found | Refused]:
    """A folder's LoRAs; `seen` are the folders on the way, so that links cannot lead round in circles."""
    real = folder.resolve()
    if real in seen:
        return
    try:
        content = sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name))
    except OSError as error:
        yield Refused(folder.name, f"{origin} cannot be looked through ({error.strerror}): check its rights")
        return
    parts = [folder, *(folder / name for name in _COMPONENTS)]
    if any((part / _PEFT_CONFIG).is_file() for part in parts):
        yield _try(folder.name, partial(_join_peft, folder, scratch), origin)
        return
    sharded: dict[tuple[str, int], list[Path]] = defaultdict(list)
    for path in content:
        if path.name.startswith(".") or (path.is_symlink() and not path.exists()):
            continue
        inner = f"{origin}/{path.name}"
        if path.is_dir():
            yield from _walk(path, scratch, inner, {*seen, real})
        elif (match := _SHARD.fullmatch(path.name)) and int(match["count"]) > 1:
            sharded[match["stem"], int(match["count"])].append(path)
        elif path.suffix.lower() == ".safetensors":
            yield Found(path.stem, path, inner)
        elif path.suffix.lower() == ".zip":
            yield from _zip(path, scratch)
        elif path.suffix.lower() in PICKLE_ENDINGS:
            yield Refused(path.name, f"{path.name} {PICKLE}")
    for (stem, count), shards in sharded.items():
        yield _try(stem, partial(_join_shards, stem, shards, count, scratch), origin)


def _zip(path: Path, scratch: Path) -> Iterator[Found | Refused]:
    target = scratch / f"zip-{len(list(scratch.iterdir()))}"
    try:
        refused = unpack(path, target)
    except (InvalidFileError, OSError) as error:
        yield Refused(path.name, _words(error))
        return
    yield from (Refused(name, reason) for name, reason in refused.items())
    found = _walk(target, scratch, path.name, set())
    yield from found if refused else _or_nothing(found, path.name, "pack LoRA files into it")


def _try(name: str, join: Callable[[], Path], origin: str = "") -> Found | Refused:
    try:
        joined = join()
    except (InvalidFileError, OSError) as error:
        return Refused(name, _words(error))
    return Found(joined.stem, joined, origin)


def _words(error: InvalidFileError | OSError) -> str:
    if isinstance(error, OSError):
        return f"cannot be unpacked or joined here ({error.strerror or error}): check space and rights"
    return str(error)


def _join_index(index: Path, scratch: Path) -> Path:
    stem = index.name.removesuffix(_INDEX)
    names = _json(index).get("weight_map")
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise InvalidFileError(f"{index.name} has no weight_map that names its shards; download it again")
    if strange := [name for name in names.values() if not is_plain(name)]:
        raise InvalidFileError(
            f"{index.name} points outside its own folder ({strange[0]!r}): do not trust it"
        )
    shards = sorted({index.with_name(name) for name in names.values()})
    return _join_shards(stem, shards, len(shards), scratch)


def _join_shards(stem: str, shards: Sequence[Path], count: int, scratch: Path) -> Path:
    """All tensors of the shards in one file.

    Raises:
        InvalidFileError: a shard is missing or broken, or two hold one name.
    """
    there = [path for path in shards if path.is_file()]
    if len(there) != count:
        raise InvalidFileError(
            f"{stem} has {len(there)} of its {count} shards: download the others beside them"
        )
    tensors: dict[str, Tensor] = {}
    metadata: dict[str, str] = {}
    for shard in there:
        metadata |= read_header(shard).metadata
        for name, tensor in _tensors(shard).items():
            if name in tensors:
                raise InvalidFileError(f"{shard.name} holds {name!r}, which an earlier shard holds too")
            tensors[name] = tensor
    return _save(tensors, metadata, stem, scratch)


def _join_peft(folder: Path, scratch: Path) -> Path:
    """A PEFT folder, or one such folder for each component, as one file with its configuration inside.

    Raises:
        InvalidFileError: no weights, a pickle instead of them, a broken or foreign configuration.

    Source: peft's save_pretrained; the metadata is in the form that diffusers' save_lora_weights writes.
    """
    if (folder / _PEFT_CONFIG).is_file():
        owners: Mapping[str, Path] = {folder.name if folder.name in _COMPONENTS else "": folder}
    else:
        owners = {name: folder / name for name in _COMPONENTS if (folder / name / _PEFT_CONFIG).is_file()}
    tensors: dict[str, Tensor] = {}
    settings: dict[str, Any] = {}
    notes: dict[str, str] = {}
    for owner, part in owners.items():
        prefix = f"{owner}." if owner else ""
        settings |= {f"{prefix}{name}": value for name, value in _json(part / _PEFT_CONFIG).items()}
        weights = part / _PEFT_WEIGHTS
        if not weights.is_file():
            kind = (
                "only a pickle (adapter_model.bin)" if weights.with_suffix(".bin").is_file() else "no weights"
            )
            raise InvalidFileError(f"{part.name} holds {_PEFT_CONFIG} but {kind}: save it as {_PEFT_WEIGHTS}")
        notes |= read_header(weights).metadata
        for name, tensor in _tensors(weights).items():
            tensors[prefix + name.removeprefix(_PEFT_ROOT) if owner else name] = tensor
    name = folder.parent.name if folder.name in _COMPONENTS else folder.name
    return _save(tensors, {**notes, ADAPTER_METADATA: json.dumps(settings)}, name, scratch)


def _tensors(path: Path) -> dict[str, Tensor]:
    names = read_header(path).tensors
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in names}


def _save(tensors: Mapping[str, Tensor], metadata: Mapping[str, str], stem: str, scratch: Path) -> Path:
    folder = scratch / f"joined-{len(list(scratch.iterdir()))}"
    folder.mkdir(parents=True)
    path = folder / f"{stem}.safetensors"
    save_tensors(tensors, path, metadata)
    return path


def _json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidFileError(f"{path.name} is not valid JSON: download it again") from error
    if not isinstance(content, dict):
        raise InvalidFileError(f"{path.name} is JSON but not an object: download it again")
    return content
