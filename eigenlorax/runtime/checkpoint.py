"""SDXL checkpoints in a single file, loaded without asking a hub for configurations or a vocabulary."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL, StableDiffusionXLPipeline
from transformers import CLIPTokenizer

SDXL_REFERENCE = Path(__file__).resolve().parent.parent.parent / "assets" / "sdxl"


def load_checkpoint(
    path: Path, dtype: torch.dtype, reference: Path = SDXL_REFERENCE, vae: AutoencoderKL | None = None
) -> StableDiffusionXLPipeline:
    """Load a checkpoint in Stability's layout.

    Args:
        path: A .safetensors file with UNet, VAE and both text encoders.
        dtype: Precision of the weights in memory.
        reference: A folder in diffusers form without weights: each part's configuration, and CLIP's
            merges.txt at its top.
        vae: Taken instead of the file's own, in whatever precision it has.

    Raises:
        OSError, ValueError, KeyError, RuntimeError: as diffusers raises them for a file of another
            architecture or a broken one.
    """
    merges = reference / "merges.txt"
    given = {} if vae is None else {"vae": vae}
    return StableDiffusionXLPipeline.from_single_file(
        path,
        dtype=dtype,
        config=str(reference),
        local_files_only=True,
        tokenizer=clip_tokenizer(merges, pad_token="<|endoftext|>"),
        tokenizer_2=clip_tokenizer(merges, pad_token="!"),
        **given,
    )


def clip_tokenizer(merges_file: Path, pad_token: str) -> CLIPTokenizer:
    """CLIP's tokenizer from its merges alone: its vocabulary is the bytes, the merges and two marks.

    Source: github.com/openai/CLIP, clip/simple_tokenizer.py.
    """
    lines = merges_file.read_text(encoding="utf-8").splitlines()[1:]
    merges = [tuple(line.split(" ")) for line in lines]
    letters = _byte_letters()
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, pad_token=pad_token, model_max_length=77)


def _byte_letters() -> list[str]:
    """One printable character per byte: printable Latin-1 stands for itself, the rest from 256 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = 256 - len(printable)
    return [chr(code) for code in printable] + [chr(256 + number) for number in range(others)]
