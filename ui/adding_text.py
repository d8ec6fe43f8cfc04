"""The words of what comes in."""

from collections.abc import Mapping, Sequence
from typing import Any

from eigenlorax.formats.report import Verdict
from ui import text
from ui.language import say


def files(names: Sequence[str]) -> str:
    """What was dropped at once."""
    more = len(names) - 1
    if not more:
        return names[0]
    return say("{name} and {files}", name=names[0], files=text.count(more, "more file"))


def outcome(found: Mapping[str, Any]) -> str:
    """What became of one file."""
    reason, verdict = found["reason"], Verdict(found["verdict"])
    said = {
        Verdict.USABLE: say("added · {facts}", facts=_facts(found)),
        Verdict.PARTLY: say("added, usable in part: {reason}", reason=reason),
        Verdict.OTHER_BASE: say("kept for later: {reason}", reason=reason),
        Verdict.EMBEDDING: reason,
        Verdict.BUNDLE: reason,
        Verdict.BROKEN: say("left out: {reason}", reason=reason),
    }[verdict]
    return f"{said}; {found['note']}" if found["note"] else said


def _facts(found: Mapping[str, Any]) -> str:
    size = text.megabytes(found["bytes"])
    return say(
        "rank {rank} · {modules} · {size}",
        rank=found["rank"],
        modules=text.count(found["modules"], "module"),
        size=size,
    )
