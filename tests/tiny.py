"""A tiny pipeline with SDXL's classes and random weights, and LoRAs that fit it: made in a second."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from eigenlorax.formats.read import LoRAReader
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import Component, ModelLayout, ModulePath
from eigenlorax.runtime.sdxl import BaseModel

SIDE = 64
TEXT_WIDTHS = (16, 24)
LETTERS = [chr(c) for c in range(33, 127)]


def tokenizer(folder: Path) -> CLIPTokenizer:
    """CLIP's tokenizer with single letters as its whole vocabulary."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = [*LETTERS, *(letter + "</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), pad_token="<|endoftext|>", model_max_length=77
    )


def pipeline(scratch: Path, seed: int = 0) -> StableDiffusionXLPipeline:
    """A pipeline of SDXL's classes with some 100 thousand random weights; pictures are 64 x 64."""
    torch.manual_seed(seed)
    words = tokenizer(scratch / "tokenizer")
    first, second = (
        CLIPTextConfig(
            vocab_size=len(words), hidden_size=width, intermediate_size=32, num_hidden_layers=2,
            num_attention_heads=2, projection_dim=width, bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
        )
        for width in TEXT_WIDTHS
    )  # fmt: skip
    unet = UNet2DConditionModel(
        sample_size=SIDE // 8, block_out_channels=(16, 32, 32), layers_per_block=1, norm_num_groups=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 1, 1), attention_head_dim=(2, 2, 2), use_linear_projection=True,
        cross_attention_dim=sum(TEXT_WIDTHS), addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + TEXT_WIDTHS[1],
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        sample_size=SIDE,
    )  # fmt: skip
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="leading",
        steps_offset=1,
    )  # fmt: skip
    result = StableDiffusionXLPipeline(
        vae=vae, text_encoder=CLIPTextModel(first), text_encoder_2=CLIPTextModelWithProjection(second),
        tokenizer=words, tokenizer_2=words, unet=unet, scheduler=scheduler,
        force_zeros_for_empty_prompt=True, add_watermarker=False,
    )  # fmt: skip
    result.set_progress_bar_config(disable=True)
    return result


def lora(
    layout: ModelLayout,
    name: str,
    rank: int = 4,
    seed: int = 0,
    components: Iterable[Component] = (Component.UNET,),
    strength: float = 1.0,
) -> LoRA:
    """A random LoRA over every attention projection of the given components."""
    generator = torch.Generator().manual_seed(seed)
    layers = {}
    for path, shape in layout.items():
        if path.component in set(components) and "attn" in path.name and not shape.is_vector:
            rows, columns = shape.matrix
            up = torch.randn(rows, rank, generator=generator) * strength / rows
            layers[path] = LoRALayer(up, torch.randn(rank, columns, generator=generator))
    return LoRA(name, layers, sha256=f"{seed:064x}")


def relatives(layout: ModelLayout, names: Iterable[str], rank: int = 4, seed: int = 0) -> list[LoRA]:
    """LoRAs that share both frames of every module: one subspace of `rank` columns holds them all."""
    frames = lora(layout, "frames", rank, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    return [
        LoRA(
            name,
            {
                path: LoRALayer(layer.up @ torch.randn(rank, rank, generator=generator), layer.down)
                for path, layer in frames.layers.items()
            },
            sha256=f"{seed + place:064x}",
        )
        for place, name in enumerate(names)
    ]


def kohya_tensors(lora: LoRA, alpha: float) -> dict[str, Tensor]:
    """The LoRA in kohya's naming with diffusers module names: alpha tensors hold what `up` is divided by."""
    prefixes = {"unet": "lora_unet_", "text_encoder": "lora_te1_", "text_encoder_2": "lora_te2_"}
    tensors: dict[str, Tensor] = {}
    for path, layer in lora.layers.items():
        stem = prefixes[path.component.value] + path.name.replace(".", "_")
        tensors[f"{stem}.lora_up.weight"] = (layer.up * layer.rank / alpha).contiguous()
        tensors[f"{stem}.lora_down.weight"] = layer.down.contiguous()
        tensors[f"{stem}.alpha"] = torch.tensor(alpha)
    return tensors


def write_lora(path: Path, lora: LoRA, alpha: float = 2.0, metadata: Mapping[str, str] | None = None) -> Path:
    """Write `lora` as a kohya file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(kohya_tensors(lora, alpha), path, dict(metadata or {}))
    return path


def any_path(layout: ModelLayout, ending: str) -> ModulePath:
    """The first weight whose module's name ends so."""
    return next(path for path in layout if path.name.endswith(ending) and path.parameter == "weight")


def reader(base: BaseModel) -> LoRAReader:
    """A reader for a base that wears nothing."""
    return LoRAReader(
        base.layout, lambda path: base.parameters[path].detach().reshape(base.layout[path].matrix)
    )
