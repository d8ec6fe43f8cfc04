"""A new style of the open subspace, taught from a few pictures: the donors are the styles that are there."""

import hashlib
import shutil
from collections.abc import Generator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from math import hypot
from pathlib import Path

import torch
from torch import Tensor

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import retold
from eigenlorax.library.reached import load_reached, save_reached
from eigenlorax.lora import LoRALayer, joined
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.live import LiveInjection, StackedUpdate
from eigenlorax.subspace.augment import Columns, donor_driven, first_of, gaussian, padded, with_floor
from eigenlorax.subspace.basis import Basis, canonical, project, reconstruct
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.fit import FitProgress
from eigenlorax.subspace.kept_cores import KeptCore, KeptCores, keep_core
from eigenlorax.subspace.kept_residuals import KeptResiduals
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.subspaces.bench import Bench
from eigenlorax.training.captions import Caption, Wording, captions_of
from eigenlorax.training.material import PictureMaterial
from eigenlorax.training.picture_set import PictureSet, Preparation, Prepared, Telling, prepare
from eigenlorax.training.pictures import LeftOut, Taken, survey
from eigenlorax.training.predictor import SMALL_SIDE, Predictor, Updates
from eigenlorax.training.teach import Taught, TeachingStep, TeachSettings, teach

#: The topic of a style's notes that tells what it was taught with.
TEACHING = "teaching"
Making = Prepared | FitProgress | TeachingStep
"""What teaching tells of while it goes on."""


@dataclass(frozen=True)
class TeachRequest:
    """What to teach.

    Attributes:
        name: Of the new style; none of the subspace's has it.
        sources: Picture files, or folders of them.
        wording: The trigger word, and how captions are made.
        settings: How long and how fast.
        columns: Shared columns that every module of the UNet has at least, on each side: what is learnt in.
        mirrors: Learn from mirror images too.
        captions: In place of those that would be made; empty to make them.
    """

    name: str
    sources: Sequence[Path]
    wording: Wording
    settings: TeachSettings = field(default_factory=TeachSettings)
    columns: int = 16
    mirrors: bool = False
    captions: tuple[Caption, ...] = ()


@dataclass(frozen=True)
class TaughtStyle:
    """What came of it.

    Attributes:
        style: As it is in the subspace now.
        taught: Its learning curve.
        pictures: How many were learnt from, and how many held out.
        words: What the user should know of the pictures.
        left_out: Files that were not used, with reasons.
    """

    style: Style
    taught: Taught
    pictures: tuple[int, int]
    words: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


def taught(bench: Bench, request: TeachRequest) -> Generator[Making, None, TaughtStyle]:
    """Teach a style and open the version that has it.

    Styles that are there stay as they are; where modules have too few columns to learn in, the leading
    directions of the collection that the columns lack are put behind them, once for all taught styles. Holds
    the studio's lock. Closing the generator keeps the open version; what was learnt lies in the cache, and
    the same request goes on from there.

    Args:
        bench: The open studio.
        request: What to teach.

    Yields:
        Progress.

    Raises:
        InvalidRequestError: there is no subspace, the name is taken or empty, no picture can be used, or a
            setting is out of range.
        NotWrittenError: the disk refused; the open version stays.
    """
    request.settings.check_ranges()
    with bench.lock:
        part, engine = bench.open_now(), bench.engine
        _check_name(request.name, part.styles)
        engine.wear_nothing()
        fates = list(survey(request.sources))
        taken = [fate for fate in fates if isinstance(fate, Taken)]
        left_out = tuple(fate for fate in fates if isinstance(fate, LeftOut))
        if not taken:
            reasons = "; ".join(f"{one.path.name}: {one.reason}" for one in left_out[:3])
            raise InvalidRequestError(f"no picture to learn from ({reasons or 'none was given'})")
        captions = request.captions or captions_of(taken, request.wording)
        side, settings = engine.base.native_size, request.settings
        preparation = Preparation(side, settings.rows, settings.seed, request.mirrors)
        cache = bench.library.root / "cache" / "latents"
        pictures = yield from prepare(taken, captions, engine.base.pipeline.vae, preparation, cache)
        wide = yield from _learning_subspace(part.subspace, part.styles, request)
        donors, names = _donors(part.subspace, part.styles, wide, engine.device)
        place = _place(bench, wide, request, pictures)
        reached = place / "reached.safetensors"

        def keep(event: TeachingStep) -> TeachingStep:
            if event.reached is not None:
                save_reached(event.reached, reached)
            return event

        with LiveInjection(engine.base.modules) as live:
            predictor = Predictor(engine.base.pipeline, live, side)
            # A base as small as the demo's has only ever been told of whole pictures of its own size.
            telling = Telling.NATIVE if side <= SMALL_SIDE else Telling.TRUE
            material = PictureMaterial(pictures, telling)
            with predictor.sparing():
                going = teach(predictor, material, donors, names, settings, load_reached(reached))
                result = yield from retold(going, keep)
        style = _style(request, wide, result, pictures)
        styles = {name: padded(one, part.subspace, wide) for name, one in part.styles.items()}
        bench.swap(wide, {**styles, request.name: style})
        shutil.rmtree(place, ignore_errors=True)
        counts = len(pictures.learnt), len(pictures.held)
        return TaughtStyle(bench.current.styles[request.name], result, counts, pictures.words, left_out)


