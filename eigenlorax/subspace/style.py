"""A style is a handful of coefficients; a blend of styles is the sum of their cores."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from torch import Tensor

from eigenlorax.errors import SubspaceMismatchError, UnknownStyleError
from eigenlorax.lora import LoRALayer, joined
from eigenlorax.module_path import ModulePath
from eigenlorax.recipe import StyleBlend
from eigenlorax.subspace.basis import reconstruct
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.kept_cores import KeptCores
from eigenlorax.subspace.kept_residuals import KeptResiduals
from eigenlorax.subspace.subspace import Subspace

#: The topic of a style's notes that tells how it learnt from its LoRA.
CALIBRATION = "calibration"


@dataclass(frozen=True)
class Style:
    """One style's coordinates in a subspace, held as they lie on disk.

    Attributes:
        name: Unique in a library.
        cores: Module -> core; a module that the style leaves alone is missing.
        subspace: Hash of the subspace whose bases the cores belong to.
        fidelity: How near the style is to the LoRA it came from.
        trigger_words: Words that its prompts should hold.
        source_sha256: Hash of the LoRA file it came from.
        residuals: Module -> private factors of what the shared columns miss, where they paid for their bytes.
        notes: What became of it since, in words by topic, such as how it was calibrated; kept with it.
    """

    name: str
    cores: KeptCores
    subspace: str
    fidelity: Fidelity
    trigger_words: tuple[str, ...] = ()
    source_sha256: str = ""
    residuals: KeptResiduals = field(default_factory=KeptResiduals)
    notes: Mapping[str, str] = field(default_factory=dict)


def moved(style: Style, subspace: Subspace) -> Style:
    """A style of an earlier version in a subspace that has the same bases first; no number changes."""
    return replace(style, subspace=subspace.hash)


def chosen(styles: Mapping[str, Style], strengths: StyleBlend) -> dict[str, float]:
    """The styles of a blend that do anything, with their strengths.

    Args:
        styles: The library by name.
        strengths: Dimensionless; 0.0 leaves a style out.

    Raises:
        UnknownStyleError: a strength names a style that the library lacks.
        SubspaceMismatchError: the chosen styles belong to different subspaces.
    """
    if missing := sorted(strengths.keys() - styles.keys()):
        known = ", ".join(sorted(styles)) or "no style yet: compress some LoRAs first"
        raise UnknownStyleError(f"no style named {', '.join(missing)}; the library holds {known}")
    found = {name: strength for name, strength in strengths.items() if strength != 0.0}
    if len({styles[name].subspace for name in found}) > 1:
        raise SubspaceMismatchError(
            f"{', '.join(sorted(found))} belong to different subspaces: compress them together first"
        )
    return found


def blend(styles: Mapping[str, Style], strengths: StyleBlend) -> dict[ModulePath, Tensor]:
    """Mix styles exactly: in every module the mixed update is sum_i strength_i * dW_i.

    Sums cores, never factors: scaling `up` and `down` apart would square each strength (0.5
    would act as 0.25) and add cross terms between styles that nobody asked for.

    Args:
        styles: The library by name, all projected into one subspace.
        strengths: Dimensionless; 1.0 is the style as imported, 0.0 leaves it out, < 0 inverts it.

    Returns:
        One (k_out, k_in) float32 core for each module that any style with a strength touches.

    Raises:
        UnknownStyleError: a strength names a style that the library lacks.
        SubspaceMismatchError: the chosen styles belong to different subspaces.

    Source: U M V^T is linear in M while the bases U and V are shared (arXiv:2502.04700).
    """
    cores: dict[ModulePath, Tensor] = {}
    for name, strength in chosen(styles, strengths).items():
        for path, core in styles[name].cores.items():
            cores[path] = cores[path] + strength * core if path in cores else strength * core
    return cores


def blend_layers(
    subspace: Subspace, styles: Mapping[str, Style], strengths: StyleBlend
) -> dict[ModulePath, LoRALayer]:
    """The update of a blend as low-rank layers: U (sum of cores) V^T with every residual beside it.

    Args, Raises: as `blend`; `subspace` is the one the styles belong to.
    """
    return {
        path: joined([reconstruct(core, subspace.bases[path]), *blend_residuals(styles, strengths, path)])
        for path, core in blend(styles, strengths).items()
    }


def blend_residuals(styles: Mapping[str, Style], strengths: StyleBlend, path: ModulePath) -> list[LoRALayer]:
    """The residuals that a blend has in one module, each at its strength."""
    chosen = (
        (styles[name].residuals.get(path), strength) for name, strength in strengths.items() if strength
    )
    return [layer.scaled(strength) for layer, strength in chosen if layer is not None]
