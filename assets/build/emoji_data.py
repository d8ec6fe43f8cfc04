"""Reading the picture sets: a folder or a zip of `<set>/<file>.webp` with `captions.jsonl.gz`, onto one tensor.

The colours behind a picture are white; `white_cover` finds how much of each pixel is that white, so that another
background can be laid under it.
"""

import gzip
import io
import json
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from PIL import Image
from subjects import Row


class Source:
    """A folder or a zip file with the picture sets; `read` gives a member's bytes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._members: dict[str, bytes] = {}
        if root.is_file():
            with zipfile.ZipFile(root) as archive:
                self._members = {name: archive.read(name) for name in archive.namelist()}

    def read(self, name: str) -> bytes:
        """The bytes of member `name`; KeyError or FileNotFoundError where it is missing."""
        return self._members[name] if self._members else (self._root / name).read_bytes()

    def rows(self, sets: Sequence[str]) -> list[Row]:
        """Caption rows of the sets, in file order."""
        lines = gzip.decompress(self.read("captions.jsonl.gz")).decode().splitlines()
        found = [json.loads(line) for line in lines]
        return [row for row in found if row["set"] in sets and self._has(f"{row['set']}/{row['file']}")]

    def _has(self, name: str) -> bool:
        return name in self._members if self._members else (self._root / name).is_file()


def load_pictures(source: Source, rows: Sequence[Row]) -> torch.Tensor:
    """The rows' pictures [N, 3, 128, 128], uint8, on the CPU."""

    def decode(row: Row) -> np.ndarray:
        with Image.open(io.BytesIO(source.read(f"{row['set']}/{row['file']}"))) as picture:
            return np.asarray(picture.convert("RGB"))

    with ThreadPoolExecutor(16) as pool:
        return torch.from_numpy(np.stack(list(pool.map(decode, rows)))).permute(0, 3, 1, 2).contiguous()


def white_cover(pictures: torch.Tensor, rounds: int = 160) -> torch.Tensor:
    """How much of each pixel is the white behind the drawing: [N, 1, H, W], uint8 (255 = all), for uint8 [N, 3, H, W].

    White that touches the border is grown inwards `rounds` times; on its rim the share is read from the colour, the
    strongest colour within two pixels being taken for the drawing's own.
    """
    out = []
    for part in pictures.split(1024):
        ink = (1.0 - part.float() / 255.0).amax(dim=1, keepdim=True)
        white = (ink < 0.04).float()
        found = torch.zeros_like(white)
        found[..., 0, :], found[..., -1, :] = white[..., 0, :], white[..., -1, :]
        found[..., :, 0], found[..., :, -1] = white[..., :, 0], white[..., :, -1]
        for _ in range(rounds):
            found = functional.max_pool2d(found, 3, 1, 1) * white
        rim = functional.max_pool2d(found, 5, 1, 2) * (1.0 - found)
        full = functional.max_pool2d(ink, 5, 1, 2).clamp_min(1e-3)
        cover = found + rim * (1.0 - (ink / full)).clamp(0.0, 1.0)
        out.append((cover * 255.0).round().to(torch.uint8))
    return torch.cat(out)
