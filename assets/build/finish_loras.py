"""From trained LoRAs to what ships: strength, previews, sidecars, and the table of judge scores in their card.

    python assets/build/finish_loras.py scale --loras build-data/loras --names neon chalk --scale 0.85 --out DIR
    python assets/build/finish_loras.py dress --loras assets/demo/loras --scores scores.json

`scale` multiplies the up matrices (an author's choice of what strength 1 means); `dress` draws a preview of each
LoRA, writes its A1111 sidecar, and puts the scores into README.md between the two marks.
"""

import argparse
import hashlib
import json
from pathlib import Path

from lora_specs import SPECS
from safetensors import safe_open
from safetensors.torch import save

from eigenlorax.events import drain
from eigenlorax.formats.read import LoRAReader
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.generate import denoise
from eigenlorax.runtime.hardware import detect
from eigenlorax.runtime.sdxl import load_base

UP_ENDINGS = ("lora_up.weight", "lora.up.weight", "lora_B.weight")
MARKS = ("<!-- scores -->", "<!-- end of scores -->")
PREVIEW_SUBJECT = "a sailboat"


def scale_file(source: Path, target: Path, factor: float) -> None:
    """Write the LoRA with its update multiplied by `factor`, fp16, its hashes renewed."""
    with safe_open(source, framework="pt") as file:
        metadata = dict(file.metadata())
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - a file, not a mapping
    for name, tensor in tensors.items():
        if name.endswith(UP_ENDINGS):
            tensors[name] = (tensor.float() * factor).half()
    plain = save(tensors, {"format": "pt"})
    digest = hashlib.sha256(plain[8 + int.from_bytes(plain[:8], "little") :]).hexdigest()
    metadata["modelspec.hash_sha256"] = f"0x{digest}"
    if "sshs_model_hash" in metadata:
        metadata["sshs_model_hash"] = digest
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(save(tensors, metadata))


def dress(folder: Path, model: Path) -> None:
    """Draw previews and write sidecars for every LoRA of the folder."""
    base = load_base(str(model), detect())
    engine = Engine(base)
    reader = LoRAReader(base.layout, engine.facts.pristine)
    triggers = {spec.name: spec.trigger for spec in SPECS}
    for path in sorted(folder.glob("*.safetensors")):
        trigger = triggers[path.stem]
        engine.wear_lora(reader.open(path), 1.0)
        request = GenerationRequest(f"{PREVIEW_SUBJECT}, {trigger}", seed=11, steps=20, width=128, height=128)
        drain(denoise(base.pipeline, request)).save(path.with_suffix(".png"), optimize=True)
        sidecar = {
            "description": f"{path.stem} look for the demo model",
            "sd version": "SDXL",
            "activation text": trigger,
            "preferred weight": 1.0,
            "negative text": "",
            "notes": "",
        }
        path.with_suffix(".json").write_text(json.dumps(sidecar, indent=1) + "\n")
        print(path.stem, flush=True)


def table(folder: Path, scores: Path) -> str:
    """The scores of the shipped LoRAs in Markdown, weakest subject last."""
    found = json.loads(scores.read_text())
    found = found.get("looks", found)
    specs = {spec.look: spec for spec in SPECS if (folder / f"{spec.name}.safetensors").is_file()}
    lines = [
        "| LoRA | rank / alpha | modules | file | subject: generated / real | style: generated / real | quotients |",
        "|---|---|---|---|---|---|---|",
    ]
    for look in sorted(specs, key=lambda look: -found[look]["quotient"]["subject"]):
        spec, one = specs[look], found[look]
        made, real, part = one["generated"], one["real"], one["quotient"]
        modules = spec.modules + (" + text encoders" if spec.text else "")
        lines.append(
            f"| {spec.name} | {spec.rank} / {spec.alpha:g} | {modules} | {spec.dialect} "
            f"| {made['subject']:.2f} / {real['subject']:.2f} | {made['style']:.2f} / {real['style']:.2f} "
            f"| {part['subject']:.2f}, {part['style']:.2f} |"
        )
    one = found["all styles"]
    lines.append(
        f"| **pooled** | | | | {one['generated']['subject']:.2f} / {one['real']['subject']:.2f} "
        f"| {one['generated']['style']:.2f} / {one['real']['style']:.2f} "
        f"| **{one['quotient']['subject']:.2f}, {one['quotient']['style']:.2f}** |"
    )
    return "\n".join(lines)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    scaling = commands.add_parser("scale")
    scaling.add_argument("--loras", type=Path, required=True)
    scaling.add_argument("--names", nargs="+", required=True)
    scaling.add_argument("--scale", type=float, required=True)
    scaling.add_argument("--out", type=Path, required=True)
    dressing = commands.add_parser("dress")
    dressing.add_argument("--loras", type=Path, required=True)
    dressing.add_argument("--model", type=Path, default=Path("assets/demo/model"))
    dressing.add_argument("--scores", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.command == "scale":
        for name in arguments.names:
            scale_file(
                arguments.loras / f"{name}.safetensors",
                arguments.out / f"{name}.safetensors",
                arguments.scale,
            )
        return
    dress(arguments.loras, arguments.model)
    card = arguments.loras / "README.md"
    before, _, rest = card.read_text().partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    inner = table(arguments.loras, arguments.scores)
    card.write_text(f"{before}{MARKS[0]}\n{inner}\n{MARKS[1]}{after}")


if __name__ == "__main__":
    main()
