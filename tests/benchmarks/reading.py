"""How fast a collection is scanned, and how much memory reading one file takes.

    python -m tests.benchmarks.reading [--files 500] [--json FILE]

Files have the keys of a full-size SDXL LoRA (kohya's sgm names, UNet and both text encoders, 2,958 tensors)
and are sparse: holes of zeros, so that 500 files of 200 MB take no disk. The peer for scanning is reading the
same headers with safetensors' own `safe_open`; for memory, the float32 factors that reading must give.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors import safe_open

from eigenlorax.formats.read import LoRAReader
from eigenlorax.formats.sgm import sgm_names
from eigenlorax.module_path import Component, ModelLayout
from tests import headers

RANK = 28
_PREFIX = {
    Component.UNET: "lora_unet_",
    Component.TEXT_ENCODER: "lora_te1_",
    Component.TEXT_ENCODER_2: "lora_te2_",
}


def shapes(layout: ModelLayout, rank: int) -> dict[str, tuple[int, ...]]:
    """Tensor name -> shape of a LoRA over every Linear of the layout, in kohya's sgm names."""
    sgm = sgm_names(path.name for path in layout if path.component is Component.UNET)
    found: dict[str, tuple[int, ...]] = {}
    for path, shape in layout.items():
        is_kept = path.component is not Component.UNET or "attentions" in path.name
        if shape.kernel == (3, 3) or not is_kept or path.name == "text_projection":
            continue
        name = sgm.get(path.name, path.name) if path.component is Component.UNET else path.name
        stem = _PREFIX[path.component] + name.replace(".", "_")
        found[f"{stem}.lora_down.weight"] = (rank, shape.in_features)
        found[f"{stem}.lora_up.weight"] = (shape.out_features, rank)
        found[f"{stem}.alpha"] = ()
    return found


def scan(reader: LoRAReader, paths: list[Path]) -> float:
    """Seconds for the reports of all files from their headers."""
    started = time.perf_counter()
    for path in paths:
        report = reader.scan(path)
        if not report.usable:
            raise SystemExit(f"{path}: {report.reason}")
    return time.perf_counter() - started


def peer(paths: list[Path]) -> float:
    """Seconds for the keys of all files by safetensors itself, nothing judged."""
    started = time.perf_counter()
    for path in paths:
        with safe_open(path, framework="pt") as file:
            list(file.keys())
            file.metadata()
    return time.perf_counter() - started


def peak_of_reading(path: Path) -> dict[str, float]:
    """Read every layer of one file and keep them; memory above what the program had before, in bytes."""
    reader = LoRAReader(headers.sdxl_layout(), lambda _: torch.empty(0))
    reader.scan(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    lora = reader.open(path)
    layers = {module: lora.layers[module] for module in lora.layers}
    factors = sum(4 * (layer.up.numel() + layer.down.numel()) for layer in layers.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    return {"factors_bytes": factors, "peak_bytes": peak, "ratio": peak / factors}


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peak-of", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak_of:
        print(json.dumps(peak_of_reading(arguments.peak_of)))
        return
    layout = headers.sdxl_layout()
    with tempfile.TemporaryDirectory() as folder:
        names = shapes(layout, RANK)
        paths = []
        for number in range(arguments.files):
            metadata = {"ss_output_name": f"style {number}", "ss_network_dim": str(RANK)}
            paths.append(headers.write(Path(folder) / f"style-{number:04d}.safetensors", names, metadata))
        reader = LoRAReader(layout, lambda _: torch.empty(0))
        ours, theirs = scan(reader, paths), peer(paths)
        command = [sys.executable, "-m", "tests.benchmarks.reading", "--peak-of", str(paths[0])]
        memory = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        size = paths[0].stat().st_size
    result = {"files": len(paths), "bytes_each": size, "tensors_each": len(names), "scan_s": ours,
              "safe_open_s": theirs, **memory}  # fmt: skip
    print(f"scan of {len(paths)} files of {size / 1e6:.0f} MB, {len(names)} tensors each: {ours:.2f} s")
    print(f"the same headers by safetensors' safe_open, nothing judged: {theirs:.2f} s")
    print(
        f"reading one file: peak {memory['peak_bytes'] / 1e6:.0f} MB = {memory['ratio']:.2f} x its float32 factors"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
