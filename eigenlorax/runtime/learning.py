"""What fits on the card while a style learns, and how the model gets there and back.

Captions and latents are kept, so that text encoders and VAE are asked before the first step, and for sample
pictures; meanwhile they can be at home. The UNet's weights are frozen.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import ceil

import torch

from eigenlorax.runtime.options import Placement
from eigenlorax.runtime.placement import Placed
from eigenlorax.runtime.plan import GIB, Needs, Peaks, Plan, drawing_peaks
from eigenlorax.runtime.sizes import ModelSize

#: A step's activations, computed again for the gradient, of rows x latent pixels x `ModelSize.unet_values` x
#: bytes of a number, as `python -m tests.benchmarks.training_full_size` found them on an H100.
_STEP = 4.84
#: Bytes that stay of a number of two where large weights are in 8 bits, scales and widened copies included.
_NARROW = 0.52


@dataclass(frozen=True)
class LearningNeeds:
    """What is to be learnt.

    Attributes:
        side: Pixels of a picture's side.
        rows: Pictures of a step that are on the card together.
        beside: Bytes of columns, cores, optimiser and whatever else lies on the card beside the model.
        texts: Whether text encoders learn too, so that all parts are needed in each step.
    """

    side: int
    rows: int
    beside: int = 0
    texts: bool = False


def learning_plans(model: ModelSize, needs: LearningNeeds, budget: int) -> list[Plan]:
    """Every way to learn on a card, from the fastest to the leanest.

    Args:
        model: Its bytes.
        needs: What is to be learnt.
        budget: Bytes of the card that this process may fill.
    """
    found = []
    for placement, tiling, narrow in (
        (Placement.GPU, False, False),
        (Placement.MODEL_OFFLOAD, True, False),
        (Placement.MODEL_OFFLOAD, True, True),
    ):
        if needs.texts and placement is not Placement.GPU:
            continue  # moved weights would be gone when the gradient comes back to them
        drawing = Needs(needs.side, needs.side, style_bytes=needs.beside)
        peaks = drawing_peaks(model, drawing, placement, tiling, 1)
        less = int(model.unet * (1.0 - _NARROW)) if narrow else 0
        latent_pixels = ceil(needs.side / model.scale) ** 2
        step = needs.rows * latent_pixels * model.unet_values * model.unet_width * _STEP
        weights = model.weights if placement is Placement.GPU else model.unet - less
        peaks = Peaks(peaks.text, max(peaks.unet - less, int(weights + needs.beside + step)), peaks.vae)
        plan = Plan(placement, tiling, 1, peaks, budget, frozen=True, narrow=narrow)
        found.append(replace(plan, sentence=_sentence(model, needs, plan)))
    return found


@contextmanager
def learning(placed: Placed, plan: Plan) -> Iterator[None]:
    """Within the block the model lies as the plan says; however it ends, it lies as before.

    Nobody may write to its weights within the block.

    Args:
        placed: Where its parts lie.
        plan: One of `learning_plans`, or the one in effect.

    Raises:
        torch.OutOfMemoryError: the plan did not fit.
    """
    before = placed.plan
    try:
        placed.take(plan)
        yield
    finally:
        placed.rest()
        try:
            placed.take(before)
        except torch.OutOfMemoryError:
            # What failed may still hold memory; then the model is at home, and the next picture places it.
            placed.release()


def fitting(plans: Sequence[Plan]) -> list[Plan]:
    """The plans to try, in this order: the fastest that fits and what is leaner, at least the leanest."""
    first = next((place for place, plan in enumerate(plans) if plan.fits), len(plans) - 1)
    return list(plans[first:])


def _sentence(model: ModelSize, needs: LearningNeeds, plan: Plan) -> str:
    how = {
        (Placement.GPU, False): "all parts stay on the card",
        (Placement.MODEL_OFFLOAD, False): "text encoders and VAE come to the card when they are asked",
        (Placement.MODEL_OFFLOAD, True): (
            "text encoders and VAE come to the card when they are asked, and the UNet's weights lie there "
            "in 8 bits"
        ),
    }[plan.placement, plan.narrow]
    budget = (plan.budget or 0) / GIB
    return (
        f"{model.name} in {model.precision} learns {needs.rows} pictures a step at {needs.side} pixels: "
        f"about {plan.peaks.highest / GIB:.1f} of {budget:.1f} GB; {how}."
    )
