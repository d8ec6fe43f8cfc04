"""Prompt embeddings: diffusers' own for plain prompts, A1111's rules for the rest."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from eigenlorax.errors import InvalidRequestError
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime import prompt as prompts
from eigenlorax.runtime.prompt import embed
from eigenlorax.runtime.sdxl import BaseModel, load_base
from tests import tiny
from tests.conftest import CPU

REQUEST = GenerationRequest("a cat", negative_prompt="dog", guidance=4.0, width=64, height=64)
WIDTH = 16
# Every letter is a token of the tiny tokenizer: exactly one full chunk.
X75 = " ".join("x" * 75)


class Calls:
    """Counts the rows of each call of a text encoder."""

    def __init__(self, encoder: nn.Module) -> None:
        self.rows: list[int] = []
        self.hook = encoder.register_forward_hook(self._seen, with_kwargs=True)

    def _seen(self, _module: nn.Module, inputs: tuple[Tensor, ...], _words: object, _output: object) -> None:
        self.rows.append(inputs[0].shape[0])


@pytest.fixture
def calls(base: BaseModel) -> Iterator[Calls]:
    """What the second text encoder is asked."""
    found = Calls(base.pipeline.text_encoder_2)
    yield found
    found.hook.remove()


@pytest.mark.parametrize(
    "request_",
    [
        REQUEST,
        replace(REQUEST, negative_prompt=""),
        replace(REQUEST, guidance=1.0),
        replace(REQUEST, prompt=X75, negative_prompt=X75.replace("x", "y")),
    ],
)
def test_plain_prompts_are_diffusers_own_bit_for_bit(base: BaseModel, request_: GenerationRequest) -> None:
    guided = request_.guidance > 1.0
    tokens, negative, pooled, negative_pooled = base.pipeline.encode_prompt(
        request_.prompt, do_classifier_free_guidance=guided, negative_prompt=request_.negative_prompt or None
    )
    ours = embed(base.pipeline, request_)
    assert torch.equal(ours.tokens, torch.cat([negative, tokens]) if guided else tokens)
    assert torch.equal(ours.pooled, torch.cat([negative_pooled, pooled]) if guided else pooled)


def test_long_prompts_are_their_chunks_side_by_side(base: BaseModel) -> None:
    long = embed(base.pipeline, replace(REQUEST, prompt=f"{X75} y y"))
    first, second = (embed(base.pipeline, replace(REQUEST, prompt=part)) for part in (X75, "y y"))
    empty = embed(base.pipeline, replace(REQUEST, prompt=" ", guidance=1.0))
    assert long.tokens.shape[1] == 2 * 77
    assert torch.equal(long.tokens[1], torch.cat([first.tokens[1], second.tokens[1]]))
    assert torch.equal(long.pooled, first.pooled)
    assert torch.equal(long.tokens[0], torch.cat([first.tokens[0], empty.tokens[0]]))


def test_break_begins_a_chunk(base: BaseModel) -> None:
    broken = embed(base.pipeline, replace(REQUEST, prompt="a BREAK b", guidance=1.0))
    parts = [embed(base.pipeline, replace(REQUEST, prompt=one, guidance=1.0)).tokens for one in "ab"]
    assert torch.equal(broken.tokens, torch.cat(parts, dim=1))


@pytest.mark.parametrize("side", [0, 1])
def test_weights_scale_tokens_and_leave_each_encoders_mean(base: BaseModel, side: int) -> None:
    words = {"prompt": "(ab:1.5) [c]", "negative_prompt": "(de:0.5)"}
    weights = [[0.5, 0.5, 1.0], [1.5, 1.5, 1 / 1.1]][side]
    weighted = embed(base.pipeline, replace(REQUEST, **words))
    plain = embed(base.pipeline, replace(REQUEST, prompt="ab c", negative_prompt="de"))
    scale = torch.ones(77, 1)
    scale[1:4, 0] = torch.tensor(weights)
    for part in (slice(0, WIDTH), slice(WIDTH, None)):
        hidden = plain.tokens[side, :, part]
        expected = hidden * scale
        expected = expected * (hidden.mean() / expected.mean())
        torch.testing.assert_close(weighted.tokens[side, :, part], expected)
    assert torch.equal(weighted.pooled, plain.pooled)


def test_escaped_brackets_are_letters(base: BaseModel) -> None:
    tokens = base.pipeline.encode_prompt("a (b)", do_classifier_free_guidance=False)[0]
    assert torch.equal(embed(base.pipeline, replace(REQUEST, prompt=r"a \(b\)", guidance=1.0)).tokens, tokens)


def test_clip_skip_counts_as_a1111_does(base: BaseModel) -> None:
    one, two, three = (embed(base.pipeline, replace(REQUEST, clip_skip=n)).tokens for n in (1, 2, 3))
    theirs = base.pipeline.encode_prompt("a cat", do_classifier_free_guidance=False, clip_skip=1)[0]
    assert torch.equal(one, two)
    assert torch.equal(three[1:], theirs)
    with pytest.raises(InvalidRequestError, match="clip skip is 4: this model's text encoders reach to 3"):
        embed(base.pipeline, replace(REQUEST, clip_skip=4))


def test_textual_inversions_count_as_their_vectors(tiny_model: Path) -> None:
    pipeline = load_base(str(tiny_model), CPU).pipeline
    for width, encoder in zip(
        tiny.TEXT_WIDTHS, (pipeline.text_encoder, pipeline.text_encoder_2), strict=True
    ):
        tokenizer = pipeline.tokenizer if encoder is pipeline.text_encoder else pipeline.tokenizer_2
        vectors = torch.randn(2, width, generator=torch.Generator().manual_seed(width))
        pipeline.load_textual_inversion(vectors, "glowy", text_encoder=encoder, tokenizer=tokenizer)
    theirs = pipeline.encode_prompt("a glowy b", do_classifier_free_guidance=False)[0]
    request = replace(REQUEST, prompt="a glowy b", guidance=1.0)
    assert torch.equal(embed(pipeline, request).tokens, theirs)
    longer = embed(pipeline, replace(request, prompt=" ".join(["glowy"] * 38))).tokens
    assert longer.shape[1] == 2 * 77


def test_embeddings_are_kept_by_what_the_encoders_wear(base: BaseModel, calls: Calls) -> None:
    first = embed(base.pipeline, REQUEST, text_key="worn")
    assert embed(base.pipeline, replace(REQUEST, seed=9), text_key="worn") is first
    assert calls.rows == [1, 1]
    for other in (
        replace(REQUEST, prompt="b"),
        replace(REQUEST, clip_skip=3),
        replace(REQUEST, guidance=1.0),
    ):
        assert embed(base.pipeline, other, text_key="worn") is not first
    assert embed(base.pipeline, REQUEST, text_key="other") is not first
    assert embed(base.pipeline, REQUEST) is not first


def test_only_the_last_used_are_kept(base: BaseModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "MAX_KEPT", 2)
    a, b, c = (replace(REQUEST, prompt=one) for one in "abc")
    kept = embed(base.pipeline, a, text_key="bound")
    left = embed(base.pipeline, b, text_key="bound")
    assert embed(base.pipeline, a, text_key="bound") is kept
    embed(base.pipeline, c, text_key="bound")
    assert embed(base.pipeline, a, text_key="bound") is kept
    assert embed(base.pipeline, b, text_key="bound") is not left


def test_encoders_are_called_with_a_row_for_each_picture(base: BaseModel, calls: Calls) -> None:
    many = embed(base.pipeline, replace(REQUEST, prompt="x" * 80), rows=3)
    assert calls.rows == [3] * 4
    one = embed(base.pipeline, replace(REQUEST, prompt="x" * 80)).conditioned(3, 64, 96)
    torch.testing.assert_close(many.conditioned(1, 64, 96).tokens, one.tokens)
    assert one.time_ids.tolist() == [[96, 64, 0, 0, 96, 64]] * 6
