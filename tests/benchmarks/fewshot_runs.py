"""One run of the few-shot comparison: a contender learns a style; TEST is taken beside it and decides nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from eigenlorax.runtime.graph import Recorder
from eigenlorax.runtime.hardware import synchronize
from eigenlorax.training.teach_settings import TeachSettings
from tests.benchmarks.fewshot_contenders import Contender, Learnt, learning
from tests.benchmarks.fewshot_drawing import draw
from tests.benchmarks.fewshot_ground import Ground

Row = dict[str, Any]
#: fp16 numbers on disk; Adam's two float32 moments.
_STORED, _MOMENTS = 2, 8


@dataclass(frozen=True)
class Run:
    """What is to be done.

    Attributes:
        folder: Of the style's pictures, with `train` and `test`.
        shots: Pictures, of which some are held out.
        seed: Of their choice, their order, and all noise.
    """

    contender: Contender
    folder: Path
    shots: int
    seed: int
    rate: float

    @property
    def key(self) -> str:
        """Names the run in files."""
        return f"{self.contender.name} | {self.folder.name} | {self.shots} | {self.seed} | {self.rate:g}"


def perform(
    ground: Ground,
    run: Run,
    given: TeachSettings,
    recorder: Recorder | None = None,
    pictures: Path | None = None,
    subjects: Mapping[str, str] | None = None,
) -> Row:
    """Run, and tell all that is to be known of it.

    Args:
        ground: The base and the donors.
        run: What to do.
        given: Settings of all contenders.
        recorder: Of CUDA graphs.
        pictures: Folder for what is drawn with the kept style; None draws nothing.
        subjects: Caption without trigger -> subject, of what may be drawn.
    """
    settings = replace(given, seed=run.seed, rate=run.rate)
    device = ground.base.device
    exam = ground.examination(run.folder)
    material = ground.lesson(run.folder, run.shots, run.seed, settings.rows)
    curve: list[list[Any]] = []
    seconds = 0.0
    ground.live.eject()
    with learning(ground, material, run.contender, settings, recorder) as going:
        synchronize(device)
        began = perf_counter()
        while True:
            try:
                point = next(going)
            except StopIteration as end:
                learnt: Learnt = end.value
                break
            synchronize(device)
            seconds += perf_counter() - began
            curve.append([point.spent, seconds, point.held, exam.error(point.updates)])
            synchronize(device)
            began = perf_counter()
        synchronize(device)
        seconds += perf_counter() - began
        curve[0][2] = learnt.before if curve[0][2] is None else curve[0][2]
        kept = min(curve, key=lambda point: point[2])
        row: Row = {
            "key": run.key, "contender": run.contender.name, "form": run.contender.form,
            "style": run.folder.name, "shots": run.shots, "seed": run.seed, "rate": run.rate,
            "numbers": learnt.numbers, "bytes": _STORED * learnt.numbers,
            "optimizer_bytes": _MOMENTS * learnt.numbers, "start": dict(learnt.start),
            "base_test": exam.base, "curve": curve, "seconds": seconds,
            "kept": {"step": kept[0], "seconds": kept[1], "held": kept[2], "test": exam.error(learnt.updates)},
        }  # fmt: skip
        if pictures is not None and subjects is not None:
            row["drawn"] = draw(ground, learnt.updates, exam.captions, subjects, pictures, run.key)
    return row


def rows_of(path: Path) -> list[Row]:
    """What a JSON-lines file holds; a last line that was cut off is as if it had not been."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1] if line.strip()]
