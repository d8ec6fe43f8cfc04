"""The words of ControlNets."""

from pathlib import Path

from ui import text
from ui.language import say

ROOM = say("ControlNet")
INFO = say(
    "The drawing follows the lines, the depth or the pose in a picture. Give that picture as the ControlNet "
    "expects it, such as white edges on black; remove it to draw without. Start and end are shares of the "
    "steps: 0 is the first step, 1 the last."
)
PICTURE = say("Picture to follow")
MODEL = say("Which ControlNet")
MODEL_INFO = say("One from the list, or a hub id.")
WEIGHT = say("Weight")
BEGIN = say("Starts at")
END = say("Ends at")
NONE_CHOSEN = say("a picture to follow needs a ControlNet: choose one beside it, or remove the picture")
BACKWARDS = say("the ControlNet ends before it begins: move its end behind its begin")


def none_here(folder: Path) -> str:
    """Where ControlNets come from, for who has none."""
    return say(
        "No ControlNet for this model is here yet. Put the .safetensors file of one for SDXL into {folder}, "
        "or look in your A1111, ComfyUI or InvokeAI folder in Library: those in it are used in place. "
        "Another folder is named at the start, with --controlnet-dir. A hub id, such as "
        "diffusers/controlnet-canny-sdxl-1.0, is downloaded with the first picture that follows it.",
        folder=folder,
    )


def unusable(count: int) -> str:
    """How many files are not usable, above the list of them."""
    return say("{files} that cannot be used here", files=text.count(count, "file"))


def about(name: str, trouble: str) -> str:
    """A file that cannot steer this model."""
    return trouble if trouble.startswith(name) else f"{name} {trouble}"


def steered(name: str, weight: float, start: float, end: float) -> str:
    """That a ControlNet steered the drawing, and when, where that was not always."""
    if (start, end) == (0.0, 1.0):
        return say("Steered by {name} · weight {weight:g}", name=name, weight=weight)
    return say(
        "Steered by {name} · weight {weight:g}, from {start:.0%} to {end:.0%} of the steps",
        name=name,
        weight=weight,
        start=start,
        end=end,
    )
