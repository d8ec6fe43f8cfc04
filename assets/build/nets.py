"""The demo model's networks: sizes, building, text encoding, and writing the diffusers folder.

Every class is SDXL's own (diffusers and transformers); only the widths are small. Shapes: pictures [N, 3, 128, 128]
in [-1, 1], latents [N, 4, 16, 16], token ids [N, 77], sequence embeddings [N, 77, 224], pooled embeddings [N, 128].
"""

import json
import shutil
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

SIZE = 128
TOKENS = 77
BOS, EOS = 8216, 8217
SCALING = 0.13025
_WIDTH_1, _WIDTH_2, _TIME_DIM = 96, 128, 32

TOKENIZER_CONFIG = {
    "add_prefix_space": False,
    "bos_token": "<|startoftext|>",
    "clean_up_tokenization_spaces": True,
    "do_lower_case": True,
    "eos_token": "<|endoftext|>",
    "errors": "replace",
    "model_max_length": TOKENS,
    "pad_token": "<|endoftext|>",
    "tokenizer_class": "CLIPTokenizer",
    "unk_token": "<|endoftext|>",
}


def build_vae() -> AutoencoderKL:
    """A fresh KL autoencoder, 8x, 4 latent channels, 4.4 M numbers."""
    widths = (48, 96, 128, 128)
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=widths,
        layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * len(widths),
        up_block_types=("UpDecoderBlock2D",) * len(widths),
        norm_num_groups=8,
        sample_size=SIZE,
        scaling_factor=SCALING,
        force_upcast=False,
    )


def build_unet() -> UNet2DConditionModel:
    """A fresh UNet with SDXL's block types, two layers a block as SDXL has, 8.7 M numbers."""
    widths = (64, 96, 128)
    return UNet2DConditionModel(
        sample_size=SIZE // 8,
        in_channels=4,
        out_channels=4,
        block_out_channels=widths,
        layers_per_block=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=[1, 1, 1],
        attention_head_dim=[width // 32 for width in widths],
        cross_attention_dim=_WIDTH_1 + _WIDTH_2,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=_TIME_DIM,
        projection_class_embeddings_input_dim=6 * _TIME_DIM + _WIDTH_2,
        norm_num_groups=16,
    )


def build_text() -> tuple[CLIPTextModel, CLIPTextModelWithProjection]:
    """Two fresh text encoders, of widths 96 and 128, the second with a projection."""

    def config(width: int) -> CLIPTextConfig:
        return CLIPTextConfig(
            vocab_size=EOS + 1,
            hidden_size=width,
            intermediate_size=4 * width,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=TOKENS,
            projection_dim=_WIDTH_2,
            bos_token_id=BOS,
            eos_token_id=EOS,
            pad_token_id=EOS,
        )

    return CLIPTextModel(config(_WIDTH_1)), CLIPTextModelWithProjection(config(_WIDTH_2))


def write_tokenizer(vocabulary: Path, folder: Path) -> None:
    """Write a CLIP tokenizer folder from `vocab.json` and `merges.txt` in `vocabulary`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(vocabulary / name, folder / name)
    (folder / "tokenizer_config.json").write_text(json.dumps(TOKENIZER_CONFIG, indent=2) + "\n")


def tokenize(tokenizer: CLIPTokenizer, captions: list[str]) -> torch.Tensor:
    """Token ids [N, 77], int64, padded with the end token as the pipeline does."""
    found = tokenizer(captions, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt")
    ids: torch.Tensor = found.input_ids
    return ids


def encode_text(
    first: CLIPTextModel, second: CLIPTextModelWithProjection, ids: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings [N, 77, 224] and pooled [N, 128] of token ids [N, 77]: next-to-last layers joined, as SDXL does."""
    one = first(ids, output_hidden_states=True)
    two = second(ids, output_hidden_states=True)
    return torch.cat([one.hidden_states[-2], two.hidden_states[-2]], dim=-1), two.text_embeds


def time_ids(count: int, device: torch.device | str) -> torch.Tensor:
    """SDXL's size conditions [N, 6] for a whole 128x128 picture."""
    ids = torch.full((count, 6), float(SIZE), device=device)  # made on the device: a CUDA graph cannot copy
    ids[:, 2:4] = 0.0
    return ids


def scheduler() -> EulerDiscreteScheduler:
    """SDXL's scheduler: scaled-linear betas, noise prediction."""
    return EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        num_train_timesteps=1000,
        prediction_type="epsilon",
        timestep_spacing="leading",
        steps_offset=1,
    )


def alphas_cumprod() -> torch.Tensor:
    """Cumulative signal power [1000], float64, of the schedule above."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1.0 - betas, dim=0)


def save_pipeline(
    folder: Path,
    vae: AutoencoderKL,
    unet: UNet2DConditionModel,
    text: tuple[CLIPTextModel, CLIPTextModelWithProjection],
    vocabulary: Path,
) -> None:
    """Write the whole model as an SDXL diffusers folder in fp16, files of at most 15 MB.

    The tokenizer files are CLIP's classic pair (`vocab.json`, `merges.txt`), which every release of transformers
    reads; the larger `tokenizer.json` that new releases write is left out.
    """
    for part in ("tokenizer", "tokenizer_2"):
        write_tokenizer(vocabulary, folder / part)
    pipeline = StableDiffusionXLPipeline(
        vae=vae.half(),
        text_encoder=text[0].half(),
        text_encoder_2=text[1].half(),
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        tokenizer_2=CLIPTokenizer.from_pretrained(folder / "tokenizer_2"),
        unet=unet.half(),
        scheduler=scheduler(),
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True, max_shard_size="14MB")
    for part in ("tokenizer", "tokenizer_2"):
        (folder / part / "tokenizer.json").unlink(missing_ok=True)
        write_tokenizer(vocabulary, folder / part)
