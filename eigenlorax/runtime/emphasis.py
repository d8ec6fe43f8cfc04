"""The prompt grammar of A1111: weights, BREAK, and chunks of 75 tokens."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

ROUND, SQUARE = 1.1, 1 / 1.1

_TOKEN = re.compile(r"\\[()\[\]\\]|:\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*\)|[^\\()\[\]:]+|.", re.DOTALL)
_BREAK = re.compile(r"\s*\bBREAK\b\s*")
_REACH = 20


@dataclass(frozen=True)
class Weighted:
    """A stretch of a prompt and how strongly it counts; 1.0 is as written."""

    text: str
    weight: float


@dataclass(frozen=True)
class Chunk:
    """At most 75 tokens that a text encoder reads at once, without its start and end."""

    ids: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()

    @property
    def is_weighted(self) -> bool:
        """Whether any token counts otherwise than as written."""
        return any(weight != 1.0 for weight in self.weights)


def parse(prompt: str) -> list[list[Weighted]]:
    r"""Split a prompt at BREAK and read its brackets.

    `(x)` weighs x by 1.1, `[x]` by 1 / 1.1, `(x:w)` by w; nested weights multiply; a bracket that is never
    closed reaches to the end; `\(` is a bracket as it stands.

    Returns:
        For each part between BREAKs its stretches, neighbours of equal weight joined; one part at least.

    Source: the prompt grammar of AUTOMATIC1111/stable-diffusion-webui, wiki page Features, Attention.
    """
    texts: list[str] = []
    weights: list[float] = []
    rounds: list[int] = []
    squares: list[int] = []

    def weigh(start: int, factor: float) -> None:
        weights[start:] = [weight * factor for weight in weights[start:]]

    for found in _TOKEN.finditer(prompt):
        token, number = found[0], found[1]
        if token == "(":
            rounds.append(len(texts))
        elif token == "[":
            squares.append(len(texts))
        elif rounds and (number is not None or token == ")"):
            weigh(rounds.pop(), ROUND if number is None else float(number))
        elif squares and token == "]":
            weigh(squares.pop(), SQUARE)
        else:
            texts.append(token[1:] if len(token) == 2 and token[0] == "\\" else token)
            weights.append(1.0)
    for start in rounds:
        weigh(start, ROUND)
    for start in squares:
        weigh(start, SQUARE)
    return _parts(zip(texts, weights, strict=True))


def chunked(
    parts: Iterable[Sequence[Weighted]], tokenize: Callable[[str], list[int]], comma: int, room: int
) -> list[Chunk]:
    """Fill chunks with tokens; each part begins a new one.

    A chunk that is full within 20 tokens after a comma ends at the comma, so that no phrase is cut.

    Args:
        parts: As `parse` returns them.
        tokenize: Text -> ids, without start and end.
        comma: The id of a comma.
        room: Tokens in a chunk, 75 for CLIP.

    Returns:
        One chunk at least.

    Source: AUTOMATIC1111/stable-diffusion-webui, modules/sd_hijack_clip.py (tokenize_line).
    """
    chunks: list[Chunk] = []
    for part in parts:
        tokens = [(token, piece.weight) for piece in part for token in tokenize(piece.text)]
        while len(tokens) > room:
            end = _end(tokens, comma, room)
            chunks.append(_chunk(tokens[:end]))
            tokens = tokens[end:]
        chunks.append(_chunk(tokens))
    return chunks


def _end(tokens: Sequence[tuple[int, float]], comma: int, room: int) -> int:
    if tokens[room][0] == comma:
        return room
    last = next((place for place in reversed(range(room)) if tokens[place][0] == comma), None)
    return room if last is None or room - last > _REACH else last + 1


def _chunk(tokens: Sequence[tuple[int, float]]) -> Chunk:
    return Chunk(tuple(token for token, _ in tokens), tuple(weight for _, weight in tokens))


def _parts(pieces: Iterable[tuple[str, float]]) -> list[list[Weighted]]:
    parts: list[list[Weighted]] = [[]]
    for text, weight in _joined(pieces):
        for number, stretch in enumerate(_BREAK.split(text)):
            if number:
                parts.append([])
            if stretch:
                parts[-1].append(Weighted(stretch, weight))
    return parts


def _joined(pieces: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    joined: list[tuple[str, float]] = []
    for text, weight in pieces:
        if joined and joined[-1][1] == weight:
            joined[-1] = (joined[-1][0] + text, weight)
        else:
            joined.append((text, weight))
    return joined
