"""The words of what comes in."""

from collections.abc import Mapping, Sequence
from typing import Any

from eigenlorax.formats.report import Verdict
from ui import text


def files(names: Sequence[str]) -> str:
    """What was dropped at once."""
    more = len(names) - 1
    return f"{names[0]} and {text.count(more, 'more file')}" if more else names[0]


def outcome(found: Mapping[str, Any]) -> str:
    """What became of one file."""
    reason, verdict = found["reason"], Verdict(found["verdict"])
    said = {
        Verdict.USABLE: f"added · {_facts(found)}",
        Verdict.PARTLY: f"added, usable in part: {reason}",
        Verdict.OTHER_BASE: f"kept for later: {reason}",
        Verdict.EMBEDDING: reason,
        Verdict.BUNDLE: reason,
        Verdict.BROKEN: f"left out: {reason}",
    }[verdict]
    return f"{said}; {found['note']}" if found["note"] else said


def _facts(found: Mapping[str, Any]) -> str:
    size = text.megabytes(found["bytes"])
    return f"rank {found['rank']} · {text.count(found['modules'], 'module')} · {size}"
