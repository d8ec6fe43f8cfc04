"""The full-size SDXL with random weights, and LoRAs over every Linear of it, made from seeds when asked for."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import Component, ModelLayout, ModulePath
from eigenlorax.runtime.checkpoint import SDXL_REFERENCE, clip_tokenizer
from eigenlorax.runtime.hardware import Hardware
from eigenlorax.runtime.options import Placement
from eigenlorax.runtime.plan import Plan
from eigenlorax.runtime.sdxl import BaseModel, base_of
from eigenlorax.runtime.variant import Variant
from tests import headers

#: Columns on each side that all LoRAs of a collection share.
COMMON = 16


def linear_layout() -> ModelLayout:
    """722 UNet modules and the text encoders' 264: what one LoRA "over all" changes."""
    return {
        path: shape
        for path, shape in headers.sdxl_layout().items()
        if shape.kernel != (3, 3)
        and path.name != "text_projection"
        and (path.component is not Component.UNET or "attentions" in path.name)
    }


def one_of_each_shape(layout: ModelLayout) -> dict[ModulePath, int]:
    """The first module of each shape -> how many there are of it."""
    firsts: dict[tuple[int, int], ModulePath] = {}
    counts: dict[ModulePath, int] = {}
    for path, shape in layout.items():
        first = firsts.setdefault(shape.matrix, path)
        counts[first] = counts.get(first, 0) + 1
    return counts


def collection(
    layout: ModelLayout, paths: Sequence[ModulePath], count: int, rank: int, shared: float
) -> list[LoRA]:
    """LoRAs of which nothing is held: `shared` of their energy lies in `COMMON` columns a side."""
    return [
        LoRA(f"lora-{number:03}", _FromSeed(layout, paths, number, rank, shared)) for number in range(count)
    ]


class _FromSeed(Mapping[ModulePath, LoRALayer]):
    def __init__(
        self, layout: ModelLayout, paths: Sequence[ModulePath], number: int, rank: int, shared: float
    ) -> None:
        self._layout = layout
        self._paths = {path: place for place, path in enumerate(paths)}
        self._number, self._rank, self._shared = number, rank, shared

    def __iter__(self) -> Iterator[ModulePath]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, path: object) -> bool:
        return path in self._paths

    def __getitem__(self, path: ModulePath) -> LoRALayer:
        place = self._paths[path]
        out, into = self._layout[path].matrix
        g = torch.Generator().manual_seed(100_000 * (place + 1) + self._number)
        up, down = torch.randn(out, self._rank, generator=g), torch.randn(self._rank, into, generator=g)
        # ||up down|| is near sqrt(out rank in); of the shared part, with orthonormal frames, near COMMON sqrt(rank).
        wide, narrow = _common(place, out, into)
        left = wide @ torch.randn(COMMON, self._rank, generator=g)
        right = torch.randn(self._rank, COMMON, generator=g) @ narrow.mT
        half = self._rank // 2  # the shared part takes half the columns, its own part the others
        own, common = (
            ((1.0 - self._shared) / (out * into * half)) ** 0.5,
            (self._shared / (COMMON**2 * half)) ** 0.5,
        )
        return LoRALayer(
            torch.cat([up[:, :half] * own, left[:, :half] * common], 1),
            torch.cat([down[:half], right[:half]]),
        )


@lru_cache(maxsize=2)
def _common(place: int, out: int, into: int) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(place)
    wide, narrow = torch.randn(out, COMMON, generator=g), torch.randn(into, COMMON, generator=g)
    return torch.linalg.qr(wide)[0], torch.linalg.qr(narrow)[0]


def random_pipeline(device: torch.device, dtype: torch.dtype) -> StableDiffusionXLPipeline:
    """The full-size SDXL of the reference configurations, every weight drawn at random, its VAE in float32."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            unet = UNet2DConditionModel.from_config(_config("unet"))
            first = CLIPTextModel(CLIPTextConfig(**_config("text_encoder")))
            second = CLIPTextModelWithProjection(CLIPTextConfig(**_config("text_encoder_2")))
            torch.set_default_dtype(torch.float32)
            vae = AutoencoderKL.from_config(_config("vae"))
    finally:
        torch.set_default_dtype(before)
    merges = SDXL_REFERENCE / "merges.txt"
    made = StableDiffusionXLPipeline(
        vae=vae, text_encoder=first, text_encoder_2=second, unet=unet,
        tokenizer=clip_tokenizer(merges, "<|endoftext|>"), tokenizer_2=clip_tokenizer(merges, "!"),
        scheduler=EulerDiscreteScheduler.from_pretrained(SDXL_REFERENCE / "scheduler"), add_watermarker=False,
    )  # fmt: skip
    for part in (unet, first, second, vae):
        part.eval().requires_grad_(False)
    return made


def _config(part: str) -> dict[str, object]:
    return json.loads((SDXL_REFERENCE / part / "config.json").read_text(encoding="utf-8"))


def random_base(device: torch.device, dtype: torch.dtype) -> BaseModel:
    """`random_pipeline` as a loaded base model, all of it on the device."""
    hardware = Hardware(device, dtype, str(device))
    base = base_of(random_pipeline(device, dtype), "random SDXL", Variant(), hardware, Placement.GPU)
    base.placed.take(Plan(Placement.GPU))
    return base
