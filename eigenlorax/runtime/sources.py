"""From what the user points at to a pipeline on the CPU: a folder, a single file, or a model of the hub."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from huggingface_hub import hf_hub_download

from eigenlorax.errors import InvalidFileError, ModelLoadError
from eigenlorax.formats.header import read_header
from eigenlorax.module_path import Component
from eigenlorax.runtime.checkpoint import load_checkpoint
from eigenlorax.runtime.foreign import (
    CONVERT,
    PICKLES,
    index_of,
    refuse_foreign_file,
    refuse_foreign_pipeline,
    refuse_pickled_folder,
)
from eigenlorax.runtime.options import LoadOptions
from eigenlorax.runtime.vae import checkpoint_vae, own_vae
from eigenlorax.runtime.variant import Variant, as_told, of_checkpoint, of_pipeline

_ADVICE = "give --model an SDXL folder (diffusers form), a .safetensors checkpoint or a hub id (owner/name)"
_HALF = "fp16"
Loaded = tuple[StableDiffusionXLPipeline, Variant]


def load_pipeline(model: str, dtype: torch.dtype, options: LoadOptions) -> Loaded:
    """Load a pipeline on the CPU and tell what kind of SDXL it is.

    Args:
        model: A diffusers folder, a single .safetensors file, or a hub id.
        dtype: Of UNet and text encoders.
        options: Which VAE, which prediction, and whether the hub may be asked.

    Raises:
        ModelLoadError: nothing there, not SDXL, or a broken file; says what was wrong.
    """
    path = Path(model).expanduser()
    try:
        if path.is_file():
            pipeline, variant = _from_file(model, path, dtype, options)
        elif path.is_dir():
            pipeline, variant = _from_folder(model, path, dtype, options)
        elif model.count("/") == 1 and not model.startswith((".", "/", "~")):
            pipeline, variant = _from_hub(model, dtype, options)
        else:
            raise ModelLoadError(f"{model} does not exist: {_ADVICE}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelLoadError(f"{model} cannot be loaded as SDXL ({first_line}): {_ADVICE}") from error
    missing = [part.value for part in Component if getattr(pipeline, part.value, None) is None]
    if missing:
        raise ModelLoadError(f"{model} has no {', '.join(missing)}, so it is not an SDXL model: {_ADVICE}")
    return pipeline, as_told(variant, options.prediction, path.stem)


def _from_file(model: str, path: Path, dtype: torch.dtype, options: LoadOptions) -> Loaded:
    if path.suffix in PICKLES:
        raise ModelLoadError(f"{model}: {CONVERT}")
    if path.suffix != ".safetensors":
        raise ModelLoadError(f"{model} is not .safetensors: {_ADVICE}")
    try:
        header = read_header(path)
    except InvalidFileError as error:
        raise ModelLoadError(str(error)) from error
    refuse_foreign_file(path.name, header, _ADVICE)
    variant = of_checkpoint(path.stem, header.tensors.keys(), header.metadata)
    return load_checkpoint(path, dtype, vae=checkpoint_vae(path, dtype, options)), variant


def _from_folder(model: str, path: Path, dtype: torch.dtype, options: LoadOptions) -> Loaded:
    if not (path / "model_index.json").is_file():
        raise ModelLoadError(f"the folder {model} has no model_index.json: {_ADVICE}")
    _refuse_index(model, index_of(path))
    refuse_pickled_folder(path, (*(part.value for part in Component), "vae"))
    files = [file.name for file in (path / "unet").glob("*.safetensors")]
    half = [name for name in files if f".{_HALF}." in name]
    takes_half = half and (dtype is torch.float16 or len(half) == len(files))
    source = {"local_files_only": True, **({"variant": _HALF} if takes_half else {})}
    return _pretrained(path.name, str(path), dtype, options, source)


def _from_hub(model: str, dtype: torch.dtype, options: LoadOptions) -> Loaded:
    source: dict[str, Any] = {"local_files_only": options.offline}
    try:
        index = hf_hub_download(model, "model_index.json", **source)
    except (OSError, ValueError) as error:
        raise ModelLoadError(
            f"{model} is no folder or file here and not in the hub's cache on this machine, and the hub "
            f"{'was not asked (--offline)' if options.offline else 'did not give it'}: check name and "
            f"network, or {_ADVICE}"
        ) from error
    _refuse_index(model, index_of(Path(index).parent))
    if dtype is torch.float16:
        try:
            return _pretrained(model, model, dtype, options, {**source, "variant": _HALF})
        except (OSError, ValueError) as error:
            if _HALF not in str(error) and "variant" not in str(error):
                raise
    return _pretrained(model, model, dtype, options, source)


def _pretrained(
    name: str, model: str, dtype: torch.dtype, options: LoadOptions, source: Mapping[str, Any]
) -> Loaded:
    vae = own_vae(model, dtype, options, **source)
    pipeline = StableDiffusionXLPipeline.from_pretrained(
        model, dtype=dtype, use_safetensors=True, vae=vae, **source
    )
    return pipeline, of_pipeline(name, pipeline.scheduler.config)


def _refuse_index(model: str, index: Mapping[str, Any]) -> None:
    kind = index.get("_class_name", "")
    refuse_foreign_pipeline(model, str(kind), index.get("text_encoder"), _ADVICE)
