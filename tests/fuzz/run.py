"""Cases: each told by a parser and a number, so that one that failed can be run again."""

import shutil
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from random import Random

from PIL import Image

from eigenlorax.errors import StudioError
from tests.fuzz.damage import damaged
from tests.fuzz.ground import Ground
from tests.fuzz.parser import Parser
from tests.fuzz.watch import watched

_LIES = 0.35


@dataclass(frozen=True)
class Case:
    """What came of one.

    Attributes:
        parser: Its name.
        number: Which.
        told: What the parser said of the file; empty where it could be read.
        faults: What should not have happened; nothing where all is well.
        cpu_s: Seconds of CPU.
        peak_bytes: Memory beyond what there was before.
        decoded_bytes: Of what the file holds: its pixels for a picture, itself for all else.
    """

    parser: str
    number: int
    told: str
    faults: tuple[str, ...]
    cpu_s: float
    peak_bytes: int
    decoded_bytes: int


def hurt(parser: Parser, ground: Ground, number: int) -> bytes:
    """The file of a case."""
    chance, good = Random(f"{parser.name} {number}"), ground.made_for(parser.name, parser.good)
    if parser.lie is not None and chance.random() < _LIES:
        return parser.lie(ground, chance)
    return damaged(chance.choice(good), good, chance)


def run_case(parser: Parser, ground: Ground, number: int, folder: Path) -> Case:
    """Hurt a file, read it, and tell what came of it; the folder is emptied."""
    return read_case(parser, ground, hurt(parser, ground, number), folder, number)


def read_case(parser: Parser, ground: Ground, content: bytes, folder: Path, number: int = 0) -> Case:
    """Read one file and tell what came of it; the folder is emptied."""
    ground.prepare()
    home = folder / "case"
    shutil.rmtree(folder, ignore_errors=True)
    home.mkdir(parents=True)
    path = home / parser.file_name
    path.write_bytes(content)
    told = ""
    with watched(home) as seen:
        try:
            parser.read(ground, path)
        except StudioError as error:
            told = str(error) or "nothing"
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            seen.faults.append(
                f"{type(error).__name__}: {str(error)[:200]} ({where.filename}:{where.lineno})"
            )
    faults = [*seen.faults, *_strays(folder)]
    shutil.rmtree(folder, ignore_errors=True)
    return Case(parser.name, number, told, tuple(faults), seen.cpu_s, seen.peak_bytes, _decoded(content))


def _decoded(content: bytes) -> int:
    """Bytes of a picture's pixels, as far as Pillow would decode them; of anything else its own."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(content)) as picture:
                return max(len(content), 4 * picture.width * picture.height)
    except (OSError, ValueError, SyntaxError, ArithmeticError, LookupError, Image.DecompressionBombError):
        return len(content)


def _strays(folder: Path) -> Iterator[str]:
    yield from (f"left {path.name} beside its folder" for path in folder.iterdir() if path.name != "case")
