"""What one process or several of a crew learn on the tiny model: `... -m tests.training.crew_case OUT`."""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from eigenlorax.events import drain
from eigenlorax.runtime.hardware import processor
from eigenlorax.runtime.live import LiveInjection, StackedUpdate
from eigenlorax.runtime.sdxl import load_base
from eigenlorax.training.crew import Crew, enlisted
from eigenlorax.training.descent import Pace, Reached, descend, eager
from eigenlorax.training.predictor import Predictor
from eigenlorax.training.shown import Asked, Captioned, Schedule, Shown, squared_errors
from eigenlorax.training.student import Student
from tests import tiny

#: Two processes cannot share them evenly.
ROWS = 5
PACE = Pace(steps=6, rate=0.05, check=2)


def learn(crew: Crew, folder: Path, *, weighted: bool = True) -> Reached:
    """Teach random cores on random latents.

    Args:
        crew: Who teaches.
        folder: The tiny model.
        weighted: Whether uneven shares count by their rows, as they must.
    """
    base = load_base(str(folder), processor())
    chance = torch.Generator().manual_seed(3)
    start, scales = {}, {}
    for path, layer in tiny.lora(base.layout, "frames", 3).layers.items():
        out, into = torch.linalg.qr(layer.up)[0], torch.linalg.qr(layer.down.mT)[0]
        cores = 0.05 * torch.randn(1, 3, 3, generator=chance)
        none = torch.zeros(0, dtype=torch.long)
        start[path] = StackedUpdate(
            out, into, cores, out.new_zeros(len(out), 0), into.new_zeros(0, len(into)), none
        )
        scales[path, "cores"] = torch.ones_like(cores)
    student = Student(start, scales)
    with LiveInjection(base.modules) as live:
        predictor = Predictor(base.pipeline, live, tiny.SIDE)
        words, schedule = Captioned(predictor, "ab"), Schedule.of(base.pipeline)

        def asked(step: int, rows: slice) -> Asked:
            chance = torch.Generator().manual_seed(step)
            latents = torch.randn(ROWS, 4, 8, 8, generator=chance)
            times = torch.randint(1000, (ROWS,), generator=chance)
            whole = schedule.ask(Shown(latents, tuple("ababa"), torch.full((ROWS, 6), 64.0)), times, chance)
            return Asked(
                whole.latents[rows], whole.timesteps[rows], whole.target[rows], whole.weight[rows],
                whole.captions[rows], whole.sizes[rows],
            )  # fmt: skip

        def loss_at(step: int) -> torch.Tensor:
            rows = crew.share(ROWS)
            errors = squared_errors(predictor, words, asked(step, rows), student.updates(), torch.ones(1, 1))
            return (crew.weight(ROWS) if weighted else 1.0) * errors.mean()

        @torch.no_grad()
        def measure(updates: dict) -> tuple[float, ...]:  # type: ignore[type-arg]
            held = asked(-1, slice(None))
            errors = squared_errors(predictor, words, held, updates, torch.ones(1, 1))
            return (float(errors.mean()) + crew.index,)  # the first one's figure must hold for all

        return drain(descend(student, eager(loss_at), measure, PACE, half=False, crew=crew))


def _main(folder: Path, out: Path) -> None:
    torch.set_num_threads(1)
    with enlisted() as crew:
        for name, weighted in (("crew", True), ("unweighted", False)):
            reached = learn(crew, folder, weighted=weighted)
            tensors = {f"now.{place}": z for place, z in enumerate(reached.now)}
            tensors["found"] = torch.tensor([*reached.distances, *reached.before], dtype=torch.float64)
            save_file(tensors, out / f"{name}.{crew.index}.safetensors")


if __name__ == "__main__":
    _main(*map(Path, sys.argv[1:]))
