"""Train the demo model's autoencoder by the clock on one CUDA GPU.

    python assets/build/train_vae.py --data build-data/emoji --out build-data/model --seconds 420

Objective: the mean over pictures of log squared error, which is the mean PSNR, with overshoot beyond black and white
forgiven (decoded pictures are clamped), and a small KL term. Data: the base sets recoloured and turned at random, and
drawings made of random curves, shapes and rasters. At the end the latents are brought to mean 0 and standard
deviation 1 / 0.13025 per channel by changing the two 1x1 convolutions, so that SDXL's scaling factor fits.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import looks
import strokes
import torch
import torch.nn.functional as functional
from diffusers import AutoencoderKL
from emoji_data import Source, load_pictures, white_cover
from nets import SCALING, SIZE, build_vae
from pace import Log, Pace
from step import Descent, Recorded
from subjects import BASE_SETS, FEWSHOT_SETS, LORA_SETS, Row

SET_WEIGHTS = {"emojione-monotone": 1.5, "p-tabler-outline": 3.0}
KL_WEIGHT = 0.03
UNSEEN = (*LORA_SETS, *FEWSHOT_SETS, "fluent-emoji", "p-ph-fill", "p-ph-thin")


def error(decoded: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Squared error per picture [N] of [N, 3, H, W] in [-1, 1]; beyond black or white it counts 1/400."""
    gap = (decoded - wanted).float()
    over = ((wanted > 0.995) & (gap > 0)) | ((wanted < -0.995) & (gap < 0))
    return torch.where(over, 0.05 * gap, gap).square().mean(dim=(1, 2, 3))


