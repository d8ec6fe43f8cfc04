"""Textual inversions are found in LoRA files and alone, kept, and change what a prompt means."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.embeddings import read_embeddings
from eigenlorax.formats.report import Fate, Verdict
from eigenlorax.library.library import Library
from eigenlorax.module_path import Component
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.embeddings import teach_words
from eigenlorax.runtime.generate import encode_prompt
from eigenlorax.runtime.sdxl import BaseModel
from tests import tiny

WIDTHS = dict(zip((Component.TEXT_ENCODER, Component.TEXT_ENCODER_2), tiny.TEXT_WIDTHS, strict=True))


def vectors(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(count, tiny.TEXT_WIDTHS[0]), torch.randn(count, tiny.TEXT_WIDTHS[1])


def test_a_bundle_inside_a_lora_is_kept_and_the_lora_used(tmp_path: Path, base: BaseModel) -> None:
    path = tiny.write_lora(tmp_path / "x.safetensors", tiny.lora(base.layout, "x"))
    first, second = vectors(2)
    bundle = {"bundle_emb.my.word.clip_l": first, "bundle_emb.my.word.clip_g": second}
    save_file({**load_file(path), **bundle}, path)
    report = tiny.reader(base).scan(path)
    assert report.verdict is Verdict.USABLE
    assert report.embeddings == ("my.word",)
    assert {report.fates[key].fate for key in bundle} == {Fate.KEPT}
    (found,) = read_embeddings(path)
    assert found.token == "my.word"
    torch.testing.assert_close(found.vectors[Component.TEXT_ENCODER], first)
    library = Library(tmp_path / "library")
    library.add_embeddings(path)
    (kept,) = library.embeddings()
    assert kept.token == "my.word"
    torch.testing.assert_close(kept.vectors[Component.TEXT_ENCODER_2], second)


def test_a_file_of_its_own_is_named_after_the_file(tmp_path: Path, base: BaseModel) -> None:
    first, second = vectors(1)
    path = tmp_path / "glow.safetensors"
    save_file({"clip_l": first, "clip_g": second}, path)
    report = tiny.reader(base).scan(path)
    assert report.verdict is Verdict.EMBEDDING
    assert "textual inversion" in report.reason
    assert [one.token for one in read_embeddings(path)] == ["glow"]


def test_damaged_vectors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    save_file({"clip_l": torch.full((1, 4), float("nan")), "clip_g": torch.zeros(1, 4)}, path)
    with pytest.raises(InvalidFileError, match="clip_"):
        read_embeddings(path)


def test_the_word_changes_the_prompt_and_only_with_the_word(tmp_path: Path) -> None:
    pipeline = tiny.pipeline(tmp_path)
    plain = encode_prompt(pipeline, GenerationRequest("a b", guidance=1.0))
    first, second = vectors(2)
    path = tmp_path / "glowy.safetensors"
    save_file({"clip_l": first, "clip_g": second}, path)
    pipeline.tokenizer_2 = tiny.tokenizer(tmp_path / "second")
    assert teach_words(pipeline, read_embeddings(path)) == {}
    again = encode_prompt(pipeline, GenerationRequest("a b", guidance=1.0))
    torch.testing.assert_close(again.tokens, plain.tokens)
    worded = encode_prompt(pipeline, GenerationRequest("a b glowy", guidance=1.0))
    assert not torch.allclose(worded.pooled, plain.pooled)
    assert teach_words(pipeline, read_embeddings(path)) == {"glowy": "the model has this word already"}


def test_an_embedding_of_another_model_is_left_out_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "big.safetensors"
    save_file({"clip_l": torch.zeros(1, 768), "clip_g": torch.zeros(1, 1280)}, path)
    left_out = teach_words(tiny.pipeline(tmp_path), read_embeddings(path))
    assert left_out == {"big": "it was made for a text encoder 768 wide, this model's is 16"}
