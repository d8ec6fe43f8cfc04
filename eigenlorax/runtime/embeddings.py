"""Textual inversions in a pipeline: a word of the prompt stands for learnt vectors."""

from collections.abc import Iterable

from diffusers import StableDiffusionXLPipeline

from eigenlorax.formats.embeddings import Embedding
from eigenlorax.module_path import Component


def teach_words(pipeline: StableDiffusionXLPipeline, embeddings: Iterable[Embedding]) -> dict[str, str]:
    """Add the words of textual inversions to both tokenizers and text encoders.

    A word that a tokenizer knows already is left as it is. diffusers puts several vectors under numbered
    words and expands the word when it encodes a prompt.

    Returns:
        Word -> why it was left out.
    """
    left_out: dict[str, str] = {}
    encoders = {
        Component.TEXT_ENCODER: (pipeline.text_encoder, pipeline.tokenizer),
        Component.TEXT_ENCODER_2: (pipeline.text_encoder_2, pipeline.tokenizer_2),
    }
    for embedding in embeddings:
        known = [part for part, (_, words) in encoders.items() if embedding.token in words.get_vocab()]
        if known:
            left_out[embedding.token] = "the model has this word already"
            continue
        if reason := _misfit(pipeline, embedding):
            left_out[embedding.token] = reason
            continue
        for part, vectors in embedding.vectors.items():
            encoder, tokenizer = encoders[part]
            pipeline.load_textual_inversion(
                vectors, token=embedding.token, text_encoder=encoder, tokenizer=tokenizer
            )
    return left_out


def _misfit(pipeline: StableDiffusionXLPipeline, embedding: Embedding) -> str:
    for part, encoder in (
        (Component.TEXT_ENCODER, pipeline.text_encoder),
        (Component.TEXT_ENCODER_2, pipeline.text_encoder_2),
    ):
        width, asked = embedding.vectors[part].shape[1], encoder.config.hidden_size
        if width != asked:
            return f"it was made for a text encoder {width} wide, this model's is {asked}"
    return ""
