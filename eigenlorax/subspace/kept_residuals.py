"""A style's private ranks as they lie on disk: what was kept once is never rounded a second time."""

from dataclasses import dataclass

from eigenlorax.lora import LoRALayer, joined
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.kept import KeptByModule
from eigenlorax.subspace.numbers import Kept, Numbers, Scaled, keep, nbytes, value


@dataclass(frozen=True)
class KeptResidual:
    """Private ranks as stored.

    Attributes:
        up: (out, rank), scaled by column.
        down: (rank, in), scaled by row.
    """

    up: Kept
    down: Kept

    @property
    def layer(self) -> LoRALayer:
        """The update in float32, made anew each time."""
        return LoRALayer(value(self.up), value(self.down))

    @property
    def rank(self) -> int:
        """How many ranks."""
        return self.down.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes of its numbers, on disk as in memory."""
        return nbytes(self.up) + nbytes(self.down)


class KeptResiduals(KeptByModule[LoRALayer, KeptResidual]):
    """Module -> private ranks in float32, made from their stored form each time they are asked for."""

    def __getitem__(self, path: ModulePath) -> LoRALayer:
        return self.kept[path].layer


def keep_residual(layer: LoRALayer, numbers: Numbers) -> KeptResidual:
    """The stored form of private ranks; what was rounded so before is not changed by a bit."""
    return KeptResidual(keep(layer.up, numbers), keep(layer.down, numbers, Scaled.ROW))


def energy_of_residual(layer: LoRALayer, kept: KeptResidual) -> float:
    """Squared norm that stored private ranks keep of an update whose leading missed directions `layer` is."""
    return layer.norm**2 - joined([kept.layer, layer.scaled(-1.0)]).norm ** 2
