"""The update that an export starts from, exactly."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from eigenlorax.lora import LoRALayer, joined
from eigenlorax.module_path import ModulePath
from eigenlorax.recipe import StyleBlend
from eigenlorax.subspace.basis import reconstruct
from eigenlorax.subspace.style import Style, blend, blend_residuals
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.subspace.truncate import Spectrum, core_spectrum, layer_spectrum


@dataclass(frozen=True)
class Exact:
    """An update as it should be: its spectra, and its layers on demand."""

    spectra: Mapping[ModulePath, Spectrum]
    layers: Mapping[ModulePath, LoRALayer]
    trigger_words: tuple[str, ...]
    made_from: str


def exact_blend(subspace: Subspace, styles: Mapping[str, Style], strengths: StyleBlend) -> Exact:
    """The exact update of a blend.

    Raises:
        UnknownStyleError, SubspaceMismatchError: as `blend` does.
    """
    cores = blend(styles, strengths)

    def layer(path: ModulePath) -> LoRALayer:
        core = reconstruct(cores[path], subspace.bases[path])
        return joined([core, *blend_residuals(styles, strengths, path)])

    def spectrum(path: ModulePath) -> Spectrum:
        if blend_residuals(styles, strengths, path):
            return layer_spectrum(layer(path))
        return core_spectrum(cores[path], subspace.bases[path])

    chosen = {name: strength for name, strength in strengths.items() if strength}
    words = dict.fromkeys(word for name in chosen for word in styles[name].trigger_words)
    return Exact(
        {path: spectrum(path) for path in cores}, _OnDemand(cores, layer), tuple(words), blend_words(chosen)
    )


def exact_lora(name: str, layers: Mapping[ModulePath, LoRALayer], trigger_words: tuple[str, ...]) -> Exact:
    """The exact update of an original LoRA."""
    return Exact({path: layer_spectrum(layers[path]) for path in layers}, layers, trigger_words, name)


def blend_words(strengths: StyleBlend) -> str:
    """A blend in words, such as "neon 0.8, chalk 0.4"."""
    return ", ".join(f"{name} {strength:g}" for name, strength in strengths.items() if strength)


class _OnDemand(Mapping[ModulePath, LoRALayer]):
    """Layers that are made each time they are asked for, so that they are never in memory together."""

    def __init__(self, paths: Mapping[ModulePath, object], make: Callable[[ModulePath], LoRALayer]) -> None:
        self._paths = paths
        self._make = make

    def __getitem__(self, path: ModulePath) -> LoRALayer:
        return self._make(path)

    def __iter__(self) -> Iterator[ModulePath]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)
