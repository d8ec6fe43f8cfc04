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
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True)
class TensorFate:
    """One tensor's fate and, unless it was used, the reason in words."""

    fate: Fate
    reason: str = ""


@dataclass(frozen=True)
class ImportReport:
    """The truth about one file with respect to one base model.

    Attributes:
        name: The file's stem.
        path: Where it lies.
        verdict: The whole file's usability.
        reason: One line for the user; empty when everything was used.
        base: What base the file was made for, and the evidence.
        fates: Tensor name -> fate; every tensor of the file is in it.
        ranks: Module -> rank of its update, for the modules that are used.
        trigger_words: From the header and sidecars, most likely first.
        title: From the header; the file's stem when it has none.
        file_bytes: Size on disk.
        sha256: Of the whole file, hex; empty until the file has been read.
    """

    name: str
    path: Path
    verdict: Verdict
    reason: str
    base: BaseEvidence | None
    fates: Mapping[str, TensorFate] = field(default_factory=dict)
    ranks: Mapping[ModulePath, int] = field(default_factory=dict)
    trigger_words: tuple[str, ...] = ()
    title: str = ""
    file_bytes: int = 0
    sha256: str = ""

    @property
    def usable(self) -> bool:
        """True when at least a part of the file can be used on the loaded base."""
        return self.verdict in (Verdict.USABLE, Verdict.PARTLY)

    @property
    def rank_text(self) -> str:
        """The ranks in use, such as "8" or "4-16"."""
        ranks = sorted(set(self.ranks.values()))
        if not ranks:
            return "-"
        return str(ranks[0]) if len(ranks) == 1 else f"{ranks[0]}-{ranks[-1]}"

    @property
    def module_text(self) -> str:
        """How many modules of each component are changed, such as "unet 110, text_encoder 12"."""
        counts = Counter(path.component.value for path in self.ranks)
        return ", ".join(f"{component} {count}" for component, count in counts.items()) or "-"
