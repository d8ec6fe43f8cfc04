"""What an exported LoRA says of itself in its header, by the keys that other programs look for."""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from PIL import Image

MODELSPEC_VERSION = "1.0.1"
ARCHITECTURE = "stable-diffusion-xl-v1-base/lora"
_IMPLEMENTATION = "https://github.com/Stability-AI/generative-models"
_THUMBNAIL_SIDE = 256


@dataclass(frozen=True)
class Card:
    """The description of a LoRA; an empty text is not written.

    Attributes:
        title: For people to read.
        output_name: How a prompt calls it: <lora:output_name:1>.
        base_name: The base model that it was made with.
        resolution: Side in pixels of the pictures that the base draws.
        made: When.
        trigger_words: Words that its prompts should hold.
        description: What it does.
        author: Who made it.
        licence: Its terms.
        tags: Words to find it by.
        made_from: What it was made from, such as "neon 0.8, chalk 0.4".
        thumbnail: A data URL, as `thumbnail_url` makes.
    """

    title: str
    output_name: str
    base_name: str
    resolution: int
    made: datetime
    trigger_words: tuple[str, ...] = ()
    description: str = ""
    author: str = ""
    licence: str = ""
    tags: tuple[str, ...] = ()
    made_from: str = ""
    thumbnail: str = ""


def header_metadata(card: Card, rank: int, alpha: float, conv_rank: int) -> dict[str, str]:
    """The header's metadata: modelspec 1.0.1 and the part of kohya's that is true of a blend.

    Args:
        card: The description.
        rank: Largest rank of any module.
        alpha: The one alpha of the file; the rank where it has none.
        conv_rank: Largest rank of any convolution with a kernel; 0 without one.

    Source: github.com/Stability-AI/ModelSpec (1.0.1); kohya-ss/sd-scripts, library/train_util.py.
    """
    triggers = ", ".join(card.trigger_words)
    args = {"conv_dim": str(conv_rank), "conv_alpha": f"{alpha:g}"} if conv_rank else {}
    tags = {card.output_name: dict.fromkeys(card.trigger_words, 1)} if card.trigger_words else {}
    entries: Mapping[str, str] = {
        "format": "pt",
        "modelspec.sai_model_spec": MODELSPEC_VERSION,
        "modelspec.architecture": ARCHITECTURE,
        "modelspec.implementation": _IMPLEMENTATION,
        "modelspec.title": card.title,
        "modelspec.date": card.made.isoformat(timespec="seconds"),
        "modelspec.resolution": f"{card.resolution}x{card.resolution}",
        "modelspec.prediction_type": "epsilon",
        "modelspec.description": card.description,
        "modelspec.author": card.author,
        "modelspec.license": card.licence,
        "modelspec.tags": ", ".join(card.tags),
        "modelspec.trigger_phrase": triggers,
        "modelspec.merged_from": card.made_from,
        "modelspec.thumbnail": card.thumbnail,
        "ss_base_model_version": "sdxl_base_v1-0",
        "ss_v2": "False",
        "ss_sd_model_name": card.base_name,
        "ss_output_name": card.output_name,
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(rank),
        "ss_network_alpha": f"{alpha:g}",
        "ss_network_args": json.dumps(args) if args else "",
        "ss_resolution": f"({card.resolution}, {card.resolution})",
        "ss_tag_frequency": json.dumps(tags, ensure_ascii=False) if tags else "",
        "ss_training_comment": f"not trained: made from {card.made_from}" if card.made_from else "",
    }
    return {key: value for key, value in entries.items() if value}


def thumbnail_url(image: Image.Image) -> str:
    """A picture as a JPEG of at most 256 x 256 pixels inside a data URL."""
    small = image.convert("RGB")
    small.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
