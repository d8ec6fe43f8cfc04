"""What a style keeps of each module, in its stored form; its value is made each time it is asked for."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from eigenlorax.module_path import ModulePath

Form = TypeVar("Form")
Value = TypeVar("Value")


class KeptByModule(Mapping[ModulePath, Value], Generic[Value, Form]):
    """Module -> value in float32, of which only the stored form is held: hundreds of styles fit in memory.

    Args:
        kept: Module -> stored form.

    Attributes:
        kept: Likewise.
    """

    def __init__(self, kept: Mapping[ModulePath, Form] | None = None) -> None:
        self.kept: dict[ModulePath, Form] = dict(kept or {})

    @abstractmethod
    def __getitem__(self, path: ModulePath) -> Value: ...

    def __iter__(self) -> Iterator[ModulePath]:
        return iter(self.kept)

    def __len__(self) -> int:
        return len(self.kept)

    def __contains__(self, path: object) -> bool:
        return path in self.kept  # without making the value, as Mapping would
