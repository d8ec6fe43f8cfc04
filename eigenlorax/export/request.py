"""What can be asked for when exporting, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eigenlorax.formats.dialect import Dialect, Precision
from eigenlorax.formats.hashes import FileHashes
from eigenlorax.module_path import ModulePath
from eigenlorax.recipe import StyleBlend


@dataclass(frozen=True)
class LoRAExport:
    """What to write as a LoRA, how exactly, and where.

    Attributes:
        target: The file, or for PEFT the folder, to write; it must not exist yet unless `replace`.
        styles: Style name -> strength; the blend to write.
        lora: Instead of styles: the name of an original LoRA of the library, written in another dialect.
        rank: Largest rank of any module; None for no limit.
        max_error: Largest relative error ||written - exact|| / ||exact|| in (0, 1); None for no limit.
            Not both this and `rank`.
        dialect: Whose spelling.
        precision: Of every number.
        title: For people to read; by default the target's name.
        trigger_words: By default those of the styles.
        description, author, licence, tags: For the header; empty ones are not written.
        thumbnail: A picture for the header.
        replace: Whether a file that is there already may go; a folder never does.
    """

    target: Path
    styles: StyleBlend = field(default_factory=dict)
    lora: str = ""
    rank: int | None = None
    max_error: float | None = None
    dialect: Dialect = Dialect.KOHYA_SGM
    precision: Precision = Precision.FP16
    title: str = ""
    trigger_words: tuple[str, ...] | None = None
    description: str = ""
    author: str = ""
    licence: str = ""
    tags: tuple[str, ...] = ()
    thumbnail: Path | None = None
    replace: bool = False


@dataclass(frozen=True)
class CheckpointExport:
    """A merged checkpoint to write: base and styles in one.

    Attributes:
        target: A name that ends in .safetensors for a single file, any other for a diffusers folder.
        styles: Style name -> strength.
        precision: Of UNet and text encoders.
        vae_precision: Of the VAE, which some programs want in fp32; by default as the rest.
        replace: Whether a file that is there already may go; a folder never does.
    """

    target: Path
    styles: StyleBlend
    precision: Precision = Precision.FP16
    vae_precision: Precision | None = None
    replace: bool = False


@dataclass(frozen=True)
class Prediction:
    """What an export will be, before it is written.

    Attributes:
        error: Relative Frobenius error over everything: cut columns, what is left out, and rounding.
        file_bytes: Exact size of all its files.
        rank: Largest rank of any module.
        alpha: The one alpha of the file; None in the dialects without.
        modules: How many parameters it changes.
        left_out: What the dialect has no spelling for -> its share of the squared norm, in [0, 1].
        remark: What a person should know, in words; empty when there is nothing.
    """

    error: float
    file_bytes: int
    rank: int
    alpha: float | None
    modules: int
    left_out: Mapping[ModulePath, float]
    remark: str


@dataclass(frozen=True)
class ExportResult:
    """A LoRA that was written, read back and compared.

    Attributes:
        path: The file or folder.
        predicted: What was promised.
        error: Relative Frobenius error of what was read back against the exact update.
        file_bytes: On disk.
        hashes: File name -> its hashes.
    """

    path: Path
    predicted: Prediction
    error: float
    file_bytes: int
    hashes: Mapping[str, FileHashes]


@dataclass(frozen=True)
class CheckpointResult:
    """A checkpoint that was written, loaded again and compared."""

    path: Path
    file_bytes: int
