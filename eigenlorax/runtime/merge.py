"""The model as it stands, styles included, as a checkpoint of its own."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from safetensors import safe_open
from torch import Tensor

from eigenlorax.errors import NotWrittenError
from eigenlorax.formats.header import read_header
from eigenlorax.formats.stream import Entry, in_file_order, write_stream
from eigenlorax.runtime.checkpoint import SDXL_REFERENCE, load_checkpoint
from eigenlorax.runtime.hardware import Hardware
from eigenlorax.runtime.sdxl import load_base
from eigenlorax.runtime.single_file import PARTS, weights

_FLOATS = ("F64", "F32", "F16", "BF16")
_SPELLING = {torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16"}


def write_folder(
    pipeline: StableDiffusionXLPipeline, folder: Path, dtypes: Mapping[str, torch.dtype]
) -> None:
    """Write a pipeline in diffusers form.

    Args:
        pipeline: Left as it is: files are cast after they are written, not the model.
        folder: Filled.
        dtypes: Part -> precision in the files.
    """
    pipeline.save_pretrained(folder, safe_serialization=True)
    for part in PARTS:
        if getattr(pipeline, part).dtype is not dtypes[part]:
            _cast(folder / part, dtypes[part])


def check_folder(
    pipeline: StableDiffusionXLPipeline, folder: Path, dtypes: Mapping[str, torch.dtype]
) -> None:
    """Load what `write_folder` wrote and compare every weight.

    Raises:
        NotWrittenError: a weight differs or is missing.
        ModelLoadError: it cannot be loaded.
    """
    cpu = Hardware(torch.device("cpu"), _widest(dtypes), "CPU")
    loaded = load_base(str(folder), cpu).pipeline
    for part in PARTS:
        _compare(part, getattr(loaded, part).state_dict(), getattr(pipeline, part).state_dict(), dtypes[part])


def check_single_file(
    pipeline: StableDiffusionXLPipeline, path: Path, dtypes: Mapping[str, torch.dtype]
) -> None:
    """Load a single file, by the configurations of the pipeline it came from, and compare every weight.

    Raises:
        NotWrittenError: a weight differs or is missing, or it cannot be loaded.
    """
    with tempfile.TemporaryDirectory() as scratch:
        reference = Path(scratch)
        pipeline.save_config(reference)
        pipeline.scheduler.save_pretrained(reference / "scheduler")
        for part in PARTS:
            owner = getattr(pipeline, part)
            if part in ("unet", "vae"):
                owner.save_config(reference / part)
            else:
                rows = next(
                    v for k, v in weights(pipeline, part).items() if k.endswith("token_embedding.weight")
                )
                config = {**owner.config.to_dict(), "vocab_size": rows.shape[0]}
                (reference / part).mkdir()
                (reference / part / "config.json").write_text(json.dumps(config), encoding="utf-8")
        shutil.copyfile(SDXL_REFERENCE / "merges.txt", reference / "merges.txt")
        try:
            loaded = load_checkpoint(path, _widest(dtypes), reference)
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            raise NotWrittenError(f"{path.name} could not be loaded again: {error}") from error
    for part in PARTS:
        _compare(part, getattr(loaded, part).state_dict(), weights(pipeline, part), dtypes[part])


def _cast(folder: Path, dtype: torch.dtype) -> None:
    """Rewrite all weights of one part in another precision, one tensor at a time."""
    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        header = read_header(path)
        entries = [
            Entry(name, dtype if info.dtype in _FLOATS else torch.int64, info.shape)
            for name, info in header.tensors.items()
        ]
        aside = path.with_suffix(".casting")
        with safe_open(path, framework="pt") as source:
            write_stream(aside, in_file_order(entries), header.metadata, source.get_tensor)
        aside.replace(path)
        total += sum(entry.size for entry in entries)
    for index in folder.glob("*.index.json"):
        content = json.loads(index.read_text(encoding="utf-8"))
        content["metadata"]["total_size"] = total
        index.write_text(json.dumps(content, indent=2, sort_keys=True), encoding="utf-8")
    config = folder / "config.json"
    content = json.loads(config.read_text(encoding="utf-8"))
    for key in content.keys() & {"dtype", "torch_dtype"}:
        content[key] = _SPELLING[dtype]
    config.write_text(json.dumps(content, indent=2, sort_keys=True), encoding="utf-8")


def _compare(
    part: str, back: Mapping[str, Tensor], weights_now: Mapping[str, Tensor], dtype: torch.dtype
) -> None:
    if missing := sorted(weights_now.keys() ^ back.keys()):
        raise NotWrittenError(f"{part}: {len(missing)} weights did not come back, such as {missing[0]}")
    for name, tensor in weights_now.items():
        if not torch.equal(back[name], tensor.cpu().to(dtype).to(back[name].dtype)):
            raise NotWrittenError(f"{part}: {name} came back with other numbers")


def _widest(dtypes: Mapping[str, torch.dtype]) -> torch.dtype:
    """A precision that holds every part's numbers exactly."""
    kinds = set(dtypes.values())
    return kinds.pop() if len(kinds) == 1 else torch.float32
