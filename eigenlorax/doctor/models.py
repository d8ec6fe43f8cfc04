"""Which models are at hand, and how full-size SDXL would be placed here."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from huggingface_hub.constants import HF_HUB_CACHE

from eigenlorax.doctor.finding import Finding, Health
from eigenlorax.runtime.hardware import Hardware, budget_bytes
from eigenlorax.runtime.options import Placement
from eigenlorax.runtime.plan import Needs, make_plan
from eigenlorax.runtime.sizes import ModelSize

_SDXL = "StableDiffusionXLPipeline"
_SIDE = 1024


def models(demo: Path, given: str, cache: Path | None = None) -> Iterator[Finding]:
    """The demo model, those of the hub's cache, and the one that was named.

    Args:
        demo: The demo model's folder.
        given: What the user chose: a folder, a file or a hub id.
        cache: The hub's; by default where huggingface_hub keeps it.
    """
    if (demo / "model_index.json").is_file():
        yield Finding("Demo model", "is here")
    else:
        remedy = f"clone the repository with its large files: {demo} is not there"
        yield Finding("Demo model", "is missing", Health.FAULT, remedy)
    cached = sorted(hub_models(cache or Path(HF_HUB_CACHE)))
    words = ", ".join(cached) if cached else "none in the hub's cache"
    advice = "" if cached else "give --model a folder, a .safetensors checkpoint or a hub id"
    yield Finding("SDXL models", words, Health.FINE if cached else Health.NOTE, advice)
    if given != str(demo):
        path = Path(given).expanduser()
        if path.exists() or given in cached:
            yield Finding("Chosen model", given)
        elif given.count("/") == 1 and not given.startswith((".", "/", "~")):
            yield Finding(
                "Chosen model", f"{given} would be fetched from the hub", Health.NOTE, "go online once"
            )
        else:
            yield Finding(
                "Chosen model", f"{given} does not exist", Health.FAULT, "look at the path's spelling"
            )


def hub_models(cache: Path) -> Iterator[str]:
    """The SDXL models in the hub's cache that are there as a whole pipeline, as owner/name."""
    for index in cache.glob("models--*/snapshots/*/model_index.json"):
        try:
            kind = json.loads(index.read_text(encoding="utf-8")).get("_class_name")
        except (OSError, ValueError, AttributeError):
            continue
        if kind == _SDXL and (index.parent / "unet").is_dir():
            yield index.parents[2].name.removeprefix("models--").replace("--", "/")


def fitting(hardware: Hardware, size: ModelSize, wish: Placement) -> Finding:
    """How one picture of 1024 x 1024 with three styles would be drawn by full-size SDXL.

    Args:
        hardware: Where.
        size: Of the model.
        wish: A placement that the user insists on.
    """
    needs = Needs(_SIDE, _SIDE, styles=3, style_bytes=400 * 2**20)
    if hardware.device.type == "mps" and wish is Placement.AUTO:
        wish = Placement.GPU
    plan = make_plan(replace(size, name="Full-size SDXL"), needs, budget_bytes(hardware.device), wish)
    if not plan.fits:
        return Finding("What fits", plan.sentence, Health.NOTE, "close other programs, or draw smaller")
    slow = plan.placement in (Placement.SEQUENTIAL, Placement.CPU)
    advice = "it works, but slowly: a card of 8 GB holds each part of the model as a whole" if slow else ""
    return Finding("What fits", plan.sentence, Health.NOTE if slow else Health.FINE, advice)
