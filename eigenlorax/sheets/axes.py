"""What changes along a sheet: its kinds, their values, and what a value does to a request."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from eigenlorax.errors import InvalidRequestError
from eigenlorax.recipe import AUTOMATIC, MAX_SEED, SAMPLERS, GenerationRequest

MOST_VALUES = 100
"""On one axis."""
NO_STYLE = "no style"
_WHOLE_RANGE = re.compile(r"(-?\d+)\s*-\s*(-?\d+)(?:\s*\(\s*\+\s*(\d+)\s*\))?")
_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\s*-\s*(-?\d+(?:\.\d+)?)\s*\[\s*(\d+)\s*\]")


class AxisKind(StrEnum):
    """What a sheet can change; the values are A1111's words where it has them."""

    STYLE = "Style"
    STRENGTH = "Strength"
    PROMPT = "Prompt"
    SEED = "Seed"
    STEPS = "Steps"
    GUIDANCE = "CFG Scale"
    SAMPLER = "Sampler"


_WHOLE = (AxisKind.SEED, AxisKind.STEPS)
_NUMBERS = (*_WHOLE, AxisKind.STRENGTH, AxisKind.GUIDANCE)


@dataclass(frozen=True)
class Axis:
    """One direction of a sheet.

    Attributes:
        kind: What changes.
        values: As a user writes them; numbers in one spelling.
    """

    kind: AxisKind
    values: tuple[str, ...]


def axis(kind: AxisKind, told: Iterable[str]) -> Axis:
    """An axis from what was written: numbers may be ranges, "1-4", "10-30 (+10)" or "0.2-1 [5]".

    Raises:
        InvalidRequestError: a value is none of its kind, or there are none or too many.

    Source: the ranges are those of AUTOMATIC1111's scripts/xyz_grid.py.
    """
    values = [value for one in told if one.strip() for value in _expanded(kind, one.strip())]
    found = Axis(kind, tuple(dict.fromkeys(values)))
    if not found.values:
        raise InvalidRequestError(f"{kind.value}: there is no value: add one, or leave the axis out")
    if len(found.values) > MOST_VALUES:
        raise InvalidRequestError(f"{kind.value}: {len(found.values)} values: choose at most {MOST_VALUES}")
    return found


def _expanded(kind: AxisKind, told: str) -> list[str]:
    if kind is AxisKind.SAMPLER and told not in SAMPLERS:
        raise InvalidRequestError(f"no sampler named {told}: choose from {', '.join(SAMPLERS)}")
    if kind not in _NUMBERS:
        return [told]
    return [value for part in told.split(",") if part.strip() for value in _numbers(kind, part.strip())]


def _numbers(kind: AxisKind, told: str) -> list[str]:
    if kind in _WHOLE and (match := _WHOLE_RANGE.fullmatch(told)):
        first, last, stride = int(match[1]), int(match[2]), int(match[3] or 1)
        count = 0 if stride == 0 else abs(last - first) // stride + 1
        if not 0 < count <= MOST_VALUES:
            raise InvalidRequestError(f"{kind.value}: {told} is not a range of 1 to {MOST_VALUES} values")
        return [str(first + (stride if last >= first else -stride) * place) for place in range(count)]
    if match := _RANGE.fullmatch(told):
        low, high, count = float(match[1]), float(match[2]), int(match[3])
        if not 2 <= count <= MOST_VALUES:
            raise InvalidRequestError(f"{kind.value}: {told}: choose 2 to {MOST_VALUES} values")
        found = [low + (high - low) * place / (count - 1) for place in range(count)]
        return [_spelt(kind, round(value, 6)) for value in found]
    try:
        return [_spelt(kind, float(told))]
    except ValueError as error:
        raise InvalidRequestError(f'{kind.value}: "{told}" is no number and no range such as 1-4') from error


def _spelt(kind: AxisKind, value: float) -> str:
    if value != value or abs(value) > MAX_SEED or (kind in _WHOLE and value != int(value)):
        whole = "whole " if kind in _WHOLE else ""
        raise InvalidRequestError(f"{kind.value}: {value:g} is no {whole}number that can be set")
    return str(int(value)) if kind in _WHOLE else repr(value).removesuffix(".0")


def applied(request: GenerationRequest, kind: AxisKind, value: str) -> GenerationRequest:
    """The request with one value set.

    A style is worn alone, as strongly as the request wears it, else at 1; a strength multiplies what is worn.
    """
    match kind:
        case AxisKind.STYLE:
            styles = {} if value == NO_STYLE else {value: request.styles.get(value) or 1.0}
            dials = {name: one for name, one in request.dials.items() if name in styles}
            return replace(request, styles=styles, dials=dials)
        case AxisKind.STRENGTH:
            return replace(
                request, styles={name: float(value) * one for name, one in request.styles.items()}
            )  # fmt: skip
        case AxisKind.PROMPT:
            return replace(request, prompt=value)
        case AxisKind.SEED:
            return replace(request, seed=int(value))
        case AxisKind.STEPS:
            return replace(request, steps=int(value))
        case AxisKind.GUIDANCE:
            return replace(request, guidance=float(value))
        case AxisKind.SAMPLER:
            kept = request.schedule in SAMPLERS[value] and bool(request.sampler)
            return replace(request, sampler=value, schedule=request.schedule if kept else AUTOMATIC)
