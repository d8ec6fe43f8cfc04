"""The words of the further settings, of pictures to start from, of several pictures and of morphs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from eigenlorax.recipe import AUTOMATIC, Fill, Upscaler
from eigenlorax.runtime.options import Mode
from ui.language import say

MORE = say("More settings")
OWN_SAMPLER = (say("Model's own"), "Model's own")
"""What it is called, and its value in the form."""
SCHEDULES: Mapping[str, str] = {AUTOMATIC: say("Automatic")}
"""Those that are called otherwise than their value."""
SAMPLER = say("Sampler")
SCHEDULE = say("Schedule")
BATCH = say("Pictures at once")
CLIP_SKIP = say("Clip skip")
RESCALE = say("Guidance rescale")
VARIATION_SEED = say("Variation seed")
VARIATION_INFO = say("−1 draws a new one")
VARIATION = say("Variation strength")
HIRES = say("Hires fix")
HIRES_INFO = say("Draws small, enlarges, and draws again over it.")
HIRES_SCALE = say("Enlarge by")
HIRES_STEPS = say("Hires steps (0: same)")
HIRES_DENOISE = say("Hires denoising")
UPSCALER = say("Upscaler")
UPSCALERS = [(say("Latent"), Upscaler.LATENT.value), (say("Lanczos"), Upscaler.LANCZOS.value)]
USE_SUGGESTION = say("Use the model's settings")

START = say("Start from a picture")
CANVAS = say("Picture and mask")
CANVAS_INFO = say(
    "Without a mask the whole picture is drawn again. Paint over a part and only that "
    "part is; remove the picture to start from noise. Denoising 0 keeps the picture, 1 "
    "draws it anew."
)
LAST_PICTURE = say("Take the last picture")
NO_PICTURE_YET = say("there is no picture yet: generate one first")
DENOISE = say("Denoising strength")
MASK_BLUR = say("Mask blur")
MASK_FILL = say("Under the mask")
FILLS = [(say("The picture"), Fill.ORIGINAL.value), (say("Noise"), Fill.NOISE.value)]

PICTURES = say("Pictures")
GLIMPSE = say("A glimpse in few steps: let the slider go, and the picture is drawn.")
OWN_PROMPTS = say("Each picture has a prompt of its own: it stands below the picture and in its file.")
ANIMATION = say("Animation")

MORPH_ROOM = say("Morph between two blends")
MORPH_INFO = say("From blend A of the rack to blend B: set one, press the other letter above it, set that.")
NOT_SET = say("not set yet")
NO_STYLE = say("no style")
MORPH_PICTURES = say("Pictures on the way")
MORPH = say("Morph")
NEEDS_BOTH = say("a morph goes from A to B: press {0} above the styles and set that blend first")

WORN = {
    Mode.MERGED: say("Styles merged into the weights"),
    Mode.LIVE: say("Styles live beside the weights"),
}


def started_from(masked: bool, strength: float) -> str:
    """That a picture did not start from noise."""
    how = say("Repainted under a mask") if masked else say("Drawn over a picture")
    return say("{how} · denoising {strength:g}", how=how, strength=strength)


def caption(seed: int, prompt: str) -> str:
    """Below one of several pictures; `prompt` where it is that picture's own, else empty."""
    told = say("seed {seed}", seed=seed)
    return f"{told} · {prompt}" if prompt else told


def blend(strengths: Mapping[str, float]) -> str:
    """A blend in words: "neon 0.8 + chalk 0.4"."""
    return " + ".join(f"{name} {round(s, 2):g}" for name, s in strengths.items() if s) or NO_STYLE


def several(paths: Sequence[Path], animation: Path | None = None) -> str:
    """Where the pictures lie, and what moves."""
    moving = say(", {name} moves", name=animation.name) if animation else ""
    return say(
        "Saved: {first} to {last}{moving}, in {folder}",
        first=paths[0].name,
        last=paths[-1].name,
        moving=moving,
        folder=paths[0].parent,
    )


def way_caption(index: int, count: int) -> str:
    """Below one of the pictures of a morph: how far it is on the way."""
    if index in (0, count - 1):
        return "B" if index else "A"
    return f"{index / (count - 1):.0%}"
