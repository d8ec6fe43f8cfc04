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
from diffusers import StableDiffusionXLPipeline
from emoji_data import Source
from lora_data import Learning, load_all
from lora_files import read_lora, write_lora
from lora_specs import SHARED_SPECS, SPECS, Spec
from lora_stack import Stack
from nets import SCALING, alphas_cumprod, encode_text, scheduler, time_ids, tokenize
from pace import Average, Log, Pace
from PIL import Image
from sample import load, write_archive
from subjects import is_test_subject

TEST_STEPS = (120, 320, 560, 800)


class Trainer:
    """The frozen pipeline with stacked LoRAs, their latents and one training step (a CUDA graph once captured)."""

    def __init__(
        self,
        pipeline: StableDiffusionXLPipeline,
        stack: Stack,
        data: list[Learning],
        each: int,
        variants: int,
    ) -> None:
        self.pipeline, self.stack, self._each, self._variants = pipeline, stack, each, variants
        self.device = next(pipeline.unet.parameters()).device
        self._count = len(stack.specs)
        powers = alphas_cumprod().to(self.device)
        self._signal, self._noise = powers.sqrt().float(), (1.0 - powers).sqrt().float()
        ratio = (powers / (1.0 - powers)).float()
        self._worth = ratio.clamp_max(5.0) / ratio
        self._ids = time_ids(1, self.device)
        self._fill(data)
        self.rate = torch.zeros((), device=self.device)
        self.average = Average(stack.weights, 0.998)
        self._optimiser = torch.optim.AdamW(
            stack.weights,
            self.rate,
            betas=(0.9, 0.99),
            weight_decay=0.0,
            fused=True,
            capturable=self.device.type == "cuda",
        )
        self._graph: torch.cuda.CUDAGraph | None = None

    @torch.no_grad()
    def _encode(self, pictures: torch.Tensor, moved: bool) -> torch.Tensor:
        pictures = pictures.to(self.device)
        if moved:
            pictures = torch.where(
                torch.rand(len(pictures), 1, 1, 1, device=self.device) < 0.5, pictures.flip(3), pictures
            )
            pictures = pictures.roll(
                [int(torch.randint(-4, 5, ())), int(torch.randint(-4, 5, ()))], dims=(2, 3)
            )
        found = [
            self.pipeline.vae.encode(part.float() / 127.5 - 1.0).latent_dist.mode()
            for part in pictures.split(64)
        ]
        return torch.cat(found) * SCALING

    def _fill(self, data: list[Learning]) -> None:
        """Put every LoRA's latents and token rows into tables, with the first row and the length of each."""
        latents, tokens, starts, lengths, held, held_tokens = [], [], [], [], [], []
        row, known = 0, {}
        for spec, one in zip(self.stack.specs, data, strict=True):
            if spec.look not in known:
                variants = [self._encode(one.train, moved=place > 0) for place in range(self._variants)]
                known[spec.look] = (
                    torch.cat(variants),
                    tokenize(self.pipeline.tokenizer, one.train_captions),
                )
            encoded, words = known[spec.look]
            latents.append(encoded)
            tokens.append(words.repeat(self._variants, 1))
            starts.append(row)
            lengths.append(len(encoded))
            row += len(encoded)
            size = [place % len(one.held) for place in range(32)]
            held.append(self._encode(one.held, moved=False)[size])
            held_tokens.append(
                tokenize(self.pipeline.tokenizer, [one.held_captions[place] for place in size])
            )
        self._latents, self._tokens = torch.cat(latents), torch.cat(tokens).to(self.device)
        self._starts = torch.tensor(starts, device=self.device).view(-1, 1)
        self._lengths = torch.tensor(lengths, device=self.device).view(-1, 1)
        self._held, self._held_tokens = torch.cat(held), torch.cat(held_tokens).to(self.device)
        fixed = torch.Generator().manual_seed(99)
        shape = (len(TEST_STEPS), 32, 4, 16, 16)
        self._held_noise = torch.randn(shape, generator=fixed).to(self.device)

    def _error(
        self,
        latents: torch.Tensor,
        tokens: torch.Tensor,
        kept: torch.Tensor,
        when: torch.Tensor,
        noise: torch.Tensor,
    ) -> torch.Tensor:
        """Weighted squared error of each sample [L * n], LoRA after LoRA."""
        noisy = self._signal[when].view(-1, 1, 1, 1) * latents + self._noise[when].view(-1, 1, 1, 1) * noise
        pipeline = self.pipeline
        with torch.autocast(self.device.type, dtype=torch.bfloat16, cache_enabled=False):
            context, pooled = encode_text(pipeline.text_encoder, pipeline.text_encoder_2, tokens)
            conditions = {
                "text_embeds": pooled * kept.view(-1, 1),
                "time_ids": self._ids.expand(len(latents), -1),
            }
            found = pipeline.unet(
                noisy, when, context * kept.view(-1, 1, 1), added_cond_kwargs=conditions, return_dict=False
            )[0]
        return (found.float() - noise).square().mean(dim=(1, 2, 3)) * self._worth[when]

    def _run(self) -> None:
        shape = (self._count, self._each)
        spot = (torch.rand(shape, device=self.device) * self._lengths).long()
        chosen = (self._starts + torch.minimum(spot, self._lengths - 1)).view(-1)
        latents = self._latents[chosen]
        spread = torch.arange(self._each, device=self.device) + torch.rand(shape, device=self.device)
        when = (spread / self._each * 1000).long().clamp_max(999).view(-1)
        kept = (torch.rand(len(latents), device=self.device) < 0.9).float()
        error = self._error(latents, self._tokens[chosen], kept, when, torch.randn_like(latents))
        (error.sum() / self._each).backward()
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=False)
        self.average.update()

    def capture(self) -> None:
        """Warm up with a rate of zero, then record one step."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self._run()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._run()
        self._graph = graph

    def __call__(self) -> None:
        """Do one step for all LoRAs."""
        if self._graph is None:
            self._run()
        else:
            self._graph.replay()

    @torch.no_grad()
    def held_loss(self) -> torch.Tensor:
        """Held-out loss [L] of the live weights: fixed pictures, noise and timesteps."""
        total = torch.zeros(self._count, device=self.device)
        kept = torch.ones(len(self._held), device=self.device)
        for place, step in enumerate(TEST_STEPS):
            when = torch.full((len(self._held),), step, device=self.device)
            noise = self._held_noise[place].repeat(self._count, 1, 1, 1)
            total += (
                self._error(self._held, self._held_tokens, kept, when, noise).view(self._count, -1).mean(1)
            )
        return total / len(TEST_STEPS)

    @torch.no_grad()
    def draw(self, prompts: list[list[str]], guidance: float, steps: int) -> torch.Tensor:
        """Pictures uint8 [L, n, 3, 128, 128] for n prompts of each LoRA, as the pipeline draws them."""
        pipeline, flat = self.pipeline, [text for row in prompts for text in row]
        tokens = tokenize(pipeline.tokenizer, flat).to(self.device)
        context, pooled = encode_text(pipeline.text_encoder, pipeline.text_encoder_2, tokens)
        stepper = scheduler()
        stepper.set_timesteps(steps, device=self.device)
        one = torch.randn(len(prompts[0]), 4, 16, 16, device=self.device)
        latents = one.repeat(self._count, 1, 1, 1) * stepper.init_noise_sigma
        ids = time_ids(len(flat), self.device)
        for when in stepper.timesteps:
            scaled = stepper.scale_model_input(latents, when)
            found = []
            for share in (0.0, 1.0):
                conditions = {"text_embeds": pooled * share, "time_ids": ids}
                found.append(
                    pipeline.unet(scaled, when, context * share, added_cond_kwargs=conditions).sample
                )
            guided = found[0] + guidance * (found[1] - found[0])
            latents = stepper.step(guided, when, latents).prev_sample
        decoded = [pipeline.vae.decode(part / SCALING).sample for part in latents.split(256)]
        pictures = (torch.cat(decoded) * 127.5 + 127.5).clamp(0, 255).round().to(torch.uint8)
        return pictures.view(self._count, -1, *pictures.shape[1:]).cpu()


def learn(trainer: Trainer, pace: Pace, log: Log, every: float, most: int) -> dict[str, Any]:
    """Train to the end of the budget and put every LoRA's best averaged weights in place."""
    weights = trainer.stack.weights
    best = [weight.detach().clone() for weight in weights]
    start = trainer.held_loss()
    least, at = start.clone(), torch.zeros(len(start), dtype=torch.long, device=start.device)
    done, tested = 0, time.monotonic()
    while pace.share < 1.0 and done != most:
        trainer.rate.fill_(pace.rate())
        trainer()
        pace.tick()
        done += 1
        if done % 20 == 0:
            torch.cuda.synchronize() if trainer.device.type == "cuda" else None
        if time.monotonic() - tested > every or pace.share >= 1.0 or done == most:
            trainer.average.swap()
            now = trainer.held_loss()
            better = now < least
            with torch.no_grad():
                for kept, live in zip(best, weights, strict=True):
                    kept.copy_(torch.where(better.view(-1, 1, 1), live, kept))
            trainer.average.swap()
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
    trainer.average.restart()
    if arguments.device == "cuda" and arguments.graph:
        trainer.capture()
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
