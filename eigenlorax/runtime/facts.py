"""What is known of a base model's own weights, whatever it wears."""

from collections.abc import Iterable, Mapping

from torch import Tensor

from eigenlorax.module_path import ModulePath
from eigenlorax.runtime.inject import Injection
from eigenlorax.subspace.fingerprint import Fingerprint


class BaseFacts:
    """The pristine weights, their norms, and what a change of each was measured to do.

    Args:
        name: The base's, for the user to read.
        injection: What changes the weights, and so knows what they were.
    """

    def __init__(self, name: str, injection: Injection) -> None:
        self._name, self._injection = name, injection
        self._norms: dict[ModulePath, float] = {}
        self._effects: dict[ModulePath, float] = {}

    def pristine(self, path: ModulePath) -> Tensor:
        """The base's own value of a parameter: a float32 (out, in * kernel) matrix."""
        return self._injection.pristine(path)

    def fingerprint(self, paths: Iterable[ModulePath]) -> Fingerprint:
        """What tells this base from another, over these parameters."""
        return Fingerprint(self._name, {path: self._weight_norm(path) for path in paths})

    def learn_effects(self, effects: Mapping[ModulePath, float]) -> None:
        """Take up what a change of each weight was measured to do to a prediction of this base."""
        self._effects = dict(effects)

    @property
    def knows_effects(self) -> bool:
        """Whether importance rests on measured effects."""
        return bool(self._effects)

    def importance(self, paths: Iterable[ModulePath]) -> dict[ModulePath, float]:
        """Factor on each parameter's squared error: what a change of it was measured to do to a prediction.

        A parameter without a measurement took no part in any prediction, as SDXL takes no part of its first
        text encoder's last layer: it counts a thousandth of the least. Where none was measured, all count
        alike.
        """
        least = 1e-3 * min(self._effects.values()) if self._effects else 1.0
        return {path: self._effects.get(path, least) for path in paths}

    def _weight_norm(self, path: ModulePath) -> float:
        """||W|| of the base's own value; measured once, since that value never changes."""
        if path not in self._norms:
            self._norms[path] = self._injection.norm(path)
        return self._norms[path]
