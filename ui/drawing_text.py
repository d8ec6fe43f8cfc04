"""The words of the further settings, of pictures to start from, of several pictures and of morphs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from eigenlorax.recipe import Fill, Upscaler
from eigenlorax.runtime.options import Mode

MORE = "More settings"
OWN_SAMPLER = "Model's own"
SAMPLER = "Sampler"
SCHEDULE = "Schedule"
BATCH = "Pictures at once"
CLIP_SKIP = "Clip skip"
RESCALE = "Guidance rescale"
VARIATION_SEED = "Variation seed"
VARIATION_INFO = "−1 draws a new one"
VARIATION = "Variation strength"
HIRES = "Hires fix"
HIRES_INFO = "Draws small, enlarges, and draws again over it."
HIRES_SCALE = "Enlarge by"
HIRES_STEPS = "Hires steps (0: same)"
HIRES_DENOISE = "Hires denoising"
UPSCALER = "Upscaler"
UPSCALERS = [("Latent", Upscaler.LATENT.value), ("Lanczos", Upscaler.LANCZOS.value)]
USE_SUGGESTION = "Use the model's settings"

START = "Start from a picture"
CANVAS = "Picture and mask"
CANVAS_INFO = (
    "Without a mask the whole picture is drawn again. Paint over a part and only that part is; "
    "remove the picture to start from noise. Denoising 0 keeps the picture, 1 draws it anew."
)
LAST_PICTURE = "Take the last picture"
NO_PICTURE_YET = "there is no picture yet: generate one first"
DENOISE = "Denoising strength"
MASK_BLUR = "Mask blur"
MASK_FILL = "Under the mask"
FILLS = [("The picture", Fill.ORIGINAL.value), ("Noise", Fill.NOISE.value)]

PICTURES = "Pictures"
GLIMPSE = "A glimpse in few steps: let the slider go, and the picture is drawn."
ANIMATION = "Animation"

MORPH_ROOM = "Morph between two blends"
MORPH_INFO = (
    "From blend A of the rack to blend B: set one, press the other letter above it, set that."
)
NOT_SET = "not set yet"
NO_STYLE = "no style"
MORPH_PICTURES = "Pictures on the way"
MORPH = "Morph"
NEEDS_BOTH = "a morph goes from A to B: press {0} above the styles and set that blend first"

WORN = {
    Mode.MERGED: "Styles merged into the weights",
    Mode.LIVE: "Styles live beside the weights",
}


def started_from(masked: bool, strength: float) -> str:
    """That a picture did not start from noise."""
    return f"{'Repainted under a mask' if masked else 'Drawn over a picture'} · denoising {strength:g}"


def seed_caption(seed: int) -> str:
    """Below one of several pictures."""
    return f"seed {seed}"


def blend(strengths: Mapping[str, float]) -> str:
    """A blend in words: "neon 0.8 + chalk 0.4"."""
    return " + ".join(f"{name} {round(s, 2):g}" for name, s in strengths.items() if s) or NO_STYLE


def several(paths: Sequence[Path], animation: Path | None = None) -> str:
    """Where the pictures lie, and what moves."""
    moving = f", {animation.name} moves" if animation else ""
    return f"Saved: {paths[0].name} to {paths[-1].name}{moving}, in {paths[0].parent}"


def way_caption(index: int, count: int) -> str:
    """Below one of the pictures of a morph: how far it is on the way."""
    if index in (0, count - 1):
        return "B" if index else "A"
    return f"{index / (count - 1):.0%}"
