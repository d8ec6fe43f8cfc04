"""Pictures of the bare base as latents, kept while a style is taught: one that goes on draws none anew."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.tensors import TensorFile, save_tensors
from eigenlorax.library.atomic import told, written_aside
from eigenlorax.library.kinds import FORMAT_VERSION, checked_header

_KIND = "eigenlorax.preserved"
_LATENTS = "latents"


def save_preserved(latents: Tensor, path: Path) -> None:
    """Write (pictures, channels, height, width) float32 latents, whole or not at all.

    Raises:
        NotWrittenError: the disk refused.
    """
    with told(path.parent), written_aside(path) as aside:
        save_tensors({_LATENTS: latents}, aside, {"format": _KIND, "version": FORMAT_VERSION})


def load_preserved(path: Path, words: Sequence[str]) -> Tensor | None:
    """Inverse of `save_preserved`; None when there is no file with a picture for each of the words."""
    if not path.is_file():
        return None
    try:
        header = checked_header(path, _KIND)
        if _LATENTS not in header.tensors or header.tensors[_LATENTS].shape[0] != len(words):
            return None
        latents = TensorFile(path, header).read(_LATENTS)
    except InvalidFileError:
        return None
    return latents if bool(latents.isfinite().all()) else None
