"""Train the whole collection of demo LoRAs at once on one CUDA GPU, by the clock, each stopped by held-out loss.

    python assets/build/train_loras.py --data build-data/emoji --model assets/demo/model --out build-data/loras --seconds 250

All LoRAs run in one batch through the frozen model (`lora_stack`). Their weights are averaged over steps; every few
seconds the averaged weights are tested on held-out pictures with fixed noise and timesteps, and each LoRA keeps its
own best. Afterwards pictures of test subjects are drawn for the judge. Writes `loras/`, `shared/`, `pictures.zip`,
`manifest.jsonl` and `loras_log.json`.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from emoji_data import Source
from lora_data import load_all
from lora_files import read_lora, write_lora
from lora_specs import SHARED_SPECS, SPECS, Spec
from lora_stack import Stack
from lora_trainer import Trainer
from pace import Log, Pace
from PIL import Image
from sample import load, write_archive
from subjects import is_test_subject


def learn(trainer: Trainer, pace: Pace, log: Log, every: float, most: int) -> dict[str, Any]:
    """Train to the end of the budget and put every LoRA's best averaged weights in place."""
    weights = trainer.stack.weights
    best = [weight.detach().clone() for weight in weights]
    start = trainer.held_loss()
    least, at = start.clone(), torch.zeros(len(start), dtype=torch.long, device=start.device)
    done, tested = 0, time.monotonic()
    while pace.share < 1.0 and done != most:
        trainer.descent.rate.fill_(pace.rate())
        trainer.once()
        pace.tick()
        done += 1
        if done % 20 == 0:
            torch.cuda.synchronize() if trainer.device.type == "cuda" else None
        if time.monotonic() - tested > every or pace.share >= 1.0 or done == most:
            trainer.descent.average.swap()
            now = trainer.held_loss()
            better = now < least
            with torch.no_grad():
                for kept, live in zip(best, weights, strict=True):
                    kept.copy_(torch.where(better.view(-1, 1, 1), live, kept))
            trainer.descent.average.swap()
            least, at = torch.minimum(least, now), torch.where(better, done, at)
            log.add(step=done, held=float(now.mean()), improved=int(better.sum()), spent=pace.spent)
            tested = time.monotonic()
    with torch.no_grad():
        for kept, live in zip(best, weights, strict=True):
            live.copy_(kept)
    return {"start": start.tolist(), "best": least.tolist(), "at": at.tolist(), "steps": done}


def judge_pictures(
    trainer: Trainer,
    subjects: list[tuple[str, str]],
    per: int,
    batch: int,
    named: list[tuple[str, Image.Image]],
    manifest: list[dict[str, str]],
) -> None:
    """Add `per` pictures of each LoRA over the test subjects (name, caption) and their manifest lines."""
    wanted = [subjects[place % len(subjects)] for place in range(per)]
    for start in range(0, per, batch):
        part = wanted[start : start + batch]
        prompts = [[f"{caption}, {spec.trigger}" for _, caption in part] for spec in trainer.stack.specs]
        pictures = trainer.draw(prompts, guidance=4.5, steps=20)
        for spec, row in zip(trainer.stack.specs, pictures, strict=True):
            if spec.shared_seed:
                continue
            for place, picture in enumerate(row):
                name = f"{spec.name}_{start + place:03d}"
                named.append((name, Image.fromarray(picture.permute(1, 2, 0).numpy())))
                manifest.append({"file": f"{name}.webp", "subject": part[place][0], "style": spec.look})


