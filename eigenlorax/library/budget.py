"""What a budget on disk leaves for numbers once every name has had its bytes."""

from collections.abc import Collection

from eigenlorax.errors import InvalidRequestError
from eigenlorax.module_path import ModulePath


def header_bytes(modules: Collection[ModulePath], styles: int) -> int:
    """A little more than what names and descriptions take in the files of a subspace with so many styles."""
    names = [len(str(module)) for module in modules]
    # Of a module: its name in quotes, its shape in six int32, its norm in the base. Of a LoRA: its hash.
    subspace = sum(length + 48 for length in names) + 1024 + 100 * styles
    # Of each style: two int16 for a module, and what it says of itself, its worst module by name.
    return subspace + styles * (1300 + 4 * len(names) + max(names, default=0))


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
