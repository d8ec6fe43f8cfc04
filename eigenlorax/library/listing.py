"""A LoRA as a list shows it: words and sizes only, small enough to be kept for thousands."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from eigenlorax.formats.report import ImportReport, Verdict
from eigenlorax.formats.sidecars import preview_of

_MOST_TAGS = 60


@dataclass(frozen=True)
class Listing:
    """What a scan of the header and the sidecars said, without the fate of every tensor.

    Attributes:
        name: Unique in the library.
        path: Where it lies.
        verdict: Whether it can serve on the loaded base.
        reason: Why not, or what is left out; empty when everything is used.
        base: The family of base models that it was made for; empty when it could not be read.
        fine_tune: Guessed fine-tune; empty without a hint.
        title: As its author calls it.
        trigger_words: Most likely first.
        suggested_words: What else might call it.
        preferred_weight: The strength that somebody advises; None when nobody does.
        description: Plain text.
        tags: The author's and the site's.
        favourite: Whether another program has it among the favourites.
        algorithm_text: Such as "LoRA" or "LoKr 3, LoRA 720".
        rank_text: Such as "8" or "4-16".
        module_text: Such as "unet 110, text_encoder 12".
        module_count: How many parameters it changes.
        file_bytes: Size on disk.
        weight_bytes: Size of its weights alone, without the header.
        changed: When the file last changed, seconds since 1970.
        tensor_hash: As its header claims, hex; empty when it does not.
        preview: The picture beside it; None when there is none.
        has_cover: A picture seems to be inside its header.
        foreign: It is plainly no LoRA at all, such as a checkpoint.
        place: The folder in place that it lies in, from there on; empty for the library's own.
    """

    name: str
    path: Path
    verdict: Verdict
    reason: str = ""
    base: str = ""
    fine_tune: str = ""
    title: str = ""
    trigger_words: tuple[str, ...] = ()
    suggested_words: tuple[str, ...] = ()
    preferred_weight: float | None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    favourite: bool = False
    algorithm_text: str = "-"
    rank_text: str = "-"
    module_text: str = "-"
    module_count: int = 0
    file_bytes: int = 0
    weight_bytes: int = 0
    changed: float = 0.0
    tensor_hash: str = ""
    preview: Path | None = None
    has_cover: bool = False
    foreign: bool = False
    place: str = ""

    @property
    def usable(self) -> bool:
        """True when at least a part of the file can be used on the loaded base."""
        return self.verdict in (Verdict.USABLE, Verdict.PARTLY)


def listing_of(report: ImportReport, changed: float) -> Listing:
    """The listing of a file that was scanned.

    Args:
        report: Of the scan.
        changed: When the file last changed, seconds since 1970.
    """
    return Listing(
        name=report.name,
        path=report.path,
        verdict=report.verdict,
        reason=report.reason,
        base=report.base.family.value if report.base else "",
        fine_tune=report.fine_tune,
        title=report.title,
        trigger_words=report.trigger_words,
        suggested_words=report.suggested_words,
        preferred_weight=report.preferred_weight,
        description=report.sidecar.description,
        tags=report.tags[:_MOST_TAGS],
        favourite=report.sidecar.favourite,
        algorithm_text=report.algorithm_text,
        rank_text=report.rank_text,
        module_text=report.module_text,
        module_count=len(report.modules),
        file_bytes=report.file_bytes,
        weight_bytes=report.weight_bytes,
        changed=changed,
        tensor_hash=report.tensor_hash,
        preview=preview_of(report.path),
        has_cover=report.has_cover,
        foreign=report.foreign,
    )


def as_json(listing: Listing) -> dict[str, Any]:
    """Every attribute, paths as text."""
    return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(listing).items()}


def from_json(content: Mapping[str, Any]) -> Listing:
    """What `as_json` made.

    Raises:
        KeyError, TypeError, ValueError: it made no such thing.
    """
    values = {one.name: content[one.name] for one in fields(Listing)}
    for name in ("trigger_words", "suggested_words", "tags"):
        values[name] = tuple(map(str, values[name]))
    values["preview"] = Path(values["preview"]) if values["preview"] else None
    return Listing(**{**values, "path": Path(values["path"]), "verdict": Verdict(values["verdict"])})
