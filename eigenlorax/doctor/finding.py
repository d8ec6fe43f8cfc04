"""What was found of one thing."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How it stands: FINE, WORTH KNOWING, or a FAULT that keeps something from working."""

    FINE = "fine"
    NOTE = "note"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """One line of the answer.

    Attributes:
        what: The thing, in a word or two.
        words: What was found.
        health: How it stands.
        remedy: What to do next; empty where it is fine.
    """

    what: str
    words: str
    health: Health = Health.FINE
    remedy: str = ""