def _check_name(name: str, styles: Mapping[str, Style]) -> None:
    if not name.strip():
        raise InvalidRequestError("the style has no name: give it one")
    if name in styles:
        raise InvalidRequestError(f"there is a style named {name} already: choose another name")


def _learning_subspace(
    subspace: Subspace, styles: Mapping[str, Style], request: TeachRequest
) -> Generator[FitProgress, None, Subspace]:
    """The subspace with columns enough to learn in."""
    norms = {name: _norm(style, subspace) for name, style in styles.items()}
    weights = {name: 1.0 / norm for name, norm in norms.items() if norm > 0.0}
    chance = torch.Generator().manual_seed(request.settings.seed)

    def updates(path: ModulePath) -> Sequence[LoRALayer]:
        found = [(_update(styles[name], subspace, path), weight) for name, weight in weights.items()]
        return [layer.scaled(weight) for layer, weight in found if layer is not None]

    directions = first_of(donor_driven(updates), gaussian(chance))

    def of_unet(path: ModulePath, basis: Basis, out: int, into: int) -> Columns:
        if path.component is not Component.UNET:
            return basis.out.new_zeros(basis.out.shape[0], 0), basis.into.new_zeros(basis.into.shape[0], 0)
        return directions(path, basis, out, into)

    return (yield from with_floor(subspace, {}, request.columns, of_unet))


def _update(style: Style, subspace: Subspace, path: ModulePath) -> LoRALayer | None:
    """What a style does to one module."""
    parts = []
    if path in style.cores and all(subspace.bases[path].core_shape):
        parts.append(reconstruct(style.cores[path], subspace.bases[path]))
    if path in style.residuals:
        parts.append(style.residuals[path])
    return joined(parts) if parts else None


def _norm(style: Style, subspace: Subspace) -> float:
    layers = (_update(style, subspace, path) for path in style.cores)
    return hypot(*(layer.norm for layer in layers if layer is not None))


def _donors(
    subspace: Subspace, styles: Mapping[str, Style], wide: Subspace, device: torch.device
) -> tuple[Updates, list[str]]:
    """Every style's projection into the columns to learn in, stacked; the UNet alone."""
    found: dict[ModulePath, StackedUpdate] = {}
    for path, basis in wide.bases.items():
        if path.component is not Component.UNET or not all(basis.core_shape):
            continue
        updates = [_update(style, subspace, path) for style in styles.values()]
        cores = [
            torch.zeros(basis.core_shape) if layer is None else project(canonical(layer), basis)
            for layer in updates
        ]
        out, into = basis.out, basis.into
        found[path] = StackedUpdate(
            out.to(device), into.to(device), torch.stack(cores).to(device),
            out.new_zeros(out.shape[0], 0).to(device), into.new_zeros(0, into.shape[0]).to(device),
            torch.zeros(0, dtype=torch.long, device=device),
        )  # fmt: skip
    return found, list(styles)


def _style(request: TeachRequest, wide: Subspace, result: Taught, pictures: PictureSet) -> Style:
    def kept(path: ModulePath, cores: Tensor) -> KeptCore:
        return keep_core(cores[0].cpu(), 0, wide.bases[path].numbers)

    learnt, held = len(pictures.learnt), len(pictures.held)
    gain = 1.0 - result.after / result.base
    told = (
        f"{learnt} pictures, {held} held out; held-out error {result.base:.4f} without the style, "
        f"{result.before:.4f} at the start, {result.after:.4f} now ({gain:.1%} less)"
    )
    return Style(
        name=request.name,
        cores=KeptCores({path: kept(path, update.cores) for path, update in result.updates.items()}),
        subspace=wide.hash,
        fidelity=Fidelity(1.0, "", 1.0, 0, 0),
        trigger_words=(request.wording.trigger,),
        residuals=KeptResiduals({}),
        notes={TEACHING: told},
    )


def _place(bench: Bench, wide: Subspace, request: TeachRequest, pictures: PictureSet) -> Path:
    """The cache of this very teaching: another one begins anew."""
    told = [wide.hash, request.name, astuple(request.settings), request.mirrors]
    told += [(one.sha256, one.caption, one.held_out) for one in pictures.pictures]
    return bench.library.root / "cache" / "teaching" / hashlib.sha256(repr(told).encode()).hexdigest()[:24]
