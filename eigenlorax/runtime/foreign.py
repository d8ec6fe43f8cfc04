"""Models that are not SDXL, told by name before gigabytes are read."""

import json
from collections.abc import Iterable
from pathlib import Path

from eigenlorax.errors import ModelLoadError
from eigenlorax.formats.header import Header

PICKLES = (".ckpt", ".pt", ".pth", ".bin")
CONVERT = (
    "pickles are never opened, since they can run programs: convert it to .safetensors with a tool you "
    'trust, such as the checkpoint merger of A1111 (tick "safetensors") or "save checkpoint" of ComfyUI'
)
_ONLY = "only SDXL models are drawn with here"
_XL = "conditioner.embedders.1."
_UNET = "model.diffusion_model."
_FIRST_CONV = f"{_UNET}input_blocks.0.0.weight"
_BY_KEY = (
    ("edm_mean", "Playground v2.5, whose noise schedule (EDM) is another than SDXL's"),
    ("edm_vpred.sigma_max", "a CosXL model, whose noise schedule (EDM) is another than SDXL's"),
)
#: What a key begins with or holds -> the architecture; the first that fits is told.
_BY_PART = (
    (("double_blocks.", "single_blocks.", "single_transformer_blocks."), "Flux"),
    (("joint_blocks.",), "SD3"),
    (("conditioner.embedders.0.model.",), "the SDXL refiner"),
    (("cond_stage_model.transformer.",), "SD1.x"),
    (("cond_stage_model.model.",), "SD2.x"),
    (("control_model.", "controlnet_cond_embedding."), "a ControlNet"),
    (
        ("lora_up.", "lora_down.", "lora_A.", "lora_B.", "hada_w1", "lokr_w"),
        "a LoRA, which goes into the library",
    ),
)
_CLASSES = {
    "StableDiffusionPipeline": "SD1.x or SD2.x",
    "StableDiffusion3Pipeline": "SD3",
    "FluxPipeline": "Flux",
    "StableCascadeDecoderPipeline": "Stable Cascade",
    "StableCascadeCombinedPipeline": "Stable Cascade",
}


def refuse_foreign_file(name: str, header: Header, advice: str) -> None:
    """Refuse a single file whose keys show that it is no SDXL checkpoint that can be drawn with.

    Raises:
        ModelLoadError: says what it is.
    """
    shapes = header.shapes
    if kind := _kind(shapes.keys()):
        raise ModelLoadError(f"{name} is {kind}; {_ONLY}: {advice}")
    channels = shapes.get(_FIRST_CONV, (0, 4))[1]
    if channels != 4:
        raise ModelLoadError(
            f"{name} takes {channels} channels where SDXL takes 4, so it is an inpainting or editing "
            f"model: {advice}"
        )
    wanted = {"a UNet": _UNET, "text encoders": _XL, "a VAE": "first_stage_model."}
    missing = [what for what, start in wanted.items() if not any(key.startswith(start) for key in shapes)]
    if missing:
        raise ModelLoadError(
            f"{name} lacks {', '.join(missing)}, so it is no whole SDXL checkpoint: {advice}"
        )


def refuse_foreign_pipeline(name: str, kind: str, has_first_encoder: object, advice: str) -> None:
    """Refuse a folder or a model of the hub by the class that its model_index.json names.

    Args:
        name: What the user gave.
        kind: `_class_name`, may be empty.
        has_first_encoder: Its `text_encoder` entry; the refiner has none.
        advice: What to give instead.

    Raises:
        ModelLoadError: says what it is.
    """
    if kind.startswith("StableDiffusionXL"):
        if has_first_encoder in (None, [None, None]):
            raise ModelLoadError(f"{name} is the SDXL refiner; {_ONLY}: {advice}")
        if "Inpaint" in kind or "InstructPix2Pix" in kind:
            raise ModelLoadError(f"{name} is an inpainting or editing model ({kind}): {advice}")
    elif kind:
        told = _CLASSES.get(kind, f"a {kind}")
        raise ModelLoadError(f"{name} is {told}; {_ONLY}: {advice}")


def refuse_pickled_folder(folder: Path, parts: Iterable[str]) -> None:
    """Refuse a folder one of whose parts has its weights as a pickle alone.

    Raises:
        ModelLoadError: says which, and how to convert it.
    """
    for part in parts:
        files = list((folder / part).glob("*"))
        pickled = [file.name for file in files if file.suffix in PICKLES]
        if pickled and not any(file.suffix == ".safetensors" for file in files):
            raise ModelLoadError(f"{folder / part} holds {pickled[0]} and no .safetensors; {CONVERT}")


def index_of(folder: Path) -> dict[str, object]:
    """A folder's model_index.json; empty where it is no JSON object."""
    try:
        content = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _kind(keys: Iterable[str]) -> str:
    names = set(keys)
    for key, kind in _BY_KEY:
        if key in names:
            return kind
    if any(name.startswith(_XL) for name in names) and any(name.startswith(_UNET) for name in names):
        return ""
    for parts, kind in _BY_PART:
        if any(part in name for name in names for part in parts):
            return kind
    if any(name.startswith((_UNET, "first_stage_model.")) for name in names):
        return ""
    return "no Stable Diffusion checkpoint that is known here"
