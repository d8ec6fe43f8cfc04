"""What those work with who make new versions of the current subspace."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from threading import Lock

from eigenlorax.errors import InvalidRequestError
from eigenlorax.library.library import Library
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import ModulePath
from eigenlorax.originals import Originals
from eigenlorax.runtime.engine import Engine
from eigenlorax.subspace.merge import Part
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.subspaces.current import CurrentSubspace


@dataclass(frozen=True)
class Bench:
    """The open studio's parts.

    Attributes:
        engine: Knows the base model.
        originals: The LoRAs that styles are made from.
        current: What is open.
        library: Where versions are kept.
        lock: The studio's: held while the model or the open version is looked at or changed.
    """

    engine: Engine
    originals: Originals
    current: CurrentSubspace
    library: Library
    lock: Lock

    @property
    def layout(self) -> str:
        """Hash of the base's layout."""
        return self.engine.base.layout_hash

    def open_now(self) -> Part:
        """The open subspace with its styles.

        Raises:
            InvalidRequestError: there is none yet.
        """
        if self.current.subspace is None:
            raise InvalidRequestError("there is no subspace yet: press Compress first")
        return Part(self.current.subspace, dict(self.current.styles))

    def original(self, style: Style) -> LoRA | None:
        """The very LoRA that a style came from, when the library still has it."""
        for report in self.originals.usable([style.name]):
            lora = self.originals.open(report)
            if lora.sha256 == style.source_sha256:
                return lora
        return None

    def swap(self, subspace: Subspace, styles: Mapping[str, Style]) -> None:
        """Keep a new version and open it: its folder appears whole, then one rename makes it the current one.

        Raises:
            NotWrittenError: the disk refused; the open version stays.
        """
        made = replace(subspace, base=self.engine.facts.fingerprint(subspace.bases))
        self.current.save(made, styles)


class UnderLock(Mapping[ModulePath, LoRALayer]):
    """A LoRA's layers for reading while pictures are drawn.

    Some forms, such as DoRA, are read against the base's own weights, which a style switch changes.
    """

    def __init__(self, layers: Mapping[ModulePath, LoRALayer], lock: Lock) -> None:
        self._layers, self._lock = layers, lock
        self._paths = dict.fromkeys(layers)

    def __getitem__(self, path: ModulePath) -> LoRALayer:
        with self._lock:
            return self._layers[path]

    def __iter__(self) -> Iterator[ModulePath]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, path: object) -> bool:
        return path in self._paths
