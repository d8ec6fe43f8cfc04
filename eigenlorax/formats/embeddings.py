"""Textual inversions: those that travel inside a LoRA file, and those that are a file of their own."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from safetensors import safe_open
from torch import Tensor

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.header import read_header
from eigenlorax.module_path import Component

_KEY = re.compile(
    r"bundle_emb\.(?P<token>.+)\.(?P<part>clip_l|clip_g|clip_l_out|clip_g_out|string_to_param\.\*)"
    r"|(?P<own>clip_l|clip_g|emb_params)|(?P<mark><[^>]+>)"
)
_ENCODERS = {
    "clip_l": Component.TEXT_ENCODER,
    "clip_g": Component.TEXT_ENCODER_2,
    "emb_params": Component.TEXT_ENCODER,
}
#: Stands for the file's own name where a file holds one embedding without naming it.
OWN_NAME = "*"


@dataclass(frozen=True)
class Embedding:
    """One textual inversion.

    Attributes:
        token: The word that stands for it in a prompt.
        vectors: Text encoder -> (count, width) float32 rows put in place of the word.
    """

    token: str
    vectors: Mapping[Component, Float[Tensor, "count width"]]


def embedding_name(key: str) -> str:
    """The token that a tensor's name belongs to: `OWN_NAME` for the file's own, empty if there is none."""
    match = _KEY.fullmatch(key)
    if match is None:
        return ""
    return match["token"] or match["mark"] or OWN_NAME


def read_embeddings(path: Path) -> list[Embedding]:
    """Every embedding in a file that can be given to SDXL's two text encoders.

    OneTrainer's `_out` vectors (added behind the encoder) and SD1.x embeddings of one encoder have no place
    in an SDXL prompt and are passed over; their tensors stay named in the import report.

    Raises:
        InvalidFileError: the file is broken, or an embedding is no row of vectors.

    Source: OneTrainer's bundle_emb keys; ComfyUI and diffusers read clip_l and clip_g.
    """
    found: dict[str, dict[Component, Tensor]] = defaultdict(dict)
    header = read_header(path)
    with safe_open(path, framework="pt") as file:
        for key in header.tensors:
            match = _KEY.fullmatch(key)
            part = (match["part"] or match["own"]) if match else None
            if match is None or part not in _ENCODERS:
                continue
            tensor: Tensor = file.get_tensor(key).float()
            rows = tensor[None] if tensor.dim() == 1 else tensor
            if rows.dim() != 2 or not rows.numel() or not bool(rows.isfinite().all()):
                raise InvalidFileError(f"{path.name}: {key!r} is no embedding (shape {tuple(tensor.shape)})")
            token = path.stem if embedding_name(key) == OWN_NAME else embedding_name(key)
            found[token][_ENCODERS[part]] = rows
    return [Embedding(token, vectors) for token, vectors in found.items() if len(vectors) == 2]
