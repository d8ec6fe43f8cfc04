"""A header -> what each tensor is for, and whether the file can serve on the loaded base."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from eigenlorax.formats.base_model import BaseEvidence, BaseFamily, identify_base, not_a_lora
from eigenlorax.formats.embeddings import embedding_name
from eigenlorax.formats.header import Header
from eigenlorax.formats.parts import FOLDED_ROLES, DoesNotFit, Incomplete, Parts, assemble
from eigenlorax.formats.report import Fate, ModuleReport, TensorFate, Verdict
from eigenlorax.formats.scaling import AdapterConfig
from eigenlorax.formats.spelling import Placement, SpellingTable
from eigenlorax.module_path import ModelLayout, ModulePath

_SUBSETS_OF_SDXL = (BaseFamily.SSD_1B, BaseFamily.VEGA)
_HINTS = (".reshape_weight",)
_Candidates = tuple[ModulePath, ...]


@dataclass(frozen=True)
class Judgement:
    """The outcome for one header: verdict and reason, every tensor's fate, and the parts to read."""

    verdict: Verdict
    reason: str
    base: BaseEvidence
    fates: Mapping[str, TensorFate]
    parts: Mapping[ModulePath, Parts]
    modules: Mapping[ModulePath, ModuleReport]
    embeddings: tuple[str, ...]


def judge(header: Header, layout: ModelLayout, table: SpellingTable, home: BaseFamily) -> Judgement:
    """Give every tensor of a file its fate with respect to one base model.

    Args:
        header: Of the file.
        layout: The base's parameters.
        table: The spellings of their names.
        home: The family that the base itself belongs to by its names and shapes.

    Raises:
        InvalidFileError: the adapter's configuration in the header cannot be understood.
    """
    sorting = _Sorting(header, layout, AdapterConfig.from_metadata(header.metadata))
    for key in header.tensors:
        sorting.take(key, table.place(key))
    # Weights before biases: the bias of a LoRA is scaled with the LoRA of its module.
    for candidates in sorted(sorting.groups, key=lambda c: c[0].parameter, reverse=True):
        sorting.settle(candidates)
    base = identify_base(header.shapes)
    verdict, reason = _verdict(base, home, sorting)
    modules = {path: parts.report() for path, parts in sorting.parts.items()}
    return Judgement(verdict, reason, base, sorting.fates, sorting.parts, modules, tuple(sorting.embeddings))


@dataclass
class _Sorting:
    """The state of judging one file."""

    header: Header
    layout: ModelLayout
    config: AdapterConfig
    fates: dict[str, TensorFate] = field(default_factory=dict)
    groups: dict[_Candidates, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    parts: dict[ModulePath, Parts] = field(default_factory=dict)
    embeddings: dict[str, None] = field(default_factory=dict)
    misfits: list[DoesNotFit] = field(default_factory=list)
    incomplete: list[Incomplete] = field(default_factory=list)

    def take(self, key: str, placement: Placement | None) -> None:
        """Put a tensor into the group of the parameter that it changes."""
        if name := embedding_name(key):
            self.embeddings[name] = None
            self.fates[key] = TensorFate(Fate.KEPT)
        elif key.endswith(_HINTS):
            self.fates[key] = TensorFate(Fate.IGNORED, "it is a hint for other programs")
        elif placement is None:
            self.fates[key] = TensorFate(Fate.REFUSED, "no module of the loaded model has this name")
        else:
            group = self.groups[placement.candidates]
            first = group.setdefault(placement.role, key)
            if first != key:
                self.fates[key] = TensorFate(Fate.IGNORED, f"{first} is another spelling of it")

    def settle(self, candidates: _Candidates) -> None:
        """Turn a group into the parts of one of its candidates, or refuse its tensors with the reason."""
        errors: list[DoesNotFit | Incomplete] = []
        for path in candidates:
            keys = {**self.groups[candidates], **self._partner(path, self.groups[candidates])}
            shapes = {role: self.header.tensors[key].shape for role, key in keys.items()}
            try:
                parts = assemble(path, self.layout[path], keys, shapes, self.config.scale)
            except (DoesNotFit, Incomplete) as error:
                errors.append(error)
            else:
                self.parts[path] = parts
                self._give_fates(parts)
                return
        self.misfits += [error for error in errors if isinstance(error, DoesNotFit)]
        self.incomplete += [error for error in errors if isinstance(error, Incomplete)]
        for key in self.groups[candidates].values():
            self.fates[key] = TensorFate(Fate.REFUSED, str(errors[0]))

    def _partner(self, path: ModulePath, keys: Mapping[str, str]) -> dict[str, str]:
        """What the bias of a LoRA needs of the LoRA itself: its rank and its alpha."""
        weight = self.parts.get(path._replace(parameter="weight"))
        if "scaled_diff" not in keys or weight is None or "down" not in weight.keys:
            return {}
        folded = {role: key for role, key in weight.keys.items() if role in FOLDED_ROLES}
        return {"partner": weight.keys["down"], **folded}

    def _give_fates(self, parts: Parts) -> None:
        for role, key in parts.keys.items():
            if role not in parts.used_roles:
                reason = f"{role} plays no part in {parts.report().algorithm}"
                self.fates.setdefault(key, TensorFate(Fate.IGNORED, reason))
            else:
                self.fates.setdefault(key, TensorFate(Fate.FOLDED if role in FOLDED_ROLES else Fate.USED))


def _verdict(base: BaseEvidence, home: BaseFamily, sorting: _Sorting) -> tuple[Verdict, str]:
    fates = sorting.fates
    refused = [key for key, fate in fates.items() if fate.fate is Fate.REFUSED]
    if not fates:
        return Verdict.BROKEN, "holds no tensors; export it again"
    if kind := not_a_lora(sorting.header.shapes):
        return Verdict.BROKEN, kind
    if base.family in _SUBSETS_OF_SDXL and home is not base.family:
        return Verdict.OTHER_BASE, _needs(base, sorting)
    if sorting.misfits:
        return Verdict.OTHER_BASE, _needs(base, sorting)
    if sorting.incomplete:
        return Verdict.BROKEN, f"{sorting.incomplete[0]}; download or export it again"
    if not sorting.parts and base.family is not BaseFamily.OTHER:
        return Verdict.OTHER_BASE, _needs(base, sorting)
    if not sorting.parts and sorting.embeddings:
        return Verdict.EMBEDDING, (
            "is a textual inversion, not a LoRA: it is kept, and its name in a prompt calls it"
        )
    if not sorting.parts:
        return Verdict.BROKEN, (
            f"none of its {len(fates)} tensors can be used: {fates[refused[0]].reason} ({refused[0]!r})"
        )
    if refused:
        return Verdict.PARTLY, (
            f"{len(refused)} of its {len(fates)} tensors are left out, the first is {refused[0]!r}: "
            f"{fates[refused[0]].reason}"
        )
    return Verdict.USABLE, ""


def _needs(base: BaseEvidence, sorting: _Sorting) -> str:
    if base.family is BaseFamily.SDXL:
        return f"needs SDXL: start with --model and your SDXL checkpoint ({base.evidence})"
    if base.family is BaseFamily.OTHER:
        return f"was made for another base model: {sorting.misfits[0]}"
    return f"was made for {base.family}, which this app does not run ({base.evidence})"