def train_group(
    arguments: argparse.Namespace, specs: list[Spec], log: Log
) -> tuple[Trainer, list[dict[str, Any]]]:
    """Train some LoRAs together and write their files; gives the trainer and a line about each."""
    begun = time.time()
    pace = Pace(arguments.seconds, arguments.rate, warm=0.02, floor=0.02, steps=arguments.steps)
    data = load_all(Source(arguments.data), specs, arguments.pictures, 32, arguments.workers)
    log.add(event="pictures", loras=len(specs), count=sum(len(one.train) for one in data), spent=pace.spent)
    pipeline = load(arguments.model, arguments.device)
    pipeline.vae.requires_grad_(False)
    pipeline.unet.to(memory_format=torch.channels_last)
    pipeline.vae.to(memory_format=torch.channels_last)
    stack = Stack(
        {name: getattr(pipeline, name) for name in ("unet", "text_encoder", "text_encoder_2")}, specs
    )
    trainer = Trainer(pipeline, stack, data, arguments.each, arguments.variants)
    first = trainer.held_loss().tolist()
    for place, spec in enumerate(specs):
        if arguments.start:
            path = arguments.start / f"{spec.name}.safetensors"
            stack.load(place, read_lora(path, stack.pairs(place), spec))
    trainer.descent.average.restart()
    if arguments.device == "cuda" and arguments.graph:
        trainer.once.capture()
    log.add(event="ready", spent=pace.spent)
    pace.begin()
    result = learn(trainer, pace, log, arguments.every, arguments.steps)
    summary = []
    for place, spec in enumerate(specs):
        run = {
            "pictures": len(data[place].train),
            "step": result["at"][place],
            "steps": result["steps"],
            "rate": arguments.rate,
            "batch": arguments.each,
            "started_at": begun,
            "finished_at": time.time(),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()),
        }
        folder = "shared" if spec.shared_seed else "loras"
        size = write_lora(arguments.out / folder / f"{spec.name}.safetensors", stack.pairs(place), spec, run)
        losses = {"base": first[place], "start": result["start"][place], "best": result["best"][place]}
        losses = {f"held_{key}": round(value, 5) for key, value in losses.items()}
        summary.append(
            {"name": spec.name, "step": run["step"], "pictures": run["pictures"], "bytes": size, **losses}
        )
        log.add(event="written", **summary[-1], spent=pace.spent)
    return trainer, summary


def train(arguments: argparse.Namespace) -> None:
    """The whole run: all together, or group after group."""
    torch.manual_seed(arguments.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    arguments.out.mkdir(parents=True, exist_ok=True)
    specs = [spec for spec in (*SPECS, *SHARED_SPECS) if not arguments.only or spec.name in arguments.only]
    log, size = Log(arguments.out / "loras_log.json"), arguments.group or len(specs)
    lines = [line.split("\t") for line in arguments.subjects.read_text().splitlines()]
    subjects = [(line[0], line[1]) for line in lines if is_test_subject(line[0])]
    named: list[tuple[str, Image.Image]] = []
    manifest: list[dict[str, str]] = []
    summary: list[dict[str, Any]] = []
    for start in range(0, len(specs), size):
        trainer, found = train_group(arguments, specs[start : start + size], log)
        summary += found
        judge_pictures(trainer, subjects, arguments.per, 20, named, manifest)
        write_archive(arguments.out / "pictures.zip", named)
        (arguments.out / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in manifest))
        setting = {"rate": arguments.rate, "batch": arguments.each, "seed": arguments.seed}
        log.save(**setting, start=str(arguments.start or ""), loras=summary)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder or zip of the picture sets")
    parser.add_argument("--model", type=Path, required=True, help="the demo model's folder")
    parser.add_argument(
        "--subjects", type=Path, required=True, help="'name<TAB>caption' lines of the common subjects"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=270.0, help="time for the pictures and the training")
    parser.add_argument(
        "--steps", type=int, default=-1, help="train for so many steps instead of by the clock"
    )
    parser.add_argument("--only", nargs="*", default=[], help="names of the LoRAs to train")
    parser.add_argument("--start", type=Path, help="go on from the files of this folder")
    parser.add_argument("--group", type=int, default=0, help="so many LoRAs at once (0: all)")
    parser.add_argument("--variants", type=int, default=6, help="flipped and moved copies of each picture")
    parser.add_argument("--each", type=int, default=12, help="pictures of each LoRA in a step")
    parser.add_argument("--pictures", type=int, default=220, help="pictures to learn each style from")
    parser.add_argument("--per", type=int, default=100, help="pictures of each LoRA to draw for the judge")
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--every", type=float, default=9.0, help="seconds between held-out tests")
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--graph", action=argparse.BooleanOptionalAction, default=True)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
