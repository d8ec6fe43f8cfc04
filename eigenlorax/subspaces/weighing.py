"""Before the first fit: what does a change of each weight do to a picture? Bytes go where it matters."""

import hashlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import torch

from eigenlorax.events import retold
from eigenlorax.library.atomic import told
from eigenlorax.library.effects import FILE_NAME, load_effects, save_effects
from eigenlorax.library.library import Library
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.live import LiveInjection
from eigenlorax.training.lesson import draw_lesson, subjects
from eigenlorax.training.predictor import Predictor
from eigenlorax.training.sensitivity import measure_sensitivity

_PICTURES = 24
_ROWS = 4
_SEED = 0
#: Above this many parameters of the UNet a CPU takes hours for what a GPU does in a minute or two.
_CPU_PARAMETERS = 200_000_000


@dataclass(frozen=True)
class Weighing:
    """One more picture is drawn, or asked about."""

    done: int
    total: int
    what: str = "effect of each weight on a picture"


def effects_path(engine: Engine, library: Library) -> Path:
    """Where the figures of this very base are kept once they are measured."""
    norms = engine.facts.fingerprint(sorted(engine.base.parameters)).norms.values()
    digest = hashlib.sha256(" ".join(f"{norm:.3g}" for norm in norms).encode()).hexdigest()
    return library.root / "cache" / "effects" / f"{digest[:24]}.json"


def take_up_effects(engine: Engine, library: Library) -> None:
    """Give the engine the figures that lie beside the model, or that were measured before.

    Raises:
        InvalidFileError: the file is damaged.
    """
    beside = None if engine.base.folder is None else engine.base.folder / FILE_NAME
    for path in (beside, effects_path(engine, library)):
        if path is not None and path.is_file():
            engine.facts.learn_effects(load_effects(path))
            return


def weighed(engine: Engine, library: Library) -> Generator[Weighing, None, None]:
    """Measure the effects and keep them, unless they are known or this machine would take hours.

    Yields:
        Progress; nothing when there is nothing to do.

    Raises:
        NotWrittenError: the disk refused.
    """
    unet = engine.base.pipeline.unet
    slow = engine.device.type == "cpu" and unet.num_parameters() > _CPU_PARAMETERS
    if engine.facts.knows_effects or slow:
        return
    engine.wear_nothing()
    words, _ = subjects(engine.base.folder)
    generator = torch.Generator().manual_seed(_SEED)
    order = torch.randperm(len(words), generator=generator).tolist()
    prompts = [(0, words[order[place % len(words)]]) for place in range(_PICTURES)]
    total = 3 * _PICTURES
    with LiveInjection({}) as live:
        predictor = Predictor(engine.base.pipeline, live, engine.base.native_size)
        drawing = draw_lesson(predictor, {}, prompts, 1, _ROWS, generator)
        lesson = yield from retold(drawing, lambda done: Weighing(done, total))
        measuring = measure_sensitivity(predictor, engine.base.modules, lesson, _ROWS, generator)
        effects = yield from retold(measuring, lambda done: Weighing(_PICTURES + done, total))
    engine.facts.learn_effects(effects)
    path = effects_path(engine, library)
    with told(path.parent):
        save_effects(effects, path)
