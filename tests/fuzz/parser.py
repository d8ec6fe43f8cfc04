"""One row of the table of parsers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.fuzz.ground import Ground

Read = Callable[[Ground, Path], None]


@dataclass(frozen=True)
class Parser:
    """What reads a kind of file.

    Attributes:
        name: For people.
        file_name: What the file is called in a case's folder, which holds nothing else.
        good: Makes good files.
        read: Does all that the program does with one; raises StudioError alone, and may leave it at that.
        lie: Makes what is well-formed but meant to harm; None where damage does that already.
    """

    name: str
    file_name: str
    good: Callable[[Ground], Sequence[bytes]]
    read: Read
    lie: Callable[[Ground, Random], bytes] | None = None
