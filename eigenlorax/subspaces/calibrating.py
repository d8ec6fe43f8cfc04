"""The styles of the open subspace learn from the LoRAs they came from, a few at a time."""

import hashlib
import shutil
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from eigenlorax.errors import InvalidRequestError, UnknownStyleError
from eigenlorax.events import retold
from eigenlorax.library.reached import load_reached, save_reached
from eigenlorax.lora import LoRA
from eigenlorax.runtime.live import LiveInjection
from eigenlorax.runtime.stacking import stack_layers, stack_styles
from eigenlorax.subspace.merge import Part
from eigenlorax.subspace.peers import users, with_peers
from eigenlorax.subspace.style import CALIBRATION, Style
from eigenlorax.subspaces.bench import Bench
from eigenlorax.training.calibrate import (
    Calibrated,
    CalibrationProgress,
    CalibrationSettings,
    Prompts,
    calibrate,
)
from eigenlorax.training.lesson import subjects
from eigenlorax.training.outcome import learnt_styles, measured
from eigenlorax.training.predictor import SMALL_SIDE, Predictor

#: On a GPU a small model waits for its launches, so that many rows cost what few do.
_TOGETHER = {"cpu": 4, "cuda": 32}
_USUAL = CalibrationSettings()


@dataclass(frozen=True)
class CalibratedStyles:
    """What calibration has done.

    Attributes:
        distances: Style -> distance of its predictions to its LoRA's, relative to the bare base's, on
            subjects and noise that it did not learn from: (before, after).
        skipped: Style -> why it did not learn.
    """

    distances: Mapping[str, tuple[float, float]]
    skipped: Mapping[str, str]


def calibrated(
    bench: Bench, names: Sequence[str] | None = None, settings: CalibrationSettings = _USUAL
) -> Generator[CalibrationProgress, None, CalibratedStyles]:
    """Let styles learn to predict what their LoRAs predict, and open the version in which they do.

    Cores and private ranks learn; the shared columns stay, so no other style changes. Holds the studio's
    lock, since the model is at work throughout. Closing the generator keeps the open version; what was
    learnt so far lies in the cache, and the same call goes on from there.

    Args:
        bench: The open studio.
        names: Styles; by default all.
        settings: How long and how fast.

    Yields:
        Progress over all styles.

    Raises:
        InvalidRequestError: there is no subspace, or no style whose LoRA is at hand.
        UnknownStyleError: a name is none of the subspace's styles.
        NotWrittenError: the disk refused; the open version stays.
    """
    settings.check_ranges()
    with bench.lock:
        part = bench.open_now()
        if unknown := sorted(set(names or ()) - part.styles.keys()):
            raise UnknownStyleError(
                f"no style named {unknown[0]}; there are {', '.join(sorted(part.styles))}"
            )
        chosen = [part.styles[name] for name in dict.fromkeys(names or part.styles)]
        loras = {style.name: lora for style in chosen if (lora := bench.original(style)) is not None}
        skipped = {style.name: "its LoRA is not at hand" for style in chosen if style.name not in loras}
        learning = [style for style in chosen if style.name in loras]
        if not learning:
            raise InvalidRequestError("no style has its LoRA in the library: import the LoRAs first")
        groups = list(_groups(learning, bench.engine.base.native_size, bench.engine.device.type))
        made = dict(part.styles)
        distances: dict[str, tuple[float, float]] = {}
        place = _place(bench, part, settings)
        for number, group in enumerate(groups):
            result = yield from _group(bench, part, group, loras, settings, place, (number, len(groups)))
            found = zip(group, result.before, result.after, strict=True)
            distances |= {style.name: (before, after) for style, before, after in found}
            _, learnt = learnt_styles(part.subspace, group, result.updates)
            for style in learnt:
                near = measured(style, part.subspace, loras[style.name])
                made[style.name] = _noted(near, *distances[style.name], settings)
        importance = bench.engine.facts.importance(part.subspace.bases)
        sharers = users(made)
        for name in distances:
            told = with_peers(made[name], loras[name], part.subspace, importance, sharers)
            made[name] = replace(made[name], fidelity=told)
        bench.swap(part.subspace, made)
        shutil.rmtree(place, ignore_errors=True)
    return CalibratedStyles(distances, skipped)


def _groups(styles: Sequence[Style], side: int, device: str) -> Iterator[list[Style]]:
    together = _TOGETHER.get(device, 4) if side <= SMALL_SIDE else 1
    for start in range(0, len(styles), together):
        yield list(styles[start : start + together])


def _group(
    bench: Bench,
    part: Part,
    group: Sequence[Style],
    loras: Mapping[str, LoRA],
    settings: CalibrationSettings,
    place: Path,
    turn: tuple[int, int],
) -> Generator[CalibrationProgress, None, Calibrated]:
    """One group learns; its state is kept at every measurement, and taken up if it was kept before."""
    engine = bench.engine
    engine.wear_nothing()
    originals = [loras[style.name].layers for style in group]
    start = stack_styles(part.subspace, group, engine.device)
    teacher = stack_layers(originals, engine.device)
    prompts = [_prompts(style, engine.base.folder) for style in group]
    names = ", ".join(style.name for style in group)
    path = place / f"{hashlib.sha256(names.encode()).hexdigest()[:16]}.safetensors"

    def tell(event: CalibrationProgress) -> CalibrationProgress:
        if event.reached is not None:
            save_reached(event.reached, path)
        done, total = turn[0] * event.total + event.done, turn[1] * event.total
        return replace(event, done=done, total=total, what=f"{names}: {event.what}")

    with LiveInjection(engine.base.modules) as live:
        predictor = Predictor(engine.base.pipeline, live, engine.base.native_size)
        going = calibrate(predictor, teacher, start, prompts, settings, reached=load_reached(path))
        with predictor.sparing():
            return (yield from retold(going, tell))


def _prompts(style: Style, model: Path | None) -> Prompts:
    ending = "".join(f", {word}" for word in style.trigger_words[:1])
    learnt, held = subjects(model)
    return Prompts([word + ending for word in learnt], [word + ending for word in held])


def _noted(style: Style, before: float, after: float, settings: CalibrationSettings) -> Style:
    words = (
        f"{settings.steps} steps; distance to the LoRA's predictions {before:.3f} before, {after:.3f} after"
    )
    fidelity = replace(style.fidelity, distance_before=before, distance_after=after)
    return replace(style, fidelity=fidelity, notes={**style.notes, CALIBRATION: words})


def _place(bench: Bench, part: Part, settings: CalibrationSettings) -> Path:
    """The cache of this very calibration: another one begins anew."""
    told = [part.subspace.hash, astuple(settings)]
    told += [(s.name, s.source_sha256, s.fidelity.energy_kept, s.trigger_words) for s in part.styles.values()]
    return bench.library.root / "cache" / "calibration" / hashlib.sha256(repr(told).encode()).hexdigest()[:24]
