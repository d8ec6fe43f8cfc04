"""Workers of the few-shot comparison: each loads the base once and takes runs from one list."""

import gc
import json
import multiprocessing
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from time import perf_counter

import torch

from eigenlorax.home import DEMO_MODEL
from eigenlorax.runtime.graph import CudaRecorder
from eigenlorax.runtime.hardware import Hardware, detect, release_cache
from eigenlorax.runtime.sdxl import load_base
from eigenlorax.training.teach_settings import TeachSettings
from tests.benchmarks.fewshot_ground import LORAS, Ground
from tests.benchmarks.fewshot_runs import Row, Run, perform, rows_of


@dataclass(frozen=True)
class Work:
    """What every worker is told.

    Attributes:
        settings: Of all contenders.
        graph: Whether steps are recorded as CUDA graphs.
        latents: Folder of encoded pictures.
        pictures: Folder for what is drawn; None draws nothing.
        subjects: Caption -> subject.
    """

    settings: TeachSettings
    graph: bool = False
    latents: Path | None = None
    pictures: Path | None = None
    subjects: Mapping[str, str] | None = None


def open_ground(work: Work) -> Ground:
    """The demo model in float32 on the best device, with the demo LoRAs as donors."""
    found = detect()
    base = load_base(str(DEMO_MODEL), Hardware(found.device, torch.float32, found.name))
    return Ground.of(base, sorted(LORAS.glob("*.safetensors")), work.latents)


class _Worker:
    """Of this process."""

    ground: Ground
    work: Work


def _begin(work: Work, cards: "SimpleQueue[str]") -> None:
    if torch.cuda.device_count() > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = cards.get()
    torch.set_num_threads(1)
    _Worker.work, _Worker.ground = work, open_ground(work)


def _do(run: Run) -> Row:
    work = _Worker.work
    recorder = CudaRecorder() if work.graph else None
    row = perform(_Worker.ground, run, work.settings, recorder, work.pictures, work.subjects)
    gc.collect()  # recordings hold memory of the card, which all workers share
    release_cache(_Worker.ground.base.device)
    return row


def perform_all(
    runs: Sequence[Run], work: Work, out: Path, workers: int, limit: float = float("inf")
) -> list[Row]:
    """Do what a file does not hold yet, append each outcome to it, and say how far it is.

    Args:
        runs: In the order of their importance.
        work: The same for all.
        out: JSON lines.
        workers: Processes that share the device, or take turns over several.
        limit: Seconds after which no further run begins.

    Returns:
        Those of the runs that are done, in their order.
    """
    known = {row["key"]: row for row in rows_of(out)}
    waiting = [run for run in runs if run.key not in known]
    out.parent.mkdir(parents=True, exist_ok=True)
    print(f"{len(waiting)} of {len(runs)} runs to do with {workers} workers", flush=True)
    began = perf_counter()
    context = multiprocessing.get_context("spawn")
    cards: SimpleQueue[str] = context.SimpleQueue()
    for number in range(workers):
        cards.put(str(number % max(torch.cuda.device_count(), 1)))
    with (
        ProcessPoolExecutor(workers, context, _begin, (work, cards)) as pool,
        out.open("a", encoding="utf-8") as file,
    ):
        going = [pool.submit(_do, run) for run in waiting]
        done = stopped = 0
        try:
            for future in as_completed(going):
                if future.cancelled():
                    continue
                row, done = future.result(), done + 1
                known[row["key"]] = row
                file.write(json.dumps(row) + "\n")
                file.flush()
                left = (perf_counter() - began) / done * (len(waiting) - done)
                print(f"[{done}/{len(waiting)}] {told(row)}; {left / 60:.1f} min left", flush=True)
                if perf_counter() - began > limit and not stopped:
                    stopped = sum(one.cancel() for one in going)
                    print(f"time is up for {stopped} runs: start again to go on", flush=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [known[run.key] for run in runs if run.key in known]


def told(row: Row) -> str:
    """A run in one line."""
    kept, base = row["kept"], row["base_test"]
    return (
        f"{row['key']}: TEST {kept['test']:.4f} ({kept['test'] / base - 1:+.1%} to base) at {kept['step']:.0f} "
        f"of {row['curve'][-1][0]:.0f} steps, {row['seconds']:.1f} s"
    )
