"""Write a pipeline as one checkpoint in the layout of Stability's own SDXL files."""

from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import save_file
from torch import Tensor

from eigenlorax.formats.sgm import sgm_names

_VAE_NAMES = (
    ("mid_block.attentions.0.", "mid.attn_1."), ("mid_block.resnets.0.", "mid.block_1."),
    ("mid_block.resnets.1.", "mid.block_2."), (".downsamplers.0.", ".downsample."),
    (".upsamplers.0.", ".upsample."), (".conv_shortcut.", ".nin_shortcut."), ("conv_norm_out.", "norm_out."),
    (".group_norm.", ".norm."), (".to_q.", ".q."), (".to_k.", ".k."), (".to_v.", ".v."), (".to_out.0.", ".proj_out."),
)  # fmt: skip
_OPEN_CLIP_NAMES = (
    ("encoder.layers.", "transformer.resblocks."), (".layer_norm1.", ".ln_1."), (".layer_norm2.", ".ln_2."),
    (".mlp.fc1.", ".mlp.c_fc."), (".mlp.fc2.", ".mlp.c_proj."), (".self_attn.out_proj.", ".attn.out_proj."),
    ("final_layer_norm.", "ln_final."), ("embeddings.token_embedding.weight", "token_embedding.weight"),
    ("embeddings.position_embedding.weight", "positional_embedding"),
)  # fmt: skip


def write(pipeline: StableDiffusionXLPipeline, path: Path) -> Path:
    """Write `pipeline` to `path` as fp32."""
    tensors = {f"model.diffusion_model.{k}": v for k, v in _unet(pipeline.unet.state_dict()).items()}
    tensors |= {f"first_stage_model.{k}": v for k, v in _vae(pipeline.vae.state_dict()).items()}
    for name, tensor in pipeline.text_encoder.state_dict().items():
        level = "" if name.startswith("text_model.") else "text_model."
        tensors[f"conditioner.embedders.0.transformer.{level}{name}"] = tensor
    second = _open_clip(pipeline.text_encoder_2.state_dict())
    tensors |= {f"conditioner.embedders.1.model.{k}": v for k, v in second.items()}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path


def _unet(state: dict[str, Tensor]) -> dict[str, Tensor]:
    modules = {name.rpartition(".")[0] for name in state}
    sgm = sgm_names(modules)
    return {f"{sgm[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": v for name, v in state.items()}


def _vae(state: dict[str, Tensor]) -> dict[str, Tensor]:
    blocks = 1 + max(int(name.split(".")[2]) for name in state if name.startswith("decoder.up_blocks."))
    result = {}
    for name, tensor in state.items():
        for ours, theirs in _VAE_NAMES:
            name = name.replace(ours, theirs)
        parts = name.split(".")
        if parts[1] in ("down_blocks", "up_blocks"):
            number = int(parts[2]) if parts[1] == "down_blocks" else blocks - 1 - int(parts[2])
            parts[1:3] = [parts[1].removesuffix("_blocks"), str(number)]
            name = ".".join(parts).replace(".resnets.", ".block.")
        is_attention = ".attn_1." in name and tensor.dim() == 2
        result[name] = tensor[:, :, None, None] if is_attention else tensor
    return result


def _open_clip(state: dict[str, Tensor]) -> dict[str, Tensor]:
    result: dict[str, Tensor] = {}
    for name, tensor in state.items():
        name = name.removeprefix("text_model.")
        if name == "text_projection.weight":
            result["text_projection"] = tensor.mT
        elif ".self_attn.q_proj." in name:
            leaf = name.rpartition(".")[2]
            prefix = "text_model." + name.rpartition("q_proj.")[0]
            joined = torch.cat([state[f"{prefix}{x}_proj.{leaf}"] for x in "qkv"])
            layer = name.split(".")[2]
            result[f"transformer.resblocks.{layer}.attn.in_proj_{leaf}"] = joined
        elif ".self_attn.k_proj." not in name and ".self_attn.v_proj." not in name:
            for ours, theirs in _OPEN_CLIP_NAMES:
                name = name.replace(ours, theirs)
            result[name] = tensor
    return result
