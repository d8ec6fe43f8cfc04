"""What a budget on disk leaves for numbers once every name has had its bytes."""

from collections.abc import Collection

from eigenlorax.errors import InvalidRequestError
from eigenlorax.module_path import ModulePath


def header_bytes(modules: Collection[ModulePath], styles: int) -> int:
    """A little more than what names and descriptions take in the files of a subspace with so many styles."""
    names = [len(str(module)) for module in modules]
    subspace = sum(3 * length + 216 for length in names) + 1024
    return subspace + styles * (1600 + 4 * len(names) + max(names, default=0)) + 100 * styles


def numbers_within(budget: int, modules: Collection[ModulePath], styles: int) -> int:
    """The bytes that a budget leaves for numbers.

    Raises:
        InvalidRequestError: the headers alone take it all.
    """
    headers = header_bytes(modules, styles)
    if budget <= headers:
        raise InvalidRequestError(
            f"{budget} bytes are too few: the names of all modules alone take {headers}; choose more"
        )
    return budget - headers
