"""What became of a file: every tensor has exactly one fate, and the file one verdict."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from eigenlorax.formats.base_model import BaseEvidence
from eigenlorax.module_path import ModulePath


class Verdict(StrEnum):
    """Whether a file can serve as a LoRA of the loaded base."""

    USABLE = "usable"
    PARTLY = "partly usable"
    OTHER_BASE = "other base"
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
    """

    norms: Mapping[ModulePath, float]
    zero_modules: tuple[ModulePath, ...]


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
        trigger_words: From the header and sidecars, most likely first.
        title: From the header; the file's stem when it has none.
        file_bytes: Size on disk.
        sha256: Of the whole file, hex; empty until the file has been read.
        values: What the weights say; None until the file has been read.
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
    file_bytes: int = 0
    sha256: str = ""
    values: ValueReport | None = None

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
