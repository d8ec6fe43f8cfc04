"""Pictures and captions for every LoRA: a vendor's own drawings, or drawings of the base's vendors in a style.

Only train subjects are used (`subjects.is_test_subject` is false); a few of them are held out to stop by.
"""

import io
import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from emoji_data import Source
from lora_specs import Spec
from PIL import Image
from styles import apply_style
from subjects import STYLE_SOURCES, Row, is_test_subject

Job = tuple[str, int, bytes]


class Learning(NamedTuple):
    """One LoRA's pictures: uint8 [T, 3, 128, 128] and captions to learn, and the same held out."""

    train: torch.Tensor
    train_captions: list[str]
    held: torch.Tensor
    held_captions: list[str]


def _paint(job: Job) -> np.ndarray:
    style, seed, data = job
    with Image.open(io.BytesIO(data)) as picture:
        image = picture.convert("RGB")
    return np.asarray(apply_style(style, image, seed) if style else image)


def choose(rows: Sequence[Row], spec: Spec, count: int) -> list[Row]:
    """Up to `count` rows of train subjects, core first; every subject once before any comes by another hand."""
    chance = random.Random(f"pictures of {spec.look}")
    sets = (spec.look,) if spec.vendor else STYLE_SOURCES
    fits = [row for row in rows if row["set"] in sets and not is_test_subject(row["name"])]
    chance.shuffle(fits)
    fits.sort(key=lambda row: not row.get("core"))
    seen: dict[str, int] = {}
    turns = []
    for row in fits:
        seen[row["name"]] = seen.get(row["name"], -1) + 1
        turns.append(seen[row["name"]])
    order = sorted(range(len(fits)), key=lambda place: turns[place])
    return [fits[place] for place in order][:count]


def load_all(source: Source, specs: Sequence[Spec], count: int, held: int, workers: int) -> list[Learning]:
    """Draw every LoRA's pictures, in `workers` processes."""
    looks = sorted({spec.look for spec in specs})
    by_look = {spec.look: spec for spec in specs}
    rows = source.rows([*STYLE_SOURCES, *(spec.look for spec in specs if spec.vendor)])
    chosen = {look: choose(rows, by_look[look], count + held) for look in looks}
    jobs: list[Job] = []
    for look in looks:
        style = "" if by_look[look].vendor else look
        jobs += [
            (style, seed, source.read(f"{row['set']}/{row['file']}")) for seed, row in enumerate(chosen[look])
        ]
    with ProcessPoolExecutor(workers) as pool:
        drawn = list(pool.map(_paint, jobs, chunksize=16))
    found: dict[str, Learning] = {}
    start = 0
    for look in looks:
        part = torch.from_numpy(np.stack(drawn[start : start + len(chosen[look])])).permute(0, 3, 1, 2)
        start += len(chosen[look])
        captions = [f"{row['caption']}, {by_look[look].trigger}" for row in chosen[look]]
        cut = min(held, len(captions) // 5)
        found[look] = Learning(part[cut:], captions[cut:], part[:cut], captions[:cut])
    return [found[spec.look] for spec in specs]
