"""Time and memory of a fit as the collection grows, on modules of the full-size SDXL.

    python -m tests.benchmarks.scaling [--counts 5 20 100 500] [--every] [--files N] [--device cpu] [--json FILE]

LoRAs of rank 32 over 986 modules (228 MB each in fp16), 30% of their energy in 16 common columns, compressed 18
times. One module of each shape is fitted, and its time taken as often as SDXL has that shape: modules are
fitted one after another. `--every` fits all of them and extrapolates nothing. Seconds are those of the processor,
by default of one thread, so that a busy machine tells the same as an idle one. The peak is that of the whole
process, libraries included. What grows with the number of modules is given beside it for all of them: the
result, in stored form as a fit gives it back. `--files` writes LoRAs as safetensors files (every module) into a
temporary folder and streams them from there through the reader.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import torch

from eigenlorax.formats.read import LoRAReader
from eigenlorax.formats.stream import Entry, in_file_order, write_stream
from eigenlorax.lora import LoRA
from eigenlorax.module_path import Component, ModelLayout, ModulePath
from eigenlorax.subspace.fit import Fit, Goal, fit
from tests import headers
from tests.benchmarks.full_size import collection, linear_layout, one_of_each_shape

RANK = 32
SHARED = 0.3
RATIO = 18
_PREFIX = {
    Component.UNET: "unet.",
    Component.TEXT_ENCODER: "text_encoder.",
    Component.TEXT_ENCODER_2: "text_encoder_2.",
}


def timed(loras: list[LoRA], goal: Goal, device: torch.device) -> tuple[Fit, dict[ModulePath, float]]:
    """The fit, and the seconds of each module: its norms and both passes; allocation counts with the first."""
    seconds = dict.fromkeys(loras[0].layers, 0.0)
    for path in seconds:
        started = time.process_time()
        for lora in loras:
            _ = lora.layers[path].norm  # what the fit does first, for all modules before it tells of one
        seconds[path] = time.process_time() - started
    norms = sum(seconds.values())
    steps, last = fit(loras, {}, "", goal, device=device), time.process_time() + norms
    while True:
        try:
            progress = next(steps)
        except StopIteration as end:
            return end.value, seconds
        now = time.process_time()
        seconds[progress.module] += now - last
        last = now


def result_bytes(result: Fit, counts: Mapping[ModulePath, int]) -> int:
    """Bytes of all cores and residuals in memory when every module is there as often as its shape."""
    kept = [
        each.items()
        for projection in result.projections.values()
        for each in (projection.cores.kept, projection.residuals.kept)
    ]
    return sum(counts[path] * form.nbytes for items in kept for path, form in items)


def whole_bytes(layout: ModelLayout, counts: Mapping[ModulePath, int], rank: int) -> int:
    """fp16 bytes of one LoRA."""
    return sum(2 * rank * sum(layout[path].matrix) * count for path, count in counts.items())


def measure(count: int, every: bool, device: str, folder: Path | None) -> dict[str, float]:
    """One fit in this process."""
    layout = linear_layout()
    counts = dict.fromkeys(layout, 1) if every else one_of_each_shape(layout)
    loras = collection(layout, list(counts), count, RANK, SHARED)
    if folder:
        reader = LoRAReader(headers.sdxl_layout(), lambda _: torch.empty(0))
        loras = [reader.open(path) for path in sorted(folder.glob("*.safetensors"))]
    once = dict.fromkeys(counts, 1)
    goal = Goal(number_bytes=count * whole_bytes(layout, once, RANK) // RATIO)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    started = time.process_time()
    result, seconds = timed(loras, goal, torch.device(device))
    return {
        "loras": count,
        "modules": len(counts),
        "measured_seconds": time.process_time() - started,
        "seconds_for_all": sum(seconds[path] * counts[path] for path in counts),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "start_bytes": before,
        "result_bytes_for_all": result_bytes(result, counts),
        "kept": result.subspace.retain,
    }


def write_files(folder: Path, count: int) -> None:
    """LoRAs of every module in diffusers' spelling, fp16, written one tensor at a time."""
    layout = linear_layout()
    for lora in collection(layout, list(layout), count, RANK, SHARED):
        entries, homes = [], {}
        for path, shape in layout.items():
            out, into = shape.matrix
            for side, size in (("lora_A", (RANK, into)), ("lora_B", (out, RANK))):
                name = f"{_PREFIX[path.component]}{path.name}.{side}.weight"
                homes[name] = path, side
                entries.append(Entry(name, torch.float16, size))

        def tensor(name: str, homes=homes, layers=lora.layers) -> torch.Tensor:
            path, side = homes[name]
            return layers[path].down if side == "lora_A" else layers[path].up

        write_stream(folder / f"{lora.name}.safetensors", in_file_order(entries), {}, tensor)


def main() -> None:
    """Measure each count in a process of its own, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[5, 20, 100, 500])
    parser.add_argument("--every", action="store_true", help="fit every module")
    parser.add_argument("--files", type=int, help="stream this many LoRAs from files instead")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="more are quicker, and count as more seconds")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.one:
        print(json.dumps(measure(given.one, given.every, given.device, given.folder)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        if given.files:
            write_files(Path(folder), given.files)
        for count in [given.files] if given.files else given.counts:
            command = [sys.executable, "-m", "tests.benchmarks.scaling", "--one", str(count), "--device", given.device, "--threads", str(given.threads)]  # fmt: skip
            command += ["--every"] * (given.every or bool(given.files))
            command += ["--folder", folder] if given.files else []
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            rows.append(found | {"from_files": bool(given.files), "device": given.device})
            print(
                f"N {count:4}: {found['modules']:.0f} modules in {found['measured_seconds']:6.1f} s, "
                f"all 986 in {found['seconds_for_all']:7.0f} s; peak {found['peak_bytes'] / 1e6:6.0f} MB "
                f"({found['start_bytes'] / 1e6:.0f} at the start); result of all {found['result_bytes_for_all'] / 1e6:.0f} MB; "
                f"keeps {found['kept']:.3f}",
                flush=True,
            )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
