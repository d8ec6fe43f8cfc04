"""The VAE: the model's own or another one, in the precision that it can take."""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL

from eigenlorax.errors import ModelLoadError
from eigenlorax.runtime.checkpoint import SDXL_REFERENCE
from eigenlorax.runtime.foreign import CONVERT
from eigenlorax.runtime.options import AUTO, LoadOptions
from eigenlorax.runtime.precision import vae_dtype

#: SD1.x's VAE has SDXL's shapes and another scale of its latents.
_SDXL_SCALE = 0.13025
_ADVICE = "give --vae an SDXL VAE as a .safetensors file, a folder or a hub id, or auto"


def own_vae(model: str, weights: torch.dtype, options: LoadOptions, **source: Any) -> AutoencoderKL:
    """A folder's or hub model's VAE, or the one that the options name.

    Args:
        model: Folder or hub id with a `vae` part.
        weights: The format of the other parts.
        options: Which VAE, and whether it may be half.
        source: `variant` and `local_files_only`, as diffusers takes them.

    Raises:
        ModelLoadError: the options name one that cannot be used.
        OSError, ValueError: as diffusers raises them for the model's own.
    """
    if options.vae != AUTO:
        return _other_vae(options, weights)
    vae = AutoencoderKL.from_pretrained(
        model, subfolder="vae", dtype=torch.float32, use_safetensors=True, **source
    )
    return vae.to(vae_dtype(weights, vae.config, options))


def checkpoint_vae(
    path: Path, weights: torch.dtype, options: LoadOptions, reference: Path = SDXL_REFERENCE
) -> AutoencoderKL:
    """A single file's VAE, or the one that the options name.

    The file says nothing of its VAE's range, so it is taken for SDXL's own, which needs fp32.

    Raises:
        ModelLoadError: the options name one that cannot be used.
        OSError, ValueError, KeyError, RuntimeError: as diffusers raises them for the file's own.
    """
    if options.vae != AUTO:
        return _other_vae(options, weights)
    vae = _single_file(path, reference)
    return vae.to(vae_dtype(weights, vae.config, options))


def _other_vae(options: LoadOptions, weights: torch.dtype) -> AutoencoderKL:
    name, path = options.vae, Path(options.vae).expanduser()
    try:
        if path.is_file():
            if path.suffix != ".safetensors":
                raise ModelLoadError(f"{name} is not .safetensors; {CONVERT}")
            vae = _single_file(path, SDXL_REFERENCE)
        elif path.is_dir():
            folder = path / "vae" if (path / "vae").is_dir() else path
            _check_scale(name, json.loads((folder / "config.json").read_text(encoding="utf-8")))
            vae = _pretrained(folder, local_files_only=True)
        elif name.count("/") == 1 and not name.startswith((".", "/", "~")):
            vae = _pretrained(name, local_files_only=options.offline)
            _check_scale(name, vae.config)
        else:
            raise ModelLoadError(f"{name} does not exist: {_ADVICE}")
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelLoadError(f"{name} cannot be loaded as SDXL's VAE ({first_line}): {_ADVICE}") from error
    return vae.to(vae_dtype(weights, vae.config, options, path.name))


def _pretrained(source: str | Path, local_files_only: bool) -> AutoencoderKL:
    return AutoencoderKL.from_pretrained(
        source, dtype=torch.float32, use_safetensors=True, local_files_only=local_files_only
    )


def _single_file(path: Path, reference: Path) -> AutoencoderKL:
    return AutoencoderKL.from_single_file(
        path, config=str(reference), subfolder="vae", dtype=torch.float32, local_files_only=True
    )


def _check_scale(name: str, config: Any) -> None:
    scale = config.get("scaling_factor", _SDXL_SCALE)
    if scale == 0.18215 and config.get("latent_channels", 4) == 4:
        raise ModelLoadError(
            f"{name} scales latents by {scale}, as SD1.x and SD2.x do, SDXL by {_SDXL_SCALE}: {_ADVICE}"
        )
    if config.get("latent_channels", 4) != 4:
        raise ModelLoadError(f"{name} has {config['latent_channels']} latent channels, SDXL has 4: {_ADVICE}")
