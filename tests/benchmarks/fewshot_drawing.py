"""Pictures of test subjects with a taught style, for the judge: WebP files and lines of its manifest."""

import io
import json
import re
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from eigenlorax.training.lesson import sampled
from eigenlorax.training.predictor import Updates
from tests.benchmarks.fewshot_ground import Ground

_PICTURES, _STEPS, _GUIDANCE, _SEED = 20, 20, 4.5, 88_000
_QUALITY = 95
#: Most bytes of a tar file.
_MOST = 15_000_000


@torch.no_grad()
def draw(
    ground: Ground,
    updates: Updates,
    captions: Sequence[str],
    subjects: Mapping[str, str],
    folder: Path,
    key: str,
) -> list[list[str]]:
    """Twenty pictures, each from the noise of its number, whatever the style.

    Args:
        captions: Of the style's test pictures, with its trigger behind the last comma.
        subjects: Caption without trigger -> name of the subject that the judge knows; others are not drawn.

    Returns:
        (file name, subject) of each.
    """
    known = [
        (text, subjects[text.rpartition(",")[0]]) for text in captions if text.rpartition(",")[0] in subjects
    ]
    if not known:
        return []
    chosen = [known[place % len(known)] for place in range(_PICTURES)]
    predictor, pipeline = ground.predictor, ground.base.pipeline
    edge = predictor.side // pipeline.vae_scale_factor
    noise = torch.cat([
        torch.randn(1, 4, edge, edge, generator=torch.Generator().manual_seed(_SEED + place))
        for place in range(_PICTURES)
    ])  # fmt: skip
    latents = sampled(
        predictor, updates, [(0, text) for text, _ in chosen], 1, noise,
        torch.Generator().manual_seed(_SEED), _STEPS, _GUIDANCE,
    )  # fmt: skip
    scaled = latents.to(pipeline.vae.device, pipeline.vae.dtype) / pipeline.vae.config.scaling_factor
    pixels = pipeline.vae.decode(scaled, return_dict=False)[0]
    colours = ((pixels.float().clamp(-1, 1) + 1) * 127.5).round().byte().cpu()
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for place, (one, (_, subject)) in enumerate(zip(colours, chosen, strict=True)):
        name = f"{stem(key)}-{place:02}.webp"
        Image.fromarray(one.permute(1, 2, 0).numpy()).save(folder / name, "webp", quality=_QUALITY)
        found.append([name, subject])
    return found


def stem(name: str) -> str:
    """A name as part of a file's."""
    return "-".join(re.findall(r"[a-z0-9.]+", name.lower()))


def pack(rows: Iterable[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Tar files by style, each below 16 MB, and for each contender and number of shots a manifest for the judge.

    Returns:
        The tar files; the pictures in them stay in the folder too.
    """
    drawn = [row for row in rows if row.get("drawn")]
    manifests: dict[str, list[str]] = {}
    for row in drawn:
        lines = manifests.setdefault(f"{row['contender']} | {row['shots']}", [])
        lines += [
            json.dumps({"file": file, "subject": subject, "style": row["style"]})
            for file, subject in row["drawn"]
        ]
    for name, lines in manifests.items():
        (folder / f"{stem(name)}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    made: list[Path] = []
    for style in sorted({row["style"] for row in drawn}):
        files = [file for row in drawn if row["style"] == style for file, _ in row["drawn"]]
        made += _tarred([folder / file for file in files], folder, style)
    return made


def _tarred(files: Sequence[Path], folder: Path, style: str) -> list[Path]:
    made: list[Path] = []
    waiting = list(files)
    for number in count():
        if not waiting:
            return made
        made.append(folder / f"{style}-{number}.tar")
        with tarfile.open(made[-1], "w") as archive:
            size = 0
            while waiting and size < _MOST:
                content = waiting[0].read_bytes()
                told = tarfile.TarInfo(waiting.pop(0).name)
                told.size = len(content)
                archive.addfile(told, io.BytesIO(content))
                size += len(content) + 2 * tarfile.BLOCKSIZE
    return made
