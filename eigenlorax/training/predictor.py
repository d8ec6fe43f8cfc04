"""One question for the model: what is the noise in these latents, with these updates worn?"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from diffusers import StableDiffusionXLPipeline
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from eigenlorax.module_path import ModulePath
from eigenlorax.runtime.live import LiveInjection, StackedUpdate

Updates = Mapping[ModulePath, StackedUpdate]
#: Up to this side in pixels there is memory for the activations of many rows.
SMALL_SIDE = 256


@dataclass(frozen=True)
class Question:
    """A batch that the UNet is asked about; row i belongs to style `styles[i]` of a group.

    Attributes:
        unprompted: Rows that are asked without their prompt, as guidance does.
    """

    latents: Float[Tensor, "rows channels height width"]
    timesteps: Int64[Tensor, " rows"]
    prompts: tuple[str, ...]
    unprompted: tuple[bool, ...]
    styles: Int64[Tensor, " rows"]


class Predictor:
    """A base model that answers with any updates, each row with its own style.

    Args:
        pipeline: The base.
        live: Injected for every parameter that may be updated.
        side: Pixels of the square pictures that are asked about.
    """

    def __init__(self, pipeline: StableDiffusionXLPipeline, live: LiveInjection, side: int) -> None:
        self.pipeline, self._live, self.side = pipeline, live, side
        # diffusers looks through all modules for it, which takes as long as a small UNet's answer.
        self.device: torch.device = pipeline._execution_device
        """Where it is asked; the model must not be placed elsewhere meanwhile."""

    @contextmanager
    def sparing(self) -> Iterator[None]:
        """Within the block a large UNet's activations are computed again for the gradient, not kept.

        At 1024 pixels a row of SDXL would keep more than ten gigabytes of them.
        """
        unet = self.pipeline.unet
        if self.side <= SMALL_SIDE:
            yield
            return
        unet.enable_gradient_checkpointing(_again)
        try:
            yield
        finally:
            unet.disable_gradient_checkpointing()

    def answer(self, question: Question, updates: Updates, styles: int) -> Tensor:
        """The prediction for each row with its own style worn, in text encoders and UNet; differentiable.

        Args:
            question: What is asked.
            updates: Stacked for the whole group; none for the bare base.
            styles: How many styles the group has.
        """
        weights = torch.nn.functional.one_hot(question.styles, styles).float().to(self.device)
        tokens, pooled = self.encode(question.prompts, question.unprompted, updates, weights)
        return self.ask(question.latents, question.timesteps, tokens, pooled, updates, weights)

    def encode(
        self, prompts: Sequence[str], unprompted: Sequence[bool], updates: Updates, weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Both text encoders' states, and those of no prompt where so marked.

        Returns:
            (rows, 77, width) and (rows, pooled width).
        """
        self._live.wear(updates, weights)
        tokens, empty, pooled, empty_pooled = self.pipeline.encode_prompt(
            prompt=list(prompts), device=self.device, do_classifier_free_guidance=True
        )
        without = torch.tensor(unprompted, device=tokens.device)
        return (
            torch.where(without[:, None, None], empty, tokens),
            torch.where(without[:, None], empty_pooled, pooled),
        )

    def ask(
        self,
        latents: Tensor,
        timesteps: Tensor,
        tokens: Tensor,
        pooled: Tensor,
        updates: Updates,
        weights: Tensor,
        sizes: Float[Tensor, "rows 6"] | None = None,
    ) -> Tensor:
        """The UNet's prediction for each row of encoded prompts.

        Args:
            sizes: Original size, crop and target size of each row in pixels, height first; by default whole
                squares of this predictor's side.
        """
        self._live.wear(updates, weights)
        unet, side = self.pipeline.unet, self.side
        if sizes is None:
            sizes = torch.tensor([[side, side, 0, 0, side, side]] * latents.shape[0])
        prediction: Tensor = unet(
            latents.to(self.device, unet.dtype),
            timesteps.to(self.device),
            encoder_hidden_states=tokens,
            added_cond_kwargs={"text_embeds": pooled, "time_ids": sizes.to(tokens)},
        ).sample
        return prediction


def _again(module: nn.Module, *inputs: object) -> object:
    """A block whose activations are computed again; it draws nothing that would have to be drawn alike."""
    return checkpoint(module, *inputs, use_reentrant=False, preserve_rng_state=False)
