"""An import report in words that a user understands, and as JSON for programs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from eigenlorax.formats.base_model import BaseFamily
from eigenlorax.formats.embeddings import OWN_NAME
from eigenlorax.formats.relations import Relations, relate
from eigenlorax.formats.report import Fate, ImportReport

Fact = tuple[str, str]
_MOST_REASONS = 4


def facts(report: ImportReport) -> list[Fact]:
    """(label, words) for everything that is known of a file, most important first."""
    return [(label, words) for label, words in _facts(report) if words]


def _facts(report: ImportReport) -> Iterator[Fact]:
    yield "Verdict", report.verdict.value + (f": {report.reason}" if report.reason else "")
    if report.title not in ("", report.name):
        yield "Title", report.title
    if report.base is not None and report.usable and report.base.family is BaseFamily.OTHER:
        yield "Base", "the loaded model: its names and shapes fit"
    elif report.base is not None:
        yield "Base", f"{report.base.family.value} ({report.base.evidence})"
    if report.fine_tune:
        yield "Fine-tune", f"{report.fine_tune} (a guess from names and tags)"
    if report.modules:
        yield "Method", report.algorithm_text
        yield "Rank", report.rank_text
        yield "Changes", report.module_text
    if report.needs_base:
        yield "Note", "its update is computed from the loaded base's weights and is true for that base only"
    yield from _tensor_facts(report)
    yield from _weight_facts(report)
    yield "Embeddings", ", ".join(name for name in report.embeddings if name != OWN_NAME)
    yield "Trigger words", ", ".join(report.trigger_words)
    side = report.sidecar
    yield "Advised strength", "" if report.preferred_weight is None else f"{report.preferred_weight:g}"
    yield "Tags", ", ".join(report.tags)
    yield "Negative prompt", side.negative_text
    yield "Licence", report.licence
    yield "Training", ", ".join(f"{label} {value}" for label, value in report.training.items())
    yield "Description", side.description if len(side.description) <= 300 else side.description[:299] + "…"
    yield "Files beside it", ", ".join(side.sources)
    yield "Not readable", ", ".join(side.unreadable)
    yield "Size", f"{report.file_bytes:,} bytes" if report.file_bytes else ""


def _tensor_facts(report: ImportReport) -> Iterator[Fact]:
    counts = Counter(fate.fate for fate in report.fates.values())
    if not counts:
        return
    yield "Tensors", f"{len(report.fates)}: " + ", ".join(f"{counts[fate]} {fate.value}" for fate in counts)
    for fate, label in ((Fate.IGNORED, "Ignored"), (Fate.REFUSED, "Refused")):
        reasons = Counter(f.reason for f in report.fates.values() if f.fate is fate).most_common()
        told = [f"{count} because {reason}" for reason, count in reasons[:_MOST_REASONS]]
        if len(reasons) > _MOST_REASONS:
            rest = sum(count for _, count in reasons[_MOST_REASONS:])
            told.append(f"{rest} for {len(reasons) - _MOST_REASONS} other reasons")
        yield label, "; ".join(told)


def _weight_facts(report: ImportReport) -> Iterator[Fact]:
    if report.values is None or not report.values.norms:
        return
    strongest = max(report.values.norms, key=lambda path: report.values.norms[path] if report.values else 0.0)
    yield (
        "Size of the change",
        f"norm {report.values.norm:.3g}, most of it in {strongest} ({report.values.norms[strongest]:.3g})",
    )
    zero = report.values.zero_modules
    yield "Zero modules", f"{len(zero)} of {len(report.modules)} modules change nothing" if zero else ""
    hashes = report.values.hashes
    yield "AutoV2", hashes.auto_v2
    yield "AutoV3", hashes.auto_v3
    yield "SHA-256", hashes.sha256


def as_json(report: ImportReport) -> dict[str, Any]:
    """Everything of a report that JSON can carry: each tensor's fate and each module's method, rank, norm."""
    values = report.values
    return {
        "name": report.name,
        "path": str(report.path),
        "verdict": report.verdict.value,
        "reason": report.reason,
        "base": report.base and {"family": report.base.family.value, "evidence": report.base.evidence},
        "fine_tune": report.fine_tune,
        "title": report.title,
        "trigger_words": list(report.trigger_words),
        "preferred_weight": report.preferred_weight,
        "negative_text": report.sidecar.negative_text,
        "licence": report.licence,
        "description": report.sidecar.description,
        "training": dict(report.training),
        "sidecars": list(report.sidecar.sources),
        "embeddings": list(report.embeddings),
        "file_bytes": report.file_bytes,
        "hashes": values
        and {
            "sha256": values.hashes.sha256,
            "autov2": values.hashes.auto_v2,
            "autov3": values.hashes.auto_v3,
            "addnet": values.hashes.addnet,
            "embedded": values.hashes.embedded,
        },
        "norm": values and values.norm,
        "zero_modules": values and [str(path) for path in values.zero_modules],
        "modules": {
            str(path): {
                "algorithm": module.algorithm,
                "rank": module.rank,
                "needs_base": module.needs_base,
                "norm": values.norms.get(path) if values else None,
            }
            for path, module in report.modules.items()
        },
        "tensors": {
            key: {"fate": fate.fate.name.lower(), "reason": fate.reason} for key, fate in report.fates.items()
        },
    }


def relations_of(reports: Sequence[ImportReport]) -> Relations:
    """Duplicates and seed groups among files whose weights have been read."""
    return relate({report.name: report.values.sketch for report in reports if report.values})


def relation_lines(relations: Relations) -> list[str]:
    """The relations of a collection, one line of words each."""
    lines = [f"the same LoRA under several names: {', '.join(names)}" for names in relations.duplicates]
    for group in relations.seed_groups:
        seed = f"seed {group.seed}" if group.seed is not None else "an unknown seed"
        lines.append(
            f"trained from one random start ({seed}): {', '.join(group.names)}; "
            "what they share in their down matrices is that start, not style"
        )
    return lines
