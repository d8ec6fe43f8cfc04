"""What can go wrong, in words a user can act on: what happened, where, and what to do next."""

from collections.abc import Mapping


class StudioError(Exception):
    """Base of every error that is the input's fault; its text is shown to the user as it stands."""


class InvalidFileError(StudioError):
    """A file is not what its name says, or its content contradicts itself."""


class WrongBaseError(StudioError):
    """A LoRA was made for another base model than the one that is loaded."""


class UnknownStyleError(StudioError):
    """A strength or request names a style that the library lacks."""


class SubspaceMismatchError(StudioError):
    """A style is asked to live in a subspace that it was not projected into."""


class ModelLoadError(StudioError):
    """The base model cannot be loaded from where the user pointed."""


class InvalidRequestError(StudioError):
    """A setting of a request lies outside what can be done."""


class NotWrittenError(StudioError):
    """A file could not be written, or what was read back from it is not what it should hold."""


class CardFullError(StudioError):
    """The card's memory does not suffice, whichever way the model is placed."""


def refuse_outside(ranges: Mapping[str, tuple[float | int, float | int, float | int]]) -> None:
    """Refuse the first number that lies outside its range, NaN included.

    Args:
        ranges: What a number is, in the user's words -> (value, least, most).

    Raises:
        InvalidRequestError: says which, and what is allowed.
    """
    for name, (value, low, high) in ranges.items():
        if not low <= value <= high:
            raise InvalidRequestError(f"{name} is {value}: choose a number from {low} to {high}")
