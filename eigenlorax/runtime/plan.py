"""What fits on the card: the predicted peak of each way to place a model, and the fastest that fits.

Pure arithmetic: bytes in, a plan out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from eigenlorax.runtime.options import Placement
from eigenlorax.runtime.sizes import ModelSize

GIB = 2**30
#: Side in pixels of one tile of the VAE; tiles overlap by a quarter.
TILE = 512
#: What is left free for the allocator's gaps and for what other programs take meanwhile.
MARGIN_SHARE, MARGIN_LEAST = 0.04, 256 * 2**20


@dataclass(frozen=True)
class _Activation:
    """Figures that scale the formulas of `drawing_peaks`; `python -m tests.benchmarks.memory` measures them.

    It draws with full-size SDXL on a CUDA card, notes each phase's peak less the weights on the card, and
    solves for the factor: `unet` from rows 1 and 2 at 768 and 1024, `vae` from whole and tiled decodes.

    Attributes:
        unet: Of rows x latent pixels x `ModelSize.unet_values` x bytes of a number.
        vae: Of pixels in one tile x `ModelSize.vae_values` x bytes of a number.
        text: Bytes of both encoders' states for one picture, its negative prompt included.
        fixed: Bytes of workspaces of cuBLAS and cuDNN, in every phase.
    """

    unet: float
    vae: float
    text: int
    fixed: int


_ACTIVATION = _Activation(unet=1.1, vae=5.0, text=8 * 2**20, fixed=152 * 2**20)


@dataclass(frozen=True)
class Needs:
    """What is to be drawn.

    Attributes:
        width, height: Pixels.
        pictures: Drawn at once.
        guided: Whether every picture takes two rows in the UNet.
        styles: How many are on, for the sentence.
        style_bytes: What they and the engine hold on the card beside the weights.
    """

    width: int
    height: int
    pictures: int = 1
    guided: bool = True
    styles: int = 0
    style_bytes: int = 0


@dataclass(frozen=True)
class Peaks:
    """Most bytes on the card in each phase."""

    text: int
    unet: int
    vae: int

    @property
    def highest(self) -> int:
        """The largest of the three."""
        return max(self.text, self.unet, self.vae)


@dataclass(frozen=True)
class Plan:
    """One way to draw, with what it takes.

    Attributes:
        placement: Never AUTO.
        tiling: Whether the VAE works tile by tile; seams are blended, so pixels differ slightly.
        at_once: Pictures in one pass of the UNet; the VAE takes them one by one in any case.
        peaks: Predicted; zeros on a CPU.
        budget: Bytes that may be filled; None where nobody counts.
        sentence: For the user.
        frozen: Whether nobody writes to weights meanwhile; what lies on the card is not brought home then.
        narrow: Whether the UNet's large weights lie on the card in 8 bits; they are frozen then.
    """

    placement: Placement
    tiling: bool = False
    at_once: int = 1
    peaks: Peaks = Peaks(0, 0, 0)
    budget: int | None = None
    sentence: str = ""
    frozen: bool = False
    narrow: bool = False

    @property
    def fits(self) -> bool:
        """Whether the highest peak leaves the margin free."""
        return self.budget is None or self.peaks.highest + margin(self.budget) <= self.budget


def margin(budget: int) -> int:
    """Bytes of a budget that a plan leaves free."""
    return max(MARGIN_LEAST, int(MARGIN_SHARE * budget))


def make_plan(model: ModelSize, needs: Needs, budget: int | None, wish: Placement = Placement.AUTO) -> Plan:
    """The fastest plan that fits; the leanest of what is allowed where none does, which its sentence says.

    Args:
        model: Its bytes.
        needs: What is to be drawn.
        budget: Bytes of the card that this process may fill; None without a card.
        wish: A placement the user insists on; only tiling and pictures at once are then chosen.
    """
    if wish is Placement.CPU or budget is None:
        return cpu_plan(model, needs)
    plans = [plan for plan in ladder(model, needs, budget) if wish in (Placement.AUTO, plan.placement)]
    return next((plan for plan in plans if plan.fits), min(plans, key=lambda plan: plan.peaks.highest))


def cpu_plan(model: ModelSize, needs: Needs) -> Plan:
    """Everything on the CPU."""
    return Plan(
        Placement.CPU,
        at_once=needs.pictures,
        sentence=f"{_subject(model, needs)}: on the CPU, no card is used.",
    )


def ladder(model: ModelSize, needs: Needs, budget: int) -> list[Plan]:
    """Every plan on a card, from the fastest to the leanest."""
    batches = [needs.pictures, 1] if needs.pictures > 1 else [1]
    steps = [(Placement.GPU, tiling, at_once) for tiling, at_once in _steps(batches)]
    steps += [(Placement.MODEL_OFFLOAD, tiling, at_once) for tiling, at_once in _steps(batches)]
    steps.append((Placement.SEQUENTIAL, True, 1))
    found = []
    for placement, tiling, at_once in steps:
        peaks = drawing_peaks(model, needs, placement, tiling, at_once)
        plan = Plan(placement, tiling, at_once, peaks, budget)
        found.append(replace(plan, sentence=_sentence(model, needs, plan)))
    return found


def below(plans: Sequence[Plan], plan: Plan) -> Plan | None:
    """The next plan down a ladder that takes less memory; None at its foot."""
    rest = plans[plans.index(plan) + 1 :] if plan in plans else plans
    return next((lower for lower in rest if lower.peaks.highest < plan.peaks.highest), None)


def _steps(batches: Sequence[int]) -> list[tuple[bool, int]]:
    return [(False, batches[0]), (True, batches[0]), *((True, at_once) for at_once in batches[1:])]


def drawing_peaks(model: ModelSize, needs: Needs, placement: Placement, tiling: bool, at_once: int) -> Peaks:
    """Weights on the card in each phase, what the styles hold, and the activations."""
    pixels = needs.width * needs.height
    rows = at_once * (2 if needs.guided else 1)
    latent_pixels = ceil(needs.width / model.scale) * ceil(needs.height / model.scale)
    unet = rows * latent_pixels * model.unet_values * model.unet_width * _ACTIVATION.unet
    tile = min(pixels, TILE * TILE) if tiling else pixels
    vae = tile * model.vae_values * model.vae_width * _ACTIVATION.vae
    # All decoded tiles with their overlap wait for the picture that is put together from them.
    vae += 3 * pixels * model.vae_width * ((4 / 3) ** 2 + 1 if tiling and tile < pixels else 1)
    text = _ACTIVATION.text * needs.pictures
    held = needs.style_bytes + _ACTIVATION.fixed
    on_card = {
        Placement.GPU: (model.weights, model.weights, model.weights),
        Placement.MODEL_OFFLOAD: (max(model.encoders), model.unet, model.vae),
        Placement.SEQUENTIAL: (model.largest_layer,) * 3,
    }[placement]
    return Peaks(
        *(int(weights + held + extra) for weights, extra in zip(on_card, (text, unet, vae), strict=True))
    )


def _subject(model: ModelSize, needs: Needs) -> str:
    styles = {0: "", 1: " with 1 style"}.get(needs.styles, f" with {needs.styles} styles")
    pictures = f", {needs.pictures} pictures" if needs.pictures > 1 else ""
    return f"{model.name} in {model.precision}{styles} at {needs.width}x{needs.height}{pictures}"


def _sentence(model: ModelSize, needs: Needs, plan: Plan) -> str:
    how = {
        Placement.GPU: "all parts stay on the card",
        Placement.MODEL_OFFLOAD: "parts are moved in and out of the card",
        Placement.SEQUENTIAL: "layers are moved in and out of the card one by one, which is slow",
    }[plan.placement]
    extras = ["the picture is decoded in tiles"] if plan.tiling else []
    if needs.pictures > plan.at_once:
        extras.append("pictures are drawn one by one")
    budget = plan.budget or 0
    told = (
        f"{_subject(model, needs)}: about {plan.peaks.highest / GIB:.1f} GB of the {budget / GIB:.1f} GB "
        f"that the card has for it; {', '.join([how, *extras])}."
    )
    if plan.fits:
        return told
    return told + " That may not fit: choose a smaller size, or --lowvram, or close other programs."
