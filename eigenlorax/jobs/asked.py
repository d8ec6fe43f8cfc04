"""What is asked for, as JSON and as the program's own values, both ways; every fault is told in words."""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from PIL import Image

from eigenlorax.errors import InvalidFileError, InvalidRequestError
from eigenlorax.jobs.job import Facts
from eigenlorax.training.colours import decoded

Value = TypeVar("Value")


def as_json(value: Any, keep: Callable[[Image.Image], Path] | None = None) -> Any:
    """A value of the program's own as JSON.

    Dataclasses become objects, enums their values, paths texts, and what is no finite number null.

    Args:
        value: Made of these, mappings by text, sequences and plain values.
        keep: Stores a picture as a file, whose path stands for it; None where there are no pictures.
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Image.Image) and keep is not None:
        return str(keep(value))
    if is_dataclass(value):
        return {field.name: as_json(getattr(value, field.name), keep) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): as_json(part, keep) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [as_json(part, keep) for part in value]
    return value


def from_json(kind: type[Value], asked: Facts) -> Value:
    """JSON as a dataclass; fields that have defaults may be missing.

    Raises:
        InvalidRequestError: a field is missing, unknown or of another type; says which.
        InvalidFileError: a picture that is asked for cannot be read.
    """
    value: Value = _made(kind, asked, "")
    return value


def fields_from_json(kind: type, asked: Facts, name: str) -> dict[str, Any]:
    """Some fields of a dataclass, from JSON.

    Args:
        kind: The dataclass.
        asked: Field -> value.
        name: What the whole is called in messages; empty for nothing.

    Raises:
        As `from_json`.
    """
    _check(isinstance(asked, Mapping), asked, name or "what is asked for", "names with values")
    hints = get_type_hints(kind)
    known = {field.name for field in fields(kind)}
    if unknown := sorted(str(one) for one in asked.keys() - known):
        raise InvalidRequestError(
            f"{_called(name, unknown[0])} is not known: choose from {', '.join(sorted(known))}"
        )
    return {one: _typed(hints[one], value, _called(name, one)) for one, value in asked.items()}


def _made(kind: Any, asked: Facts, name: str) -> Any:
    given = fields_from_json(kind, asked, name)
    for field in fields(kind):
        if field.default is MISSING and field.default_factory is MISSING and field.name not in given:
            raise InvalidRequestError(f"{_called(name, field.name)} is missing: give it a value")
    return kind(**given)


def _typed(kind: Any, value: Any, name: str) -> Any:
    """A value of a type that our dataclasses' fields have."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return None if value is None else _typed(parts[0], value, name)
    if origin is tuple or origin is Sequence:
        return _sequence(parts, value, name)
    if origin is Mapping:
        _check(isinstance(value, Mapping), value, name, "names with values")
        return {key: _typed(parts[1], part, _called(name, key)) for key, part in value.items()}
    if is_dataclass(kind):
        return _made(kind, value, name)
    if issubclass(kind, Enum):
        choices = [one.value for one in kind]
        _check(value in choices, value, name, f"one of {', '.join(choices)}")
        return kind(value)
    return _plain(kind, value, name)


def _plain(kind: Any, value: Any, name: str) -> Any:
    if kind is bool:
        _check(isinstance(value, bool), value, name, "true or false")
    elif kind in (int, float):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = is_number and (kind is float or float(value).is_integer())
        _check(fits, value, name, "a number" if kind is float else "a whole number")
    elif kind is Path:
        _check(isinstance(value, str), value, name, "a path")
        return Path(value).expanduser()
    elif kind is Image.Image:
        _check(isinstance(value, str), value, name, "the path of a picture")
        return _picture(Path(value), name)
    elif kind is str:
        _check(isinstance(value, str), value, name, "a text")
    return value if kind is object else kind(value)


def _sequence(parts: tuple[Any, ...], value: Any, name: str) -> tuple[Any, ...]:
    """A tuple; of any length where its type says so."""
    _check(isinstance(value, list | tuple), value, name, "a list")
    kinds = parts if len(parts) > 1 and parts[1] is not Ellipsis else (parts[0],) * len(value)
    _check(len(kinds) == len(value), value, name, f"a list of {len(kinds)}")
    return tuple(
        _typed(kind, part, f"{name}[{place}]")
        for place, (kind, part) in enumerate(zip(kinds, value, strict=True))
    )


def _picture(path: Path, name: str) -> Image.Image:
    try:
        return decoded(path.read_bytes())[0]
    except OSError as error:
        raise InvalidFileError(
            f"{name}: {path} cannot be read ({error.strerror}): choose it again"
        ) from error
    except InvalidFileError as error:
        raise InvalidFileError(f"{name}: {path.name} {error}") from error


def _check(right: bool, value: Any, name: str, wanted: str) -> None:
    if not right:
        raise InvalidRequestError(f"{name} is {value!r}: give {wanted}")


def _called(name: str, part: str) -> str:
    return f"{name}.{part}" if name else part
