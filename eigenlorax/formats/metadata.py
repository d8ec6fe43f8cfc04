"""What a LoRA says of itself in its header: title, trigger words, licence, pictures, how it was trained."""

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path

from eigenlorax.formats.loose_json import json_object, json_value
from eigenlorax.formats.sidecars import split_words, strength_of

MAX_COVER_BYTES = 8 * 1024 * 1024


def title_of(metadata: Mapping[str, str], stem: str) -> str:
    """The title in the header (modelspec, then kohya's output name), else the file's stem."""
    for key in ("modelspec.title", "ss_output_name"):
        if text := metadata.get(key, "").strip():
            return text
    return stem


def header_trigger_words(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """modelspec's trigger phrase, else the commonest training tag.

    Source: modelspec 1.0.1 (trigger_phrase) and kohya's ss_tag_frequency.
    """
    if text := metadata.get("modelspec.trigger_phrase", "").strip():
        return split_words(text)
    return training_tags(metadata, most=1)


def training_tags(metadata: Mapping[str, str], most: int) -> tuple[str, ...]:
    """The commonest training tags, commonest first.

    Source: kohya's ss_tag_frequency.
    """
    counts: dict[str, int] = {}
    for folder in json_object(metadata.get("ss_tag_frequency", "")).values():
        if isinstance(folder, dict):
            for tag, count in folder.items():
                if isinstance(count, int):
                    counts[tag.strip()] = counts.get(tag.strip(), 0) + count
    return tuple(sorted(counts, key=lambda tag: -counts[tag])[:most])


def header_weight(metadata: Mapping[str, str]) -> float | None:
    """The strength that a header advises; None when it does not.

    Source: SwarmUI (modelspec.lora_default_weight).
    """
    return strength_of(metadata.get("modelspec.lora_default_weight", "").strip() or None)


_TRAINING = (
    ("base model", ("ss_sd_model_name", "modelspec.architecture")),
    ("network", ("ss_network_module",)),
    ("rank", ("ss_network_dim",)),
    ("alpha", ("ss_network_alpha",)),
    ("images", ("ss_num_train_images",)),
    ("steps", ("ss_steps",)),
    ("epochs", ("ss_epoch", "ss_num_epochs")),
    ("batch", ("ss_batch_size_per_device", "ss_total_batch_size")),
    ("learning rate", ("ss_unet_lr", "ss_learning_rate")),
    ("text encoder rate", ("ss_text_encoder_lr",)),
    ("optimiser", ("ss_optimizer",)),
    ("resolution", ("modelspec.resolution", "ss_resolution")),
    ("clip skip", ("ss_clip_skip",)),
    ("seed", ("ss_seed",)),
    ("prediction", ("modelspec.prediction_type",)),
    ("date", ("modelspec.date", "ss_training_finished_at")),
    ("author", ("modelspec.author",)),
    ("comment", ("ss_training_comment",)),
)


def training_facts(metadata: Mapping[str, str]) -> dict[str, str]:
    """How the LoRA was trained, by the words users know, for whatever the header tells."""
    facts = {}
    for label, keys in _TRAINING:
        text = next((metadata[key].strip() for key in keys if metadata.get(key, "").strip()), "")
        if text and text != "None":
            facts[label] = text
    return facts


_FINE_TUNES = (
    ("Pony", re.compile(r"pony|score_9|score_8_up|source_anime", re.IGNORECASE)),
    ("NoobAI", re.compile(r"noob", re.IGNORECASE)),
    ("Illustrious", re.compile(r"illustrious|\bilxl\b", re.IGNORECASE)),
    ("Animagine", re.compile(r"animagine", re.IGNORECASE)),
    ("Turbo", re.compile(r"turbo", re.IGNORECASE)),
    ("Lightning", re.compile(r"lightning", re.IGNORECASE)),
)
_FINE_TUNE_KEYS = ("ss_sd_model_name", "ss_base_model_version", "modelspec.architecture", "ss_tag_frequency")


def guess_fine_tune(path: Path, metadata: Mapping[str, str], claimed: str = "") -> str:
    """The fine-tune of SDXL that a LoRA hints at, such as "Pony" or "NoobAI, v-prediction".

    Nothing in the tensors tells, so this is a guess from names, tags and a sidecar's claim; it never
    decides anything.
    """
    hints = " ".join((path.stem, claimed, *(metadata.get(key, "") for key in _FINE_TUNE_KEYS)))
    found = next((name for name, pattern in _FINE_TUNES if pattern.search(hints)), "")
    if re.fullmatch(r"v|v_prediction", metadata.get("modelspec.prediction_type", "")) or re.search(
        r"v-?pred", hints, re.IGNORECASE
    ):
        return f"{found}, v-prediction".lstrip(", ")
    return found


def has_cover(metadata: Mapping[str, str]) -> bool:
    """Whether a header seems to hold a picture; `embedded_cover` decodes it."""
    return any(metadata.get(key, "").strip(" []") for key in _COVER_KEYS)


_COVER_KEYS = ("modelspec.thumbnail", "modelspec.preview_image", "ssmd_cover_images")


def embedded_cover(metadata: Mapping[str, str]) -> bytes | None:
    """The picture inside a header, as the bytes of an image file; None when there is none.

    Source: modelspec 1.0.1 (thumbnail, a data URL), SwarmUI (preview_image), A1111 (ssmd_cover_images).
    """
    covers = metadata.get("ssmd_cover_images", "")
    listed = json_value(covers) if covers else []
    texts = [metadata.get("modelspec.thumbnail", ""), metadata.get("modelspec.preview_image", "")]
    texts += [text for text in listed if isinstance(text, str)] if isinstance(listed, list) else []
    for text in filter(None, texts):
        encoded = text.partition("base64,")[2] or text
        if len(encoded) > MAX_COVER_BYTES * 4 // 3:
            continue
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            continue
    return None
