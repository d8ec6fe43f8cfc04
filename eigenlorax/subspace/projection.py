"""One LoRA's place in a subspace, put together module by module; every number is rounded once, here."""

from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.basis import CanonicalLayer, even_factors
from eigenlorax.subspace.fidelity import Fidelity, measure
from eigenlorax.subspace.kept_cores import KeptCore, KeptCores, energy_of_core, keep_core
from eigenlorax.subspace.kept_residuals import KeptResidual, KeptResiduals, energy_of_residual, keep_residual
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.style import Style


@dataclass(frozen=True)
class Projection:
    """One LoRA's place in a subspace: its cores, its private residuals, and what was lost."""

    cores: KeptCores
    residuals: KeptResiduals
    fidelity: Fidelity

    def style(self, name: str, subspace: str, trigger_words: tuple[str, ...], source_sha256: str) -> Style:
        """It as a style of the subspace of this hash."""
        return Style(
            name=name,
            cores=self.cores,
            subspace=subspace,
            fidelity=self.fidelity,
            trigger_words=trigger_words,
            source_sha256=source_sha256,
            residuals=self.residuals,
        )


@dataclass
class Projecting:
    """A projection while it is made."""

    _cores: dict[ModulePath, KeptCore] = field(default_factory=dict)
    _residuals: dict[ModulePath, KeptResidual] = field(default_factory=dict)
    _energies: dict[ModulePath, float] = field(default_factory=dict)
    _kept: dict[ModulePath, float] = field(default_factory=dict)

    def put_core(
        self,
        path: ModulePath,
        update: CanonicalLayer,
        core: Float[Tensor, "k_out k_in"],
        rank: int,
        numbers: Numbers,
    ) -> None:
        """Keep the core of an update: its projection, or zeros.

        Args:
            path: The module.
            update: What the LoRA does to it.
            core: float32.
            rank: At least the core's own.
            numbers: What to keep it in.
        """
        self._cores[path], self._energies[path] = keep_core(core, rank, numbers), update.energy
        self._kept[path] = energy_of_core(core, self._cores[path])

    def put_residual(self, path: ModulePath, missed: CanonicalLayer, rank: int, numbers: Numbers) -> None:
        """Keep so many leading directions of what the core misses of its update.

        Args:
            path: A module that has its core.
            missed: The update less what its core stands for.
            rank: How many.
            numbers: What to keep them in.
        """
        layer = even_factors(missed, rank)
        self._residuals[path] = keep_residual(layer, numbers)
        self._kept[path] += energy_of_residual(layer, self._residuals[path])

    def done(self, file_bytes: int) -> Projection:
        """The projection of a LoRA whose file has so many bytes."""
        fidelity = measure(self._energies, self._kept, file_bytes)
        return Projection(KeptCores(self._cores), KeptResiduals(self._residuals), fidelity)