def objective(
    vae: AutoencoderKL, pictures: torch.Tensor, noise: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss and mean log error of pictures [N, 3, H, W] in [-1, 1], with latent noise [N, 4, H/8, W/8]."""
    mean, log_variance = vae.quant_conv(vae.encoder(pictures)).float().chunk(2, dim=1)
    log_variance = log_variance.clamp(-30.0, 10.0)
    latents = mean + (0.5 * log_variance).exp() * noise
    decoded = vae.decoder(vae.post_quant_conv(latents))
    fit = (error(decoded, pictures) + 3e-4).log().mean()
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).mean()
    return fit + KL_WEIGHT * divergence, fit


class Batches:
    """Random training pictures in [-1, 1] from the base sets and the drawn ones, all on one device."""

    def __init__(self, pictures: torch.Tensor, rows: list[Row], size: int) -> None:
        self._pictures, self._size = pictures, size
        self._cover = white_cover(pictures)
        repeats = [int(2 * SET_WEIGHTS.get(row["set"], 1.0)) for row in rows]
        order = torch.arange(len(rows)).repeat_interleave(torch.tensor(repeats))
        self._order = order.to(pictures.device)

    def _turned(self, pictures: torch.Tensor) -> torch.Tensor:
        count, device = pictures.shape[0], pictures.device
        angle = (torch.rand(count, device=device) - 0.5) * 2.0
        zoom = 0.8 + 1.0 * torch.rand(count, device=device)
        shift = (torch.rand(count, 2, device=device) - 0.5) * 0.5
        sine, cosine = angle.sin() * zoom, angle.cos() * zoom
        rows = torch.stack([cosine, -sine, shift[:, 0], sine, cosine, shift[:, 1]], dim=1).view(-1, 2, 3)
        grid = functional.affine_grid(rows, list(pictures.shape), align_corners=False)
        return functional.grid_sample(
            pictures, grid, mode="bicubic", padding_mode="border", align_corners=False
        ).clamp(0.0, 1.0)

    def _real(self, count: int) -> torch.Tensor:
        device = self._pictures.device
        chosen = self._order[torch.randint(len(self._order), (count,), device=device)]
        pictures = self._pictures[chosen].float() / 255.0
        cover = self._cover[chosen].float() / 255.0
        both = torch.cat([pictures, cover], dim=1)
        both = torch.where(torch.rand(count, 1, 1, 1, device=device) < 0.5, both.flip(3), both)
        both = torch.where(torch.rand(count, 1, 1, 1, device=device) < 0.3, both.transpose(2, 3), both)
        both = both.roll([int(torch.randint(-7, 8, ())), int(torch.randint(-7, 8, ()))], dims=(2, 3))
        turned = count * 2 // 5
        both = torch.cat([self._turned(both[:turned]), both[turned:]])
        pictures, cover = both[:, :3], both[:, 3:]
        one, two = torch.rand(2, count, 3, 1, 1, device=device).unbind(0)
        kind = torch.rand(count, 1, 1, 1, device=device)
        changed: tuple[tuple[float, Callable[[], torch.Tensor]], ...] = (
            (0.15, lambda: looks.behind(pictures, cover, one, two)),
            (0.28, lambda: looks.duotone(pictures, cover, one, two)),
            (0.38, lambda: looks.inverted(pictures, cover, one, two)),
            (0.45, lambda: looks.outline(pictures, cover, one, two)),
            (0.70, lambda: looks.recolour_freely(pictures)),
        )
        result, before = pictures, 0.0
        for upto, make in changed:
            result = torch.where((kind >= before) & (kind < upto), make(), result)
            before = upto
        return result

    @torch.no_grad()
    def draw(self) -> torch.Tensor:
        """The next batch [N, 3, 128, 128]."""
        size, device = self._size, self._pictures.device
        lines, areas, weaves = size * 16 // 100, size * 6 // 100, size * 6 // 100
        real = self._real(size - lines - areas - weaves)
        parts = [
            real,
            strokes.strokes(lines, device),
            strokes.shapes(areas, device),
            strokes.rasters(weaves, device),
        ]
        return torch.cat(parts).mul_(2.0).sub_(1.0).contiguous(memory_format=torch.channels_last)


class Learner:
    """One optimiser step on a buffer of fixed size; with `capture`, recorded once as a CUDA graph and replayed."""

    def __init__(
        self, vae: AutoencoderKL, weights: list[torch.Tensor], arguments: argparse.Namespace
    ) -> None:
        device = weights[0].device
        self._vae = vae
        self.fit = torch.zeros((), device=device)
        self.descent = Descent(weights, decay=1e-3, average=0.999)
        self._compute = torch.compile(objective) if arguments.compile else objective
        self._pictures = torch.zeros(arguments.batch, 3, SIZE, SIZE, device=device)
        self._pictures = self._pictures.contiguous(memory_format=torch.channels_last)
        self._once = Recorded(self._run)

    def _run(self) -> None:
        noise = torch.randn(self._pictures.shape[0], 4, SIZE // 8, SIZE // 8, device=self._pictures.device)
        with torch.autocast(self._pictures.device.type, dtype=torch.bfloat16, cache_enabled=False):
            loss, fit = self._compute(self._vae, self._pictures, noise)
        loss.backward()
        self.descent.step(clip=2.0)
        self.fit.copy_(fit.detach())

    def capture(self, batches: "Batches") -> None:
        """Warm up with a rate of zero on true pictures, then record one step."""
        self._pictures.copy_(batches.draw())
        self._once.capture()

    def __call__(self, pictures: torch.Tensor) -> None:
        """Do one step on pictures [batch, 3, 128, 128] in [-1, 1]; `fit` then holds their mean log error."""
        self._pictures.copy_(pictures)
        self._once()


@torch.no_grad()
def psnr(vae: AutoencoderKL, pictures: torch.Tensor) -> torch.Tensor:
    """PSNR in dB [N] of uint8 pictures [N, 3, H, W] through the latents' mean, clamped to [0, 1]."""
    found = []
    for part in pictures.split(64):
        wanted = part.to(vae.device).float() / 255.0
        mean = vae.encode((wanted * 2.0 - 1.0).to(vae.dtype)).latent_dist.mode()
        decoded = (vae.decode(mean).sample.float() / 2.0 + 0.5).clamp(0.0, 1.0)
        found.append(-10.0 * (decoded - wanted).square().mean(dim=(1, 2, 3)).clamp_min(1e-10).log10())
    return torch.cat(found).cpu()


def psnr_by_set(vae: AutoencoderKL, pictures: torch.Tensor, rows: list[Row]) -> dict[str, float]:
    """Mean PSNR in dB for each set, and under "pooled" the mean over all pictures."""
    values = psnr(vae, pictures)
    result = {}
    for name in sorted({row["set"] for row in rows}):
        chosen = torch.tensor([row["set"] == name for row in rows])
        result[name] = round(float(values[chosen].mean()), 2)
    return {**result, "pooled": round(float(values.mean()), 2)}


@torch.no_grad()
def standardise(vae: AutoencoderKL, pictures: torch.Tensor) -> None:
    """Bring latents to mean 0 and deviation 1 / SCALING per channel, leaving reconstructions as they are."""
    means = []
    for part in pictures.split(256):
        means.append(vae.encode(part.float().to(vae.device) / 127.5 - 1.0).latent_dist.mode())
    latents = torch.cat(means)
    middle = latents.mean(dim=(0, 2, 3))
    scale = 1.0 / (SCALING * latents.std(dim=(0, 2, 3)))
    into, out = vae.quant_conv, vae.post_quant_conv
    out.bias += out.weight[:, :, 0, 0] @ middle
    out.weight /= scale.view(1, 4, 1, 1)
    into.weight[:4] *= scale.view(4, 1, 1, 1)
    into.bias[:4] = (into.bias[:4] - middle) * scale
    into.bias[4:] += 2.0 * scale.log()


def train(arguments: argparse.Namespace) -> None:
    """Run the whole training and write `<out>/vae` (fp16) and `<out>/vae_log.json`."""
    device = torch.device(arguments.device)
    torch.manual_seed(arguments.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    pace, log = Pace(arguments.seconds, arguments.rate), Log(arguments.out / "vae_log.json")
    source = Source(arguments.data)
    rows, unseen = source.rows(BASE_SETS), source.rows(UNSEEN)
    unseen = [row for index, row in enumerate(unseen) if index % arguments.every == 0]
    pictures, tests = load_pictures(source, rows).to(device), load_pictures(source, unseen).to(device)
    vae = build_vae().to(device, memory_format=torch.channels_last)
    if arguments.start:
        vae.load_state_dict(AutoencoderKL.from_pretrained(arguments.start).state_dict())
    if arguments.decoder_only:
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    weights = [weight for weight in vae.parameters() if weight.requires_grad]
    batches = Batches(pictures, rows, arguments.batch)
    learner = Learner(vae, weights, arguments)
    log.add(
        event="start",
        pictures=len(rows),
        parameters=sum(w.numel() for w in vae.parameters()),
        spent=pace.spent,
    )
    step, next_test, fits = 0, 0.2, []
    if arguments.graph:
        learner.capture(batches)
    pace.begin()
    log.add(event="ready", spent=pace.spent)
    while pace.share < 1.0 and step != arguments.steps:
        learner.descent.rate.fill_(pace.rate())
        learner(batches.draw())
        fits.append(learner.fit.clone())
        step += 1
        if step % 25 == 0 and pace.share < 0.1:
            learner.descent.average.restart()
        if step % 25 == 0 and (step % 250 == 0 or step == 25):
            level = -4.343 * float(torch.stack(fits).mean()) + 6.02
            log.add(step=step, train_db=level, rate=pace.rate(), spent=pace.spent)
            fits.clear()
        elif step % 25 == 0:
            fits[-1].item()
        if pace.share >= next_test:
            learner.descent.average.swap()
            log.add(event="test", step=step, db=psnr_by_set(vae, tests, unseen), spent=pace.spent)
            learner.descent.average.swap()
            next_test += 0.2
    learner.descent.average.swap()
    if not arguments.decoder_only:
        standardise(vae, pictures[::2])
    result = vae.half().float()
    summary = psnr_by_set(result, tests, unseen)
    vae.half().save_pretrained(arguments.out / "vae", max_shard_size="14MB")
    log.add(event="end", step=step, db=summary, spent=pace.spent)
    setting = {"batch": arguments.batch, "rate": arguments.rate, "seed": arguments.seed, "steps": step}
    log.save(**setting, seconds=round(pace.spent, 1), psnr_db=summary)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder or zip of the picture sets")
    parser.add_argument("--out", type=Path, required=True, help="folder to write vae/ and vae_log.json into")
    parser.add_argument("--seconds", type=float, default=420.0, help="time for everything but the last test")
    parser.add_argument("--steps", type=int, default=-1, help="stop after so many steps (for trying out)")
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--every", type=int, default=1, help="test on every so-manyth unseen picture")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--graph", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--start", type=Path, help="go on from this vae folder")
    parser.add_argument("--decoder-only", action="store_true", help="keep the encoder (and so the latents)")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
