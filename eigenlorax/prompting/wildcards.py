"""Wildcards and choices in a prompt, filled in by the picture's seed.

`__colour__` becomes a line of `colour.txt`; `{a|b|c}` one of its options, `{3::a|b}` with weights,
`{2$$a|b|c}` two of them, `{1-2$$ and $$a|b|c}` one or two joined by " and ". What is filled in may hold both
again. `{word}` without a bar stays as it is; `\\{` is a brace, and `\\__` two underscores.

Source: the grammar of sd-dynamic-prompts and of A1111's wildcards extension, as far as it goes.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eigenlorax.errors import InvalidRequestError

#: How deep choices and wildcards may lie in each other; a file that names itself ends here.
MOST_DEPTH = 16
#: Longest prompt that may come of it.
MOST_CHARACTERS = 20_000

_WILDCARD = re.compile(r"__([\w][\w ./-]*?)__")
_UNDERSCORES = "\\__"
_COUNT = re.compile(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*$")
_WEIGHT = re.compile(r"\s*(\d+(?:\.\d+)?)::(.*)", re.DOTALL)


def has_wildcards(prompt: str) -> bool:
    """Whether there is anything to fill in."""
    marked = "$$" in prompt or _UNDERSCORES in prompt
    return bool(_WILDCARD.search(prompt)) or ("|" in prompt and "{" in prompt) or marked


def filled(prompt: str, seed: int, folder: Path) -> str:
    """The prompt with every wildcard and every choice decided; the same seed decides the same.

    Args:
        prompt: As typed.
        seed: The picture's.
        folder: Where wildcard files lie; `__animals/cats__` is `animals/cats.txt` in it.

    Raises:
        InvalidRequestError: there is no such wildcard, a file is empty, a brace stays open, a count cannot be
            met, or they lie in each other without end.
    """
    if not has_wildcards(prompt):
        return prompt
    # Its own stream for each text: Python's generator is the same on every machine.
    text = _Filling(random.Random(seed), folder).text(prompt, 0)
    return text.replace("\\{", "{").replace("\\}", "}").replace(_UNDERSCORES, "__")


def filled_each(prompt: str, negative: str, seeds: Sequence[int], folder: Path) -> list[tuple[str, str]]:
    """The prompt and the negative one of each picture, filled by its own seed.

    Raises:
        As `filled`.
    """
    return [(filled(prompt, seed, folder), filled(negative, seed, folder)) for seed in seeds]


def literal(prompt: str) -> str:
    """What has to be typed for this prompt to come of it, whatever it looks like; `filled` is the inverse."""
    if not has_wildcards(prompt):
        return prompt
    return prompt.replace("{", "\\{").replace("}", "\\}").replace("__", _UNDERSCORES)


def wildcard_names(folder: Path) -> list[str]:
    """The names of all wildcard files, without their ending, folders with a slash."""
    if not folder.is_dir():
        return []
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.txt"))


@dataclass(frozen=True)
class _Filling:
    chance: random.Random
    folder: Path

    def text(self, words: str, depth: int) -> str:
        if depth > MOST_DEPTH or len(words) > MOST_CHARACTERS:
            raise InvalidRequestError(
                "the prompt's wildcards lie in each other without end: look for a file that names itself"
            )
        done, place = [], 0
        while place < len(words):
            if words[place] == "\\" and words[place + 1 : place + 2] in ("{", "}"):
                done.append(words[place : place + 2])
                place += 2
            elif words.startswith(_UNDERSCORES, place):
                done.append(_UNDERSCORES)
                place += len(_UNDERSCORES)
            elif words[place] == "{":
                end = _closing(words, place)
                done.append(self._choice(words[place + 1 : end], depth))
                place = end + 1
            elif match := _WILDCARD.match(words, place):
                done.append(self.text(self.chance.choice(self._lines(match[1])), depth + 1))
                place = match.end()
            else:
                done.append(words[place])
                place += 1
        return "".join(done)

    def _choice(self, inside: str, depth: int) -> str:
        options = _split(inside)
        counted, *rest = options[0].split("$$")
        if len(options) == 1 and not rest:
            return "{" + self.text(inside, depth + 1) + "}"
        least, most, between = 1, 1, ", "
        if rest:
            least, most = _count(counted, inside)
            options[0] = rest[-1]
            between = rest[0] if len(rest) > 1 else between
        if most > len(options):
            raise InvalidRequestError(
                f"{{{inside}}} asks for {most} of {len(options)} options: ask for fewer, or add some"
            )
        picked = self._picked(options, self.chance.randint(least, most))
        return between.join(self.text(option.strip(), depth + 1) for option in picked)

    def _picked(self, options: Sequence[str], count: int) -> list[str]:
        """So many different options, each by its weight among those that are left."""
        left = [(float(m[1]), m[2]) if (m := _WEIGHT.fullmatch(one)) else (1.0, one) for one in options]
        picked = []
        for _ in range(count):
            weights = [weight for weight, _ in left]
            if not sum(weights):
                raise InvalidRequestError(f"{{{'|'.join(options)}}}: every weight is 0: give one option more")
            place = self.chance.choices(range(len(left)), weights)[0]
            picked.append(left.pop(place)[1])
        return picked

    def _lines(self, name: str) -> list[str]:
        path = (self.folder / f"{name}.txt").resolve()
        inside = path.is_relative_to(self.folder.resolve())
        if not inside or not path.is_file():
            known = ", ".join(wildcard_names(self.folder)[:12]) or "none yet"
            raise InvalidRequestError(f"no wildcard file {name}.txt in {self.folder} (there are: {known})")
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidRequestError(f"{path} cannot be read ({error}): save it as UTF-8 text") from error
        if real := [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]:
            return real
        raise InvalidRequestError(f"{path} is empty: write one option on each line")


def _closing(words: str, start: int) -> int:
    """Where the brace that opens at `start` closes."""
    depth, place = 0, start
    while place < len(words):
        if words[place] == "\\":
            place += 1
        elif words[place] == "{":
            depth += 1
        elif words[place] == "}":
            depth -= 1
            if not depth:
                return place
        place += 1
    raise InvalidRequestError(f'a brace stays open at "{words[start : start + 24]}": close it, or write \\{{')


def _split(inside: str) -> list[str]:
    """The options of a choice: bars in deeper braces belong to those."""
    options, depth, place = [""], 0, 0
    while place < len(inside):
        if inside[place] == "\\":
            options[-1] += inside[place : place + 2]
            place += 2
            continue
        depth += {"{": 1, "}": -1}.get(inside[place], 0)
        if inside[place] == "|" and not depth:
            options.append("")
        else:
            options[-1] += inside[place]
        place += 1
    return options


def _count(words: str, inside: str) -> tuple[int, int]:
    match = _COUNT.match(words)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise InvalidRequestError(f"{{{inside}}}: cannot read the count {words!r}: write 2$$ or 1-3$$")
    return int(match[1]), int(match[2] or match[1])
