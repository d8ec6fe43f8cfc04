"""A subspace that takes in one more LoRA: nothing that is there changes by a bit."""

from collections.abc import Mapping

from eigenlorax.errors import SubspaceMismatchError
from eigenlorax.lora import LoRA
from eigenlorax.module_path import ModelLayout, ModulePath
from eigenlorax.subspace.allocate import NUMBER_BYTES, Option, cheapest_within
from eigenlorax.subspace.basis import CanonicalLayer, canonical, empty_basis, even_factors, missed, project
from eigenlorax.subspace.fidelity import measure
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace


def room_for(subspace: Subspace, lora: LoRA, layout: ModelLayout) -> Subspace:
    """The subspace with an empty basis for every module that only the new LoRA changes, behind the others.

    Its hash differs when modules were added: a new version, to which the styles move as they are.
    """
    added = {
        path: empty_basis(*layout[path].matrix) for path in sorted(lora.layers) if path not in subspace.bases
    }
    sources = {**subspace.sources, lora.name: lora.sha256}
    return Subspace({**subspace.bases, **added}, subspace.layout, sources, subspace.retain)


def place(
    lora: LoRA,
    subspace: Subspace,
    retain: float,
    importance: Mapping[ModulePath, float],
    file_bytes: int,
    trigger_words: tuple[str, ...],
) -> Style:
    """A LoRA as a style of a subspace that was fitted without it.

    What the shared columns hold becomes cores; of what they miss, private ranks are kept, the most error per
    byte first, until the share `retain` of the squared norm, weighted by `importance`, is reached.

    Args:
        lora: The LoRA.
        subspace: With a basis, an empty one too, for each of its modules.
        retain: In (0, 1].
        importance: Module -> factor on its squared error, as in the fit.
        file_bytes: Size of its file.
        trigger_words: Of the style.

    Raises:
        SubspaceMismatchError: the subspace lacks one of its modules.
    """
    if strangers := sorted(str(path) for path in lora.layers if path not in subspace.bases):
        raise SubspaceMismatchError(f"the subspace has no place for {strangers[0]}: make room for it first")
    forms = {path: canonical(lora.layers[path]) for path in lora.layers}
    cores = {path: project(form, subspace.bases[path]) for path, form in forms.items()}
    rests = {path: missed(form, subspace.bases[path]) for path, form in forms.items()}
    total = sum(importance[path] * form.energy for path, form in forms.items())
    ranks = _ranks(rests, importance, (1.0 - retain) * total)
    residuals = {path: even_factors(rests[path], rank) for path, rank in ranks.items()}
    kept = {
        path: float(cores[path].double().square().sum())
        + float(rests[path].s[: ranks.get(path, 0)].double().square().sum())
        for path in forms
    }
    return Style(
        name=lora.name,
        cores=cores,
        subspace=subspace.hash,
        fidelity=measure({path: form.energy for path, form in forms.items()}, kept, file_bytes),
        trigger_words=trigger_words,
        source_sha256=lora.sha256,
        ranks={path: form.s.shape[0] for path, form in forms.items()},
        residuals=residuals,
    )


def _ranks(
    rests: Mapping[ModulePath, CanonicalLayer], importance: Mapping[ModulePath, float], allowed: float
) -> dict[ModulePath, int]:
    """Module -> private ranks, as the fit's own allocation buys them when the shared columns are given."""
    options = {}
    for path, rest in rests.items():
        gains = tuple((importance[path] * rest.s.double().square()).tolist())
        price = NUMBER_BYTES * (rest.p.shape[0] + rest.q.shape[0])
        options[path] = [Option(0, 0, 0, sum(gains), gains, price)]
    choices = cheapest_within(options, allowed)
    return {path: choice.bought for path, choice in choices.items() if choice.bought}
