"""How fast a folder of LoRAs in place is listed: cold, warm, and when nothing but a little has changed.

    python -m tests.benchmarks.library_scan [--files 500] [--tables 8] [--json FILE]

Files have the keys of a full-size SDXL LoRA (kohya's sgm names, UNet and both text encoders, 2,958 tensors),
lie in nested folders with previews and sidecars beside them, and are sparse: holes of zeros. A collection has
some tables of tensors, those of the ranks that its trainers use: `--tables` says how many; with as many as
files no two are alike. Cold is without any cache of ours, in a process that has listed nothing; warm is a new
process with the cache. The system's own cache of files is warm in both. The peer is reading the same headers
with safetensors' `safe_open`, nothing judged and no sidecar read.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors import safe_open

from eigenlorax.events import drain
from eigenlorax.formats.read import LoRAReader
from eigenlorax.library.folders import find
from eigenlorax.library.library import Library
from eigenlorax.originals import Originals
from tests import headers
from tests.benchmarks.reading import shapes

_FOLDERS = ("styles", "characters", "objects/small", "")


def make(root: Path, files: int, tables: int) -> None:
    """An A1111 folder of `files` LoRAs that share `tables` tables of tensors, two thirds with a sidecar."""
    layout = headers.sdxl_layout()
    (root / "webui.py").write_text("")
    kinds = [shapes(layout, 4 + number) for number in range(tables)]
    for number in range(files):
        folder = root / "models" / "Lora" / _FOLDERS[number % len(_FOLDERS)]
        folder.mkdir(parents=True, exist_ok=True)
        metadata = {"ss_output_name": f"style {number}", "modelspec.trigger_phrase": f"word {number}"}
        path = headers.write(folder / f"style-{number:05d}.safetensors", kinds[number % tables], metadata)
        if number % 3:
            note = {"activation text": f"trigger {number}", "preferred weight": 0.7}
            path.with_suffix(".json").write_text(json.dumps(note))


def listed(data: Path, root: Path) -> dict[str, float]:
    """Seconds of one listing in this process, the model's own loading left out."""
    layout = headers.sdxl_layout()
    reader = LoRAReader(layout, lambda _: torch.empty(0))
    started = time.perf_counter()
    originals = Originals(Library(data), reader, "benchmark")
    if root not in originals.folders.roots():
        originals.folders.approve(root)
    drain(originals.scan())
    first = time.perf_counter()
    found = originals.listings()
    again = time.perf_counter()
    if not all(listing.usable for listing in found):
        raise SystemExit("a file of the benchmark is not usable")
    return {"files": len(found), "scan_s": first - started, "list_s": again - first}


def peer(root: Path) -> float:
    """Seconds for the keys and metadata of all files by safetensors itself."""
    paths = [seen.path for seen in find(root).files]
    started = time.perf_counter()
    for path in paths:
        with safe_open(path, framework="pt") as file:
            list(file.keys())
            file.metadata()
    return time.perf_counter() - started


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--tables", type=int, default=8)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--once", type=Path, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        print(json.dumps(listed(*arguments.once)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        data, root = Path(scratch) / "data", (Path(scratch) / "webui").resolve()
        root.mkdir()
        make(root, arguments.files, arguments.tables)
        command = [sys.executable, "-m", "tests.benchmarks.library_scan", "--once", str(data), str(root)]

        def once() -> dict[str, float]:
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            result: dict[str, float] = json.loads(told)
            return result

        cold, warm = once(), once()
        changed = sorted(root.rglob("*.json"))[:5]
        for path in changed:
            path.write_text(json.dumps({"activation text": "changed"}))
        result = {
            "files": arguments.files, "tables": arguments.tables, "cold": cold, "warm": warm,
            "five_sidecars_changed": once(), "safe_open_s": peer(root),
        }  # fmt: skip
    print(f"{arguments.files} LoRAs, {arguments.tables} different tables of tensors")
    for name in ("cold", "warm", "five_sidecars_changed"):
        print(f"{name:<22} scan {result[name]['scan_s']:6.2f} s   list again {result[name]['list_s']:6.3f} s")
    print(f"{'safe_open, not judged':<22}      {result['safe_open_s']:6.2f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
