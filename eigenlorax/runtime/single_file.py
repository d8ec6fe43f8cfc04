"""A pipeline as one checkpoint in the layout of Stability's own SDXL files."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor

from eigenlorax.formats.sgm import sgm_names
from eigenlorax.formats.stream import Entry, in_file_order, write_stream

_VAE_NAMES = (
    ("mid_block.attentions.0.", "mid.attn_1."), ("mid_block.resnets.0.", "mid.block_1."),
    ("mid_block.resnets.1.", "mid.block_2."), (".downsamplers.0.", ".downsample."),
    (".upsamplers.0.", ".upsample."), (".conv_shortcut.", ".nin_shortcut."), ("conv_norm_out.", "norm_out."),
    (".group_norm.", ".norm."), (".to_q.", ".q."), (".to_k.", ".k."), (".to_v.", ".v."),
    (".to_out.0.", ".proj_out."),
)  # fmt: skip
_OPEN_CLIP_NAMES = (
    ("encoder.layers.", "transformer.resblocks."), (".layer_norm1.", ".ln_1."), (".layer_norm2.", ".ln_2."),
    (".mlp.fc1.", ".mlp.c_fc."), (".mlp.fc2.", ".mlp.c_proj."), (".self_attn.out_proj.", ".attn.out_proj."),
    ("final_layer_norm.", "ln_final."), ("embeddings.token_embedding.weight", "token_embedding.weight"),
    ("embeddings.position_embedding.weight", "positional_embedding"),
)  # fmt: skip
PARTS = ("unet", "vae", "text_encoder", "text_encoder_2")
"""The parts of a pipeline that have weights."""


@dataclass(frozen=True)
class _Source:
    """A tensor of the checkpoint: its shape, and how to get it from the model."""

    part: str
    shape: tuple[int, ...]
    get: Callable[[], Tensor]


def write_single_file(
    pipeline: StableDiffusionXLPipeline,
    path: Path,
    dtypes: Mapping[str, torch.dtype],
    metadata: Mapping[str, str] | None = None,
    marks: Iterable[str] = (),
) -> None:
    """Write a pipeline's weights as they stand, one tensor in memory at a time.

    Args:
        pipeline: Left as it is.
        path: Replaced when it is there.
        dtypes: Part -> precision in the file.
        metadata: For the header.
        marks: Names of tensors without numbers that tell of what kind the model is.

    Source: the state-dict layout of github.com/Stability-AI/generative-models and of open_clip.
    """
    sources = dict(_sources(pipeline))
    sources |= {mark: _whole("unet", torch.zeros(0)) for mark in marks}
    entries = [Entry(name, dtypes[source.part], source.shape) for name, source in sources.items()]
    write_stream(path, in_file_order(entries), metadata or {}, lambda name: sources[name].get())


def weights(pipeline: StableDiffusionXLPipeline, part: str) -> dict[str, Tensor]:
    """A part's weights as a single file holds them: without the words that embeddings have added.

    A single file has no vocabulary of its own, so its token embedding must be CLIP's size.
    """
    state: dict[str, Tensor] = getattr(pipeline, part).state_dict()
    tokenizer = {"text_encoder": pipeline.tokenizer, "text_encoder_2": pipeline.tokenizer_2}.get(part)
    if tokenizer is None or len(tokenizer) == tokenizer.vocab_size:
        return state
    return {
        name: tensor[: tokenizer.vocab_size] if name.endswith("token_embedding.weight") else tensor
        for name, tensor in state.items()
    }


def _sources(pipeline: StableDiffusionXLPipeline) -> Iterator[tuple[str, _Source]]:
    for name, tensor in _unet(weights(pipeline, "unet")).items():
        yield f"model.diffusion_model.{name}", _whole("unet", tensor)
    for name, tensor in _vae(weights(pipeline, "vae")).items():
        yield f"first_stage_model.{name}", _whole("vae", tensor)
    for name, tensor in weights(pipeline, "text_encoder").items():
        level = "" if name.startswith("text_model.") else "text_model."
        yield f"conditioner.embedders.0.transformer.{level}{name}", _whole("text_encoder", tensor)
    for name, source in _open_clip(weights(pipeline, "text_encoder_2")):
        yield f"conditioner.embedders.1.model.{name}", source


def _whole(part: str, tensor: Tensor) -> _Source:
    return _Source(part, tuple(tensor.shape), lambda: tensor)


def _unet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    sgm = sgm_names({name.rpartition(".")[0] for name in state})
    return {f"{sgm[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": v for name, v in state.items()}


def _vae(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
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


def _open_clip(state: Mapping[str, Tensor]) -> Iterator[tuple[str, _Source]]:
    part = "text_encoder_2"
    for name, tensor in state.items():
        name = name.removeprefix("text_model.")
        if name == "text_projection.weight":
            yield "text_projection", _whole(part, tensor.mT)
        elif ".self_attn.q_proj." in name:
            leaf = name.rpartition(".")[2]
            prefix = "text_model." + name.rpartition("q_proj.")[0]
            three = [state[f"{prefix}{x}_proj.{leaf}"] for x in "qkv"]
            shape = (3 * tensor.shape[0], *tensor.shape[1:])
            layer = name.split(".")[2]
            yield (
                f"transformer.resblocks.{layer}.attn.in_proj_{leaf}",
                _Source(part, shape, partial(torch.cat, three)),
            )
        elif ".self_attn.k_proj." not in name and ".self_attn.v_proj." not in name:
            for ours, theirs in _OPEN_CLIP_NAMES:
                name = name.replace(ours, theirs)
            yield name, _whole(part, tensor)
