"""Latents of framed pictures, encoded once: kept on disk, checked when read, made anew when broken."""

import hashlib
import os
import tempfile
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from jaxtyping import Float
from PIL import Image, ImageOps
from torch import Tensor

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.header import read_header
from eigenlorax.formats.tensors import TensorFile, save_tensors
from eigenlorax.runtime.pixels import pixels_of, to_latents
from eigenlorax.training.buckets import Framing
from eigenlorax.training.pictures import Taken, picture_of

_NAME = "latents"
_ENDING = ".latents.safetensors"
_ASIDE = ".writing-"
_KEY, _SUM = "key", "sha256"
_VERSION = "1"


def vae_hash(vae: AutoencoderKL) -> str:
    """SHA-256, hex, of what an autoencoder makes latents with: its weights, their precision and its scale."""
    digest = hashlib.sha256(repr((vae.config.scaling_factor, str(vae.dtype))).encode())
    for name, tensor in sorted(vae.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(_bytes(tensor))
    return digest.hexdigest()


class LatentCache:
    """Encodes pictures by one autoencoder and remembers what it made.

    Args:
        vae: Where it is to compute.
        folder: Kept from one training to the next, made when it is missing; None keeps nothing.
        dtype: Of the latents, float32 or float16.
    """

    def __init__(self, vae: AutoencoderKL, folder: Path | None, dtype: torch.dtype = torch.float32) -> None:
        self._vae, self._folder, self._dtype = vae, folder, dtype
        self._vae_hash = vae_hash(vae) if folder is not None else ""
        self._last: tuple[str, Framing, Image.Image] | None = None
        self.trouble = ""
        """Why latents could not be kept, for the user; empty while all goes well."""

    def latents(self, taken: Taken, framing: Framing) -> Float[Tensor, "channels height width"]:
        """Scaled latents on the CPU: the mode, no draw, so that the same picture gives the same numbers.

        Raises:
            InvalidFileError: nothing is kept of the picture, and its file is not what it was.
        """
        key = self._key(taken, framing)
        if (kept := self._read(key)) is not None:
            return kept
        image = self._cut(taken, framing)
        made = to_latents(self._vae, pixels_of(image) * 2.0 - 1.0)[0].cpu().to(self._dtype).contiguous()
        if not made.isfinite().all():
            raise InvalidFileError(
                f"{taken.path.name} becomes no finite numbers in the VAE: load the model with a VAE in fp32"
            )
        self._write(key, made)
        return made

    def _cut(self, taken: Taken, framing: Framing) -> Image.Image:
        """A picture as framed; a mirror image right after its picture costs no second decoding."""
        if self._last and self._last[:2] == (taken.sha256, framing.turned()):
            return ImageOps.mirror(self._last[2])
        image = framing.cut(picture_of(taken))
        self._last = taken.sha256, framing, image
        return image

    def _key(self, taken: Taken, framing: Framing) -> str:
        """Everything that latents depend on."""
        parts = (_VERSION, taken.sha256, framing, str(self._dtype), self._vae_hash)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _read(self, key: str) -> Tensor | None:
        if self._folder is None or not (path := self._folder / (key + _ENDING)).is_file():
            return None
        try:
            header = read_header(path)
            if header.metadata.get(_KEY) != key or _NAME not in header.tensors:
                return None
            kept = TensorFile(path, header).read(_NAME).to(self._dtype)
        except InvalidFileError:
            return None
        return kept if _checksum(kept) == header.metadata.get(_SUM) else None

    def _write(self, key: str, made: Tensor) -> None:
        """Wholly there or not at all; a full disk costs the copy, not the training."""
        if self._folder is None or self.trouble:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=_ASIDE, suffix=_ENDING, dir=self._folder)
            os.close(handle)
            aside = Path(name)
            try:
                save_tensors({_NAME: made}, aside, {_KEY: key, _SUM: _checksum(made)})
                aside.replace(self._folder / (key + _ENDING))
            finally:
                aside.unlink(missing_ok=True)
        except OSError as error:
            self.trouble = f"encoded pictures cannot be kept in {self._folder} ({error.strerror or error})"


def _checksum(tensor: Tensor) -> str:
    return hashlib.sha256(
        _bytes(tensor) + repr((tuple(tensor.shape), str(tensor.dtype))).encode()
    ).hexdigest()


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
