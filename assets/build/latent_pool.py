"""The base model's training data: latents of recoloured and shifted pictures with the token ids of true captions."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import looks
import torch
import torch.nn.functional as functional
from captions import LINE_WORDS, caption, spare_words
from diffusers import AutoencoderKL
from emoji_data import white_cover
from nets import SCALING, tokenize
from subjects import Row
from transformers import CLIPTokenizer

_FIXED_GROUPS = ("Symbols", "Flags")


class Pool(NamedTuple):
    """Latents [M, 4, 16, 16] fp16, scaled; unique token rows [U, 77] int32; row of each latent [M] int64."""

    latents: torch.Tensor
    tokens: torch.Tensor
    row: torch.Tensor


def picture_weight(row: Row) -> float:
    """How often a picture is taken: all coloured core subjects alike, the others less."""
    if row["set"] == "p-tabler-outline":
        return 1.0
    weight = 1.0 if row.get("core") else 0.4
    return weight * (0.6 if row["set"] in LINE_WORDS else 1.0)


def _may_flip(row: Row) -> bool:
    words = row["name"].split()
    return row["group"] not in _FIXED_GROUPS and not {"left", "right", "clock", "button"} & set(words)


def _moved(both: torch.Tensor, flip: torch.Tensor) -> torch.Tensor:
    """Flip where told; move and shrink half of the pictures a little; the cover is the fourth channel."""
    count, device = both.shape[0], both.device
    both = torch.where(flip.view(-1, 1, 1, 1), both.flip(3), both)
    zoom = 1.0 + 0.25 * torch.rand(count, device=device)
    shift = (torch.rand(count, 2, device=device) - 0.5) * 0.16
    rows = torch.zeros(count, 2, 3, device=device)
    rows[:, 0, 0], rows[:, 1, 1], rows[:, :, 2] = zoom, zoom, shift
    grid = functional.affine_grid(rows, list(both.shape), align_corners=False)
    moved = functional.grid_sample(
        both - 1.0, grid, mode="bicubic", padding_mode="zeros", align_corners=False
    )
    still = torch.rand(count, 1, 1, 1, device=device) < 0.5
    return torch.where(still, both, (moved + 1.0).clamp(0.0, 1.0))


class Plan(NamedTuple):
    """What to draw: per latent the picture, the look, two colours (indices) and whether to flip; and its pool."""

    pool: Pool
    chosen: torch.Tensor
    kinds: torch.Tensor
    ones: torch.Tensor
    twos: torch.Tensor
    flips: torch.Tensor


def plan_pool(
    tokenizer: CLIPTokenizer,
    vocabulary: Path,
    rows: Sequence[Row],
    count: int,
    seed: int,
    device: torch.device,
) -> Plan:
    """Choose `count` pictures, looks and captions; the latents stay zero until `fill_pool`."""
    chance = random.Random(seed)
    spare = spare_words(vocabulary, rows)
    chosen = chance.choices(range(len(rows)), [picture_weight(row) for row in rows], k=count)
    shares = {line: [look[2 if line else 1] for look in looks.LOOKS] for line in (False, True)}
    texts, drawn = [], []
    for index in chosen:
        row = rows[index]
        kind = chance.choices(range(len(looks.LOOKS)), shares[row["set"] in LINE_WORDS])[0]
        one, two = chance.sample(range(len(looks.NAMES)), k=2)
        words = looks.LOOKS[kind][3].format(one=looks.NAMES[one], two=looks.NAMES[two])
        texts.append(caption(row, words, spare, chance))
        drawn.append((index, kind, one, two, int(_may_flip(row) and chance.random() < 0.5)))
    unique = {text: place for place, text in enumerate(dict.fromkeys(["", *texts]))}
    pool = Pool(
        torch.zeros(count, 4, 16, 16, dtype=torch.float16, device=device),
        tokenize(tokenizer, list(unique)).to(torch.int32).to(device),
        torch.tensor([unique[text] for text in texts], device=device),
    )
    return Plan(pool, *torch.tensor(drawn, device=device).unbind(1))


@torch.no_grad()
def fill_pool(plan: Plan, vae: AutoencoderKL, pictures: torch.Tensor) -> None:
    """Draw the plan's pictures from `pictures` (uint8 [N, 3, 128, 128]) and encode them into its pool."""
    cover, colours = white_cover(pictures), looks.palette(pictures.device)
    for start in range(0, len(plan.chosen), 768):
        part = slice(start, start + 768)
        where = plan.chosen[part]
        both = torch.cat([pictures[where], cover[where]], dim=1).float() / 255.0
        both = _moved(both, plan.flips[part].bool())
        one, two = (colours[place[part]][..., None, None] for place in (plan.ones, plan.twos))
        one = (one + 0.03 * torch.randn_like(one)).clamp(0.0, 1.0)
        shown = both[:, :3]
        for place, look in enumerate(looks.LOOKS):
            here = (plan.kinds[part] == place).view(-1, 1, 1, 1)
            shown = torch.where(here, look[0](both[:, :3], both[:, 3:], one, two), shown)
        with torch.autocast(pictures.device.type, dtype=torch.float16, enabled=pictures.is_cuda):
            mean = vae.encode(shown.clamp(0.0, 1.0) * 2.0 - 1.0).latent_dist.mode()
        plan.pool.latents[part] = (mean.float() * SCALING).half()
