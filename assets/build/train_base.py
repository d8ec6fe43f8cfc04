"""Train the demo model's UNet and both text encoders together, from nothing, by the clock on one CUDA GPU.

    python assets/build/train_base.py --data build-data/emoji --vae build-data/model/vae --vocabulary build-data/clip_bpe \
        --out build-data/model --seconds 470

Objective: SDXL's noise prediction with min-SNR 5 weights. One draw in ten has no condition: embeddings and pooled
embedding zero (what the pipeline feeds for an empty negative prompt), or, less often, the empty prompt's own.
The whole step (text, UNet, backward, optimiser, average) is one CUDA graph. Writes the complete diffusers folder.
"""

import argparse
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from emoji_data import Source, load_pictures
from latent_pool import Pool, fill_pool, plan_pool
from nets import (
    alphas_cumprod,
    build_text,
    build_unet,
    encode_text,
    save_pipeline,
    time_ids,
    write_tokenizer,
)
from pace import Log, Pace
from step import Descent, Recorded
from subjects import BASE_SETS
from transformers import CLIPTokenizer


class Step:
    """The models, and one training step of them (`once`) on buffers of fixed size."""

    def __init__(self, pool: Pool, batch: int, compiled: bool) -> None:
        device = pool.latents.device
        self._pool, self._batch, self._device = pool, batch, device
        self.unet = build_unet().to(device, memory_format=torch.channels_last)
        first, second = build_text()
        self.text = (first.to(device), second.to(device))
        modules = (self.unet, *self.text)
        self.weights = [weight for module in modules for weight in module.parameters()]
        self.descent = Descent(self.weights, decay=0.01, average=0.999)
        self.loss = torch.zeros((), device=device)
        self._call = torch.compile(self._predict) if compiled else self._predict
        powers = alphas_cumprod().to(device)
        self._signal, self._noise = powers.sqrt().float(), (1.0 - powers).sqrt().float()
        ratio = (powers / (1.0 - powers)).float()
        self._worth = ratio.clamp_max(5.0) / ratio
        self._ids = time_ids(batch, device)
        self.once = Recorded(self._run)

    def _predict(
        self, noisy: torch.Tensor, when: torch.Tensor, context: torch.Tensor, pooled: torch.Tensor
    ) -> torch.Tensor:
        conditions = {"text_embeds": pooled, "time_ids": self._ids}
        return self.unet(noisy, when, context, added_cond_kwargs=conditions, return_dict=False)[0]

    def _run(self) -> None:
        batch, device = self._batch, self._device
        chosen = torch.randint(self._pool.latents.shape[0], (batch,), device=device)
        latents = self._pool.latents[chosen].float()
        row = self._pool.row[chosen]
        lot = torch.rand(batch, device=device)
        row = torch.where(lot < 0.02, torch.zeros_like(row), row)
        kept = (lot < 0.92).float()
        spread = (torch.arange(batch, device=device) + torch.rand(batch, device=device)) / batch
        when = (spread * 1000).long().clamp_max(999)
        noise = torch.randn_like(latents)
        noisy = self._signal[when].view(-1, 1, 1, 1) * latents + self._noise[when].view(-1, 1, 1, 1) * noise
        with torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=False):
            context, pooled = encode_text(*self.text, self._pool.tokens[row].long())
            context, pooled = context * kept.view(-1, 1, 1), pooled * kept.view(-1, 1)
            found = self._call(noisy, when, context, pooled)
        error = (found.float() - noise).square().mean(dim=(1, 2, 3))
        loss = (error * self._worth[when]).mean()
        loss.backward()
        self.descent.step(clip=1.0)
        self.loss.lerp_(loss.detach(), 0.01)


def train(arguments: argparse.Namespace) -> None:
    """Run the whole training and write the pipeline into `<out>` and `<out>/base_log.json`."""
    device = torch.device(arguments.device)
    torch.manual_seed(arguments.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    log = Log(arguments.out / "base_log.json")
    source = Source(arguments.data)
    rows = source.rows(BASE_SETS)
    write_tokenizer(arguments.vocabulary, arguments.out / "tokenizer")
    tokenizer = CLIPTokenizer.from_pretrained(arguments.out / "tokenizer")
    vocabulary = arguments.vocabulary / "vocab.json"
    plan = plan_pool(tokenizer, vocabulary, rows, arguments.pool, arguments.seed, device)
    made = time.monotonic()
    step = Step(plan.pool, arguments.batch, arguments.compile)
    if device.type == "cuda":
        step.once.capture()
    log.add(event="ready", parameters=sum(w.numel() for w in step.weights), spent=time.monotonic() - made)
    while arguments.wait_for is not None and not arguments.wait_for.exists():
        time.sleep(0.5)
    pace = Pace(arguments.seconds, arguments.rate, warm=0.02, floor=0.005)
    vae = AutoencoderKL.from_pretrained(arguments.vae, torch_dtype=torch.float32).to(device)
    fill_pool(plan, vae, load_pictures(source, rows).to(device))
    spread = [round(float(value), 3) for value in plan.pool.latents.float().std(dim=(0, 2, 3))]
    log.add(
        event="pool",
        latents=arguments.pool,
        captions=len(plan.pool.tokens),
        deviation=spread,
        spent=pace.spent,
    )
    pace.begin()
    done = 0
    while pace.share < 1.0 and done != arguments.steps:
        step.descent.rate.fill_(pace.rate())
        step.once()
        done += 1
        if done % 50 == 0:
            loss = float(step.loss)
            if pace.share < 0.1:
                step.descent.average.restart()
            if done % 500 == 0:
                log.add(step=done, loss=loss, rate=pace.rate(), spent=pace.spent)
    step.descent.average.swap()
    log.add(event="end", step=done, loss=float(step.loss), spent=pace.spent)
    save_pipeline(
        arguments.out,
        vae.cpu(),
        step.unet.cpu(),
        (step.text[0].cpu(), step.text[1].cpu()),
        arguments.vocabulary,
    )
    setting = {
        "batch": arguments.batch,
        "rate": arguments.rate,
        "seed": arguments.seed,
        "pool": arguments.pool,
    }
    log.save(**setting, steps=done, seconds=round(pace.spent, 1), final_loss=float(step.loss))


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder or zip of the picture sets")
    parser.add_argument("--vae", type=Path, required=True, help="the trained vae folder")
    parser.add_argument(
        "--vocabulary", type=Path, required=True, help="folder with vocab.json and merges.txt"
    )
    parser.add_argument("--out", type=Path, required=True, help="the diffusers folder to write")
    parser.add_argument("--seconds", type=float, default=470.0, help="time for everything but the saving")
    parser.add_argument("--steps", type=int, default=-1, help="stop after so many steps (for trying out)")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--rate", type=float, default=1.2e-3)
    parser.add_argument("--pool", type=int, default=200_000, help="recoloured pictures to draw beforehand")
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--device", default="cuda")
    parser.add_argument(
        "--wait-for", type=Path, help="compile at once, but begin only when this file is there"
    )
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
