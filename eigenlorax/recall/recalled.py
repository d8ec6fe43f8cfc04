"""What a picture or a text says of how it was drawn, whichever program wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from eigenlorax.dials import StyleDials

UNKNOWN = "an unknown program"


@dataclass(frozen=True)
class RecalledLora:
    """A LoRA that was worn.

    Attributes:
        name: As the program wrote it, without folder and ending.
        strength: On the UNet.
        hash: Hexadecimal digits, lower case, of any of the kinds in `formats.hashes`; empty when not told.
        text_encoder: Strength on the text encoders; None is as on the UNet.
    """

    name: str
    strength: float = 1.0
    hash: str = ""
    text_encoder: float | None = None


@dataclass(frozen=True)
class RecalledHires:
    """A second, larger pass; None is not told."""

    scale: float | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    upscaler: str = ""


@dataclass(frozen=True)
class RecalledControl:
    """A ControlNet that steered the drawing.

    Attributes:
        model: Its name as the program wrote it, or a hub id.
        scale: Strength.
        start, end: Share of the steps between which it acted.
        module: What made its picture out of another one; empty when nothing did.
    """

    model: str
    scale: float = 1.0
    start: float = 0.0
    end: float = 1.0
    module: str = ""


@dataclass(frozen=True)
class Settings:
    """What was set, in A1111's meanings; None and "" are not told.

    `sampler` and `schedule` are the program's own words, `denoise` is of img2img or of the second pass.
    """

    steps: int | None = None
    sampler: str = ""
    schedule: str = ""
    guidance: float | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    clip_skip: int | None = None
    variation_seed: int | None = None
    variation_strength: float | None = None
    guidance_rescale: float | None = None
    batch: int | None = None
    denoise: float | None = None
    mask_blur: int | None = None
    mask_fill: str = ""
    hires: RecalledHires | None = None

    @property
    def told(self) -> dict[str, object]:
        """Those that are known."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) not in (None, "")}


@dataclass(frozen=True)
class Own:
    """What only this program writes.

    Attributes:
        sampler: True when the model's own scheduler was used, whatever its name.
        basis: First digits of the subspace's hash.
        dials: Of the styles, by the names in `loras`.
    """

    sampler: bool = False
    basis: str = ""
    dials: StyleDials = field(default_factory=dict)


@dataclass(frozen=True)
class Recalled:
    """Everything that could be read.

    Attributes:
        source: The program that wrote it.
        prompt, negative: Without LoRA tags.
        settings: As far as known.
        loras: In their order.
        model: Name of the checkpoint, without folder and ending; empty when not told.
        model_hash: Hexadecimal digits; empty when not told.
        unread: Key -> value of what was not understood, shortened.
        own: What only this program writes.
        control: The first ControlNet; its picture does not travel along.
    """

    source: str = UNKNOWN
    prompt: str = ""
    negative: str = ""
    settings: Settings = field(default_factory=Settings)
    loras: tuple[RecalledLora, ...] = ()
    model: str = ""
    model_hash: str = ""
    unread: Mapping[str, str] = field(default_factory=dict)
    own: Own = field(default_factory=Own)
    control: RecalledControl | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found that a picture could be drawn from."""
        return not (self.prompt or self.settings.told or self.loras)


def stem_of(name: str) -> str:
    """A model's name without folders and without the ending of a weights file."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2].strip()
    for ending in (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".sft"):
        if last.lower().endswith(ending):
            return last[: -len(ending)]
    return last


def hex_of(text: object) -> str:
    """The hexadecimal digits of a hash, lower case; empty when it is none of ten digits or more.

    AutoV1's eight digits stand for 64 KiB of a file and are left out.
    """
    digits = str(text or "").strip().lower().removeprefix("0x").removeprefix("sha256:")[:64]
    known = len(digits) >= 10 and set(digits) <= set("0123456789abcdef")
    # SHA-256 of nothing, which some trainers wrote by mistake, names no file.
    return digits if known and not digits.startswith("e3b0c44298") else ""


def hashed(loras: tuple[RecalledLora, ...], hashes: Mapping[str, str]) -> tuple[RecalledLora, ...]:
    """LoRAs with the hashes that a program lists apart, by name as A1111 shortens it."""
    return tuple(
        replace(lora, hash=lora.hash or hashes.get(lora.name) or hashes.get(plain(lora.name), ""))
        for lora in loras
    )


def plain(name: str) -> str:
    """A LoRA's name as A1111's list of hashes spells it.

    Source: AUTOMATIC1111, extensions-builtin/Lora (extra_networks_lora.py): commas and colons go.
    """
    return name.replace(":", "").replace(",", "")
