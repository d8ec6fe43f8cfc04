"""One training step of stacked LoRAs (a CUDA graph once captured), their held-out loss, and their pictures."""

import torch
from diffusers import StableDiffusionXLPipeline
from lora_data import Learning
from lora_stack import Stack
from nets import SCALING, alphas_cumprod, encode_text, scheduler, time_ids, tokenize
from step import Descent, Recorded

TEST_STEPS = (120, 320, 560, 800)


class Trainer:
    """The frozen pipeline with stacked LoRAs, their latents, and one training step of all of them (`once`)."""

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
        self.descent = Descent(stack.weights, decay=0.0, average=0.998)
        self.once = Recorded(self._run)

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
        self.descent.step()

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
