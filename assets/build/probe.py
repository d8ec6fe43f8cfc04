"""Pictures for the judge that ask one question: what does the VAE cost, what do strength and guidance do?

    python assets/build/probe.py vae --data build-data/emoji --out build-data/probe-vae
    python assets/build/probe.py draw --data build-data/emoji --out build-data/probe --strength 1.0 --guidance 4.5
    python assets/build/judge.py score --heads build-data/heads.npz --pictures DIR --manifest DIR/manifest.jsonl

`vae` encodes and decodes real pictures of test subjects in the shipped LoRAs' styles: the most that any LoRA could reach.
`draw` draws every test subject with the shipped LoRAs, on a CPU too, with seeds that no training or choice has seen.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from lora_specs import SPECS, Spec
from PIL import Image
from styles import apply_style
from subjects import core_200, is_test_subject, load_rows

from eigenlorax.formats.read import LoRAReader
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.hardware import detect
from eigenlorax.runtime.sdxl import load_base

FIRST_SEED = 90_000
BATCH = 18


class Pictures:
    """A folder of pictures with the manifest that the judge reads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, picture: Image.Image, spec: Spec, subject: str) -> None:
        """Save one picture."""
        name = f"{spec.name}_{len(self._lines):05d}.webp"
        picture.save(self._folder / name, lossless=True)
        self._lines.append(json.dumps({"file": name, "subject": subject, "style": spec.look}))

    def close(self) -> None:
        """Write the manifest."""
        (self._folder / "manifest.jsonl").write_text("\n".join(self._lines) + "\n", encoding="utf-8")


def through_the_vae(args: argparse.Namespace, specs: list[Spec], out: Pictures) -> None:
    """Real pictures of each style, encoded and decoded."""
    rows = load_rows(args.data)
    core = set(core_200(rows))
    vae = load_base(str(args.model), detect()).pipeline.vae
    for spec in specs:
        source = spec.look if spec.vendor else "twemoji"
        fits = [r for r in rows if r["set"] == source and r["name"] in core and is_test_subject(r["name"])]
        pictures = []
        for place, row in enumerate(fits[: args.per]):
            picture = Image.open(args.data / row["set"] / row["file"]).convert("RGB")
            pictures.append(np.asarray(picture if spec.vendor else apply_style(spec.look, picture, place)))
        stack = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1.0
        with torch.inference_mode():
            seen = vae.decode(vae.encode(stack.to(vae.device)).latent_dist.mode()).sample
        for row, pixels in zip(fits, ((seen.clamp(-1, 1) + 1) * 127.5).round().byte().cpu(), strict=False):
            out.add(Image.fromarray(pixels.permute(1, 2, 0).numpy()), spec, row["name"])
        print(spec.name, flush=True)


def drawn(args: argparse.Namespace, specs: list[Spec], out: Pictures) -> None:
    """Every test subject with each LoRA."""
    rows = load_rows(args.data)
    captions = {row["name"]: row["caption"] for row in reversed(rows)}
    subjects = [name for name in core_200(rows) if is_test_subject(name)]
    base = load_base(str(args.model), detect())
    engine = Engine(base)
    reader = LoRAReader(base.layout, engine.facts.pristine)
    for spec in specs:
        engine.wear_lora(reader.open(args.loras / f"{spec.name}.safetensors"), args.strength)
        for start in range(0, len(subjects), BATCH):
            part = subjects[start : start + BATCH]
            seeds = [torch.Generator().manual_seed(FIRST_SEED + start + place) for place in range(len(part))]
            pictures = base.pipeline(
                prompt=[f"{captions[name]}, {spec.trigger}" for name in part],
                num_inference_steps=20, guidance_scale=args.guidance, height=128, width=128, generator=seeds,
            ).images  # fmt: skip
            for picture, name in zip(pictures, part, strict=True):
                out.add(picture, spec, name)
        print(spec.name, flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(required=True)
    for name, run in (("vae", through_the_vae), ("draw", drawn)):
        command = commands.add_parser(name, help=run.__doc__)
        command.add_argument("--data", type=Path, required=True, help="data folder")
        command.add_argument("--out", type=Path, required=True)
        command.add_argument("--model", type=Path, default=Path("assets/demo/model"))
        command.add_argument("--loras", type=Path, default=Path("assets/demo/loras"))
        command.add_argument("--names", nargs="*", default=[], help="only these LoRAs")
        command.set_defaults(run=run)
        if run is drawn:
            command.add_argument("--strength", type=float, default=1.0)
            command.add_argument("--guidance", type=float, default=4.5)
        else:
            command.add_argument("--per", type=int, default=36, help="pictures of each style")
    args = parser.parse_args()
    shipped = {path.stem for path in args.loras.glob("*.safetensors")}
    specs = [spec for spec in SPECS if spec.name in (args.names or shipped)]
    out = Pictures(args.out)
    args.run(args, specs, out)
    out.close()


if __name__ == "__main__":
    main()
