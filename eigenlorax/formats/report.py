"""What became of a file: every tensor has exactly one fate, and the file one verdict."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import hypot
from pathlib import Path

from eigenlorax.formats.base_model import BaseEvidence
from eigenlorax.formats.hashes import FileHashes
from eigenlorax.formats.relations import Sketch
from eigenlorax.formats.sidecars import Sidecar
from eigenlorax.module_path import ModulePath


class Verdict(StrEnum):
    """Whether a file can serve as a LoRA of the loaded base."""

    USABLE = "usable"
    PARTLY = "partly usable"
    OTHER_BASE = "other base"
    EMBEDDING = "embedding"
    BUNDLE = "bundle"
    BROKEN = "broken"


class Fate(StrEnum):
    """What was done with one tensor of a file."""

    USED = "used"
    FOLDED = "folded into its module's factors"
    KEPT = "kept as an embedding"
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True)
class TensorFate:
    """One tensor's fate and, unless it was used, the reason in words."""

    fate: Fate
    reason: str = ""


@dataclass(frozen=True)
class ModuleReport:
    """How one parameter's update is stored.

    Attributes:
        algorithm: By the names users know, such as "LoRA" or "LoKr + DoRA".
        rank: Of its factors; 0 for an algorithm without one.
        needs_base: The update was computed against the loaded base and is true for that base only.
    """

    algorithm: str
    rank: int
    needs_base: bool


@dataclass(frozen=True)
class ValueReport:
    """What reading the weights themselves brought to light.

    Attributes:
        norms: Frobenius norm of each module's update.
        zero_modules: Modules whose update is exactly zero (never trained, or pruned).
        hashes: By which other programs know the file.
        sketch: What tells it from its relatives.
    """

    norms: Mapping[ModulePath, float]
    zero_modules: tuple[ModulePath, ...]
    hashes: FileHashes
    sketch: Sketch

    @property
    def norm(self) -> float:
        """Frobenius norm of the whole update."""
        return hypot(*self.norms.values())


@dataclass(frozen=True)
class ImportReport:
    """The truth about one file with respect to one base model.

    Attributes:
        name: The file's stem.
        path: Where it lies.
        verdict: The whole file's usability.
        reason: One line for the user; empty when everything was used.
        base: What base the file was made for, and the evidence; None when it could not be read.
        fates: Tensor name -> fate; every tensor of the file is in it.
        modules: Parameter -> how its update is stored, for those that are used.
        fine_tune: Guessed fine-tune family of SDXL, such as "Pony"; empty without a hint.
        embeddings: Names of textual inversions that travel in the file.
        trigger_words: From the sidecars and the header, most likely first.
        title: From the header or a sidecar; the file's stem when neither has one.
        sidecar: What lies beside the file.
        licence: As the header or a sidecar has it; empty when nobody says.
        training: How it was trained, as far as the header tells: label -> value.
        file_bytes: Size on disk.
        values: What the weights say; None until the file has been read.
        foreign: The file is plainly something else, such as a checkpoint: no LoRA that went wrong.
        preferred_weight: The strength that somebody advises, the sidecars first; None when nobody does.
        tags: The author's and the site's, not those of its training pictures.
        suggested_words: What else might call it: the other sources' words, then training tags.
        tensor_hash: Of its weights as the header claims it, hex; empty when it does not.
        has_cover: A picture seems to be inside its header.
        weight_bytes: Size of the weights alone, without the header.
    """

    name: str
    path: Path
    verdict: Verdict
    reason: str
    base: BaseEvidence | None
    fates: Mapping[str, TensorFate] = field(default_factory=dict)
    modules: Mapping[ModulePath, ModuleReport] = field(default_factory=dict)
    fine_tune: str = ""
    embeddings: tuple[str, ...] = ()
    trigger_words: tuple[str, ...] = ()
    title: str = ""
    sidecar: Sidecar = field(default_factory=Sidecar)
    licence: str = ""
    training: Mapping[str, str] = field(default_factory=dict)
    file_bytes: int = 0
    values: ValueReport | None = None
    foreign: bool = False
    preferred_weight: float | None = None
    tags: tuple[str, ...] = ()
    suggested_words: tuple[str, ...] = ()
    tensor_hash: str = ""
    has_cover: bool = False
    weight_bytes: int = 0

    @property
    def sha256(self) -> str:
        """Hash of the whole file, hex; empty until the file has been read."""
        return self.values.hashes.sha256 if self.values else ""

    @property
    def usable(self) -> bool:
        """True when at least a part of the file can be used on the loaded base."""
        return self.verdict in (Verdict.USABLE, Verdict.PARTLY)

    @property
    def needs_base(self) -> bool:
        """True when some update is true for the loaded base only."""
        return any(module.needs_base for module in self.modules.values())

    @property
    def rank_text(self) -> str:
        """The ranks in use, such as "8" or "4-16"."""
        ranks = sorted({module.rank for module in self.modules.values() if module.rank})
        if not ranks:
            return "-"
        return str(ranks[0]) if len(ranks) == 1 else f"{ranks[0]}-{ranks[-1]}"

    @property
    def algorithm_text(self) -> str:
        """The algorithms in use, commonest first, such as "LoRA 722, LoHa 3"; the count only where mixed."""
        counts = Counter(module.algorithm for module in self.modules.values()).most_common()
        if len(counts) == 1:
            return counts[0][0]
        return ", ".join(f"{name} {count}" for name, count in counts) or "-"

    @property
    def module_text(self) -> str:
        """How many parameters of each component are changed, such as "unet 110, text_encoder 12"."""
        counts = Counter(path.component.value for path in self.modules)
        return ", ".join(f"{component} {count}" for component, count in counts.items()) or "-"
