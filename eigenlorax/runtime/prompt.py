"""Prompts -> what the UNet is conditioned on: long, weighted, and kept while their meaning stays."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.utils.torch_utils import get_module_execution_device
from torch import Tensor

from eigenlorax.errors import InvalidRequestError
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.emphasis import Chunk, chunked, parse

MAX_KEPT = 64


@dataclass(frozen=True)
class Prompt:
    """What the UNet is conditioned on; with guidance the negative rows stand before the positive ones.

    Attributes:
        tokens: (rows, 77 for each chunk, width of both text encoders).
        pooled: (rows, width of the second text encoder's projection).
        time_ids: (rows, 6): original size, crop and target size in pixels, height first.
    """

    tokens: Tensor
    pooled: Tensor
    time_ids: Tensor


@dataclass(frozen=True)
class Embedded:
    """A prompt and its negative one as the text encoders see them.

    Attributes:
        tokens: (rows, 77 for each chunk, width of both text encoders).
        pooled: (rows, width of the second text encoder's projection).
    """

    tokens: Tensor
    pooled: Tensor

    def conditioned(self, copies: int, width: int, height: int) -> Prompt:
        """Each row `copies` times, with the size in pixels that is drawn."""
        tokens, pooled = self.tokens, self.pooled
        if copies > 1:
            tokens, pooled = tokens.repeat_interleave(copies, 0), pooled.repeat_interleave(copies, 0)
        sizes = [[height, width, 0, 0, height, width]] * tokens.shape[0]
        return Prompt(tokens, pooled, torch.tensor(sizes, device=tokens.device, dtype=tokens.dtype))


_kept: WeakKeyDictionary[StableDiffusionXLPipeline, OrderedDict[Hashable, Embedded]] = WeakKeyDictionary()


def embed(
    pipeline: StableDiffusionXLPipeline,
    request: GenerationRequest,
    rows: int = 1,
    text_key: Hashable | None = None,
) -> Embedded:
    """Encode the prompt, and before it the negative one when guidance is on, with both text encoders.

    Args:
        pipeline: Its text encoders are called with `rows` equal rows for each prompt and each chunk.
        request: Its prompts, guidance and clip skip count.
        rows: How often each prompt is encoded; more than one where the text encoders treat rows apart.
        text_key: Names what the text encoders wear; what was encoded under it before is taken from memory,
            where the 64 last used are kept. None always encodes.

    Returns:
        (rows, ...) without guidance, else (2 rows, ...).

    Raises:
        InvalidRequestError: clip skip goes deeper than a text encoder.
    """
    if text_key is None:
        return _embed(pipeline, request, rows)
    kept = _kept.setdefault(pipeline, OrderedDict())
    negative = request.negative_prompt if request.guidance > 1.0 else None
    # Textual inversions add words, which changes what a prompt means.
    words = len(pipeline.tokenizer), len(pipeline.tokenizer_2)
    key = request.prompt, negative, request.clip_skip, rows, words, pipeline._execution_device, text_key
    if key not in kept:
        kept[key] = _embed(pipeline, request, rows)
    kept.move_to_end(key)
    while len(kept) > MAX_KEPT:
        kept.popitem(last=False)
    return kept[key]


def embed_each(
    pipeline: StableDiffusionXLPipeline,
    request: GenerationRequest,
    rows: int = 1,
    text_key: Hashable | None = None,
) -> Embedded:
    """Encode the prompts of a batch whose pictures have their own, one row for each picture.

    Args:
        pipeline, rows, text_key: As for `embed`; of more than one row each picture takes the row that is its.
        request: Its pictures are `alike`.

    Returns:
        (pictures, ...) without guidance, else (2 pictures, ...).

    Raises:
        InvalidRequestError: as `embed`.
    """
    pictures = range(request.batch)
    each = [embed(pipeline, request.of_picture(place), rows, text_key) for place in pictures]
    sides = each[0].tokens.shape[0] // rows
    taken = [(one, side * rows + place % rows) for side in range(sides) for place, one in enumerate(each)]
    return Embedded(
        torch.stack([one.tokens[row] for one, row in taken]),
        torch.stack([one.pooled[row] for one, row in taken]),
    )


def alike(pipeline: StableDiffusionXLPipeline, request: GenerationRequest) -> bool:
    """Whether the pictures' own prompts take as many chunks: then a batch draws what each alone would."""
    pictures = [request.of_picture(place) for place in range(request.batch)]
    return len({_count(pipeline, picture) for picture in pictures}) == 1


def _count(pipeline: StableDiffusionXLPipeline, request: GenerationRequest) -> int:
    """How many chunks a picture's prompts are filled up to."""
    texts = _texts(pipeline, request)
    return max(len(_chunks(pipeline, words, text)) for text in texts for words in _tokenizers(pipeline))


def _texts(pipeline: StableDiffusionXLPipeline, request: GenerationRequest) -> list[str]:
    """What is encoded: the negative prompt, where it counts and is not zeros, before the prompt."""
    if request.guidance <= 1.0 or _zeros(pipeline, request):
        return [request.prompt]
    return [request.negative_prompt, request.prompt]


def _zeros(pipeline: StableDiffusionXLPipeline, request: GenerationRequest) -> bool:
    """Whether an empty negative prompt stands for zeros, as SDXL was trained."""
    return not request.negative_prompt and bool(pipeline.config.force_zeros_for_empty_prompt)


@torch.inference_mode()
def _embed(pipeline: StableDiffusionXLPipeline, request: GenerationRequest, rows: int) -> Embedded:
    prompts = _texts(pipeline, request)
    texts = [[_chunks(pipeline, words, text) for words in _tokenizers(pipeline)] for text in prompts]
    count = max(len(chunks) for text in texts for chunks in text)
    encoded = [_encode(pipeline, text, count, rows, request.clip_skip) for text in texts]
    if request.guidance > 1.0 and _zeros(pipeline, request):
        encoded.insert(0, Embedded(torch.zeros_like(encoded[0].tokens), torch.zeros_like(encoded[0].pooled)))
    if len(encoded) == 1:
        return encoded[0]
    return Embedded(torch.cat([one.tokens for one in encoded]), torch.cat([one.pooled for one in encoded]))


def _tokenizers(pipeline: StableDiffusionXLPipeline) -> tuple[Any, Any]:
    return pipeline.tokenizer, pipeline.tokenizer_2


def _chunks(pipeline: StableDiffusionXLPipeline, tokenizer: Any, text: str) -> list[Chunk]:
    def tokenize(stretch: str) -> list[int]:
        # A textual inversion of several vectors is one word in the prompt and several tokens here.
        words = pipeline.maybe_convert_prompt(stretch, tokenizer)
        ids: list[int] = tokenizer(words, add_special_tokens=False, verbose=False).input_ids
        return ids

    comma = tokenizer.convert_tokens_to_ids(",</w>")
    return chunked(parse(text), tokenize, comma, tokenizer.model_max_length - 2)


def _encode(
    pipeline: StableDiffusionXLPipeline,
    text: Sequence[Sequence[Chunk]],
    count: int,
    rows: int,
    clip_skip: int,
) -> Embedded:
    """One prompt, given as the chunks of each tokenizer; both are filled up to `count` chunks."""
    device, dtype = pipeline._execution_device, pipeline.text_encoder_2.dtype
    widths: list[Tensor] = []
    pooled: list[Tensor] = []
    for encoder, tokenizer, chunks in zip(
        (pipeline.text_encoder, pipeline.text_encoder_2), _tokenizers(pipeline), text, strict=True
    ):
        filled = [*chunks, *[Chunk()] * (count - len(chunks))]
        parts = []
        for chunk in filled:
            output = _seen(encoder, tokenizer, chunk, rows, clip_skip)
            parts.append(_weighted(output.hidden_states[-max(clip_skip, 2)], chunk))
            pooled.append(output[0])
        widths.append(torch.cat(parts, dim=1))
    # The second encoder's first chunk speaks for the whole prompt.
    return Embedded(torch.cat(widths, dim=-1).to(device, dtype), pooled[count].to(device))


def _seen(encoder: Any, tokenizer: Any, chunk: Chunk, rows: int, clip_skip: int) -> Any:
    length = tokenizer.model_max_length
    ids = [tokenizer.bos_token_id, *chunk.ids, tokenizer.eos_token_id]
    ids += [tokenizer.pad_token_id] * (length - len(ids))
    read = torch.tensor([ids] * rows, device=get_module_execution_device(encoder))
    output = encoder(read, output_hidden_states=True)
    if clip_skip > (deepest := len(output.hidden_states)):
        raise InvalidRequestError(f"clip skip is {clip_skip}: this model's text encoders reach to {deepest}")
    return output


def _weighted(hidden: Tensor, chunk: Chunk) -> Tensor:
    """Scale each token's row by its weight, then the whole back to the mean it had.

    Source: AUTOMATIC1111/stable-diffusion-webui, modules/sd_emphasis.py (EmphasisOriginal); a row at a time
    here, so that a picture does not depend on its batch.
    """
    if not chunk.is_weighted:
        return hidden
    rest = hidden.shape[1] - 1 - len(chunk.weights)
    weights = torch.tensor([1.0, *chunk.weights, *[1.0] * rest], device=hidden.device, dtype=hidden.dtype)
    scaled = hidden * weights[:, None]
    return scaled * (hidden.mean((1, 2), keepdim=True) / scaled.mean((1, 2), keepdim=True))
