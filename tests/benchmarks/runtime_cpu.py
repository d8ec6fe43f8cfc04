"""What styles cost a step of the demo model on this CPU, beside plain diffusers.

    python -m tests.benchmarks.runtime_cpu [--rounds 12] [--steps 8] [--json FILE]

One process; in every round each case draws a picture with guidance (a batch of 2) beside one that plain diffusers
draws, now before and now after it, so that whatever else the machine does meets both alike. A picture's figure is
the median time from one step to the next, the ratio that of the two. Told are medians over the rounds, of wall time
and of this process's CPU time, which other programs disturb less.

Plain diffusers is StableDiffusionXLPipeline's own loop. Bar: merged within 5% of it, whatever the number of styles.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import torch

from eigenlorax.events import drain
from eigenlorax.home import DEMO_LORAS, DEMO_MODEL
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.hardware import processor
from eigenlorax.runtime.options import LoadOptions, Mode
from eigenlorax.runtime.paint import Step
from eigenlorax.runtime.sdxl import load_base
from eigenlorax.studio import Studio

BLENDS = (0, 1, 3, 10)
PLAIN = "plain diffusers"
#: Wall seconds and this process's CPU seconds.
Moment = tuple[float, float]


def now() -> Moment:
    """Both clocks."""
    return time.perf_counter(), time.process_time()


def plain_steps(request: GenerationRequest) -> Callable[[], list[Moment]]:
    """A picture drawn by diffusers' own loop; gives the moments after its steps."""
    pipeline = load_base(str(DEMO_MODEL), processor()).pipeline

    def draw() -> list[Moment]:
        moments: list[Moment] = []

        def noted(
            _pipeline: object, _index: int, _timestep: object, kwargs: dict[str, object]
        ) -> dict[str, object]:
            moments.append(now())
            return kwargs

        pipeline(
            request.prompt, num_inference_steps=request.steps, guidance_scale=request.guidance,
            width=request.width, height=request.height, output_type="latent", callback_on_step_end=noted,
            generator=torch.Generator().manual_seed(request.seed),
        )  # fmt: skip
        return moments

    return draw


def our_steps(studio: Studio, request: GenerationRequest) -> Callable[[], list[Moment]]:
    """A picture drawn by the app; gives the moments after its steps."""
    return lambda: [now() for event in studio.easel.styled(request) if isinstance(event, Step)]


def between(moments: list[Moment]) -> Moment:
    """Median milliseconds from one step to the next, by both clocks."""
    pairs = list(pairwise(moments))
    wall, cpu = (1000.0 * statistics.median(b[clock] - a[clock] for a, b in pairs) for clock in (0, 1))
    return wall, cpu


def cases(folder: Path, steps: int) -> Iterator[tuple[str, Callable[[], list[Moment]]]]:
    """Every case by name, plain diffusers first."""
    studios = {Mode.MERGED: Studio(str(DEMO_MODEL), folder, options=LoadOptions(mode=Mode.MERGED))}
    side = studios[Mode.MERGED].base.native_size
    request = GenerationRequest("a red apple", seed=1, steps=steps, guidance=5.0, width=side, height=side)
    yield PLAIN, plain_steps(request)
    names = sorted(path.stem for path in DEMO_LORAS.glob("*.safetensors"))[: max(BLENDS)]
    drain(studios[Mode.MERGED].subspaces.compress(names))
    studios[Mode.LIVE] = Studio(str(DEMO_MODEL), folder, options=LoadOptions(mode=Mode.LIVE))
    for mode, studio in studios.items():
        for count in BLENDS:
            blend = dict.fromkeys(names[:count], 1.0 / max(1, count))
            told = f"{count} style{'s' if count != 1 else ''}"
            yield (
                f"{mode}, {told}",
                our_steps(studio, GenerationRequest(**{**vars(request), "styles": blend})),
            )


def _median(figures: list[Moment], clock: int) -> float:
    return statistics.median(figure[clock] for figure in figures)


def measure(rounds: int, steps: int) -> dict[str, dict[str, float]]:
    """Case -> wall_ms, cpu_ms, wall_ratio, cpu_ratio: medians over rounds."""
    with tempfile.TemporaryDirectory() as scratch:
        draws = dict(cases(Path(scratch), steps))
        for draw in draws.values():
            draw()
        plain = draws.pop(PLAIN)
        # Each beside a picture of plain diffusers' own, now before and now after it.
        pairs: dict[str, list[tuple[Moment, Moment]]] = {name: [] for name in draws}
        for turn in range(rounds):
            for name, draw in draws.items():
                first, second = (between(one()) for one in ((plain, draw) if turn % 2 else (draw, plain)))
                pairs[name].append((first, second) if turn % 2 else (second, first))
    bares = [bare for found in pairs.values() for bare, _ in found]
    table = {
        PLAIN: {
            "wall_ms": _median(bares, 0),
            "cpu_ms": _median(bares, 1),
            "wall_ratio": 1.0,
            "cpu_ratio": 1.0,
        }
    }
    for name, found in pairs.items():
        own, ratios = [own for _, own in found], [(a / c, b / d) for (c, d), (a, b) in found]
        table[name] = {
            "wall_ms": _median(own, 0), "cpu_ms": _median(own, 1),
            "wall_ratio": _median(ratios, 0), "cpu_ratio": _median(ratios, 1),
        }  # fmt: skip
    return table


def main() -> None:
    """Print a table; write JSON where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    table = measure(args.rounds, args.steps)
    print(
        f"demo model on {processor().name}, {args.rounds} rounds of {args.steps} steps, {max(BLENDS)} LoRAs compressed\n"
    )
    print(
        "| case | step, ms | of plain diffusers | CPU time, ms | of plain diffusers |\n|---|---|---|---|---|"
    )
    for name, row in table.items():
        print(
            f"| {name} | {row['wall_ms']:.1f} | {row['wall_ratio']:.3f} | {row['cpu_ms']:.1f} | {row['cpu_ratio']:.3f} |"
        )
    if args.json:
        args.json.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
