"""The words of the gallery."""

from ui import text
from ui.language import say

TAB = say("Gallery")
GALLERY = say("All pictures")
SEARCH = say("Search prompts")
STYLE = say("Style")
ANY_STYLE = say("Any style")
SEVERAL = say("Choose several")
COMPARE = say("Compare")
DELETE = say("Delete")
CLEAR = say("Clear")
UNDO = say("Undo")
BACK = say("Back to the pictures")
LARGER = say("Larger")
AGAIN = say("Draw again")
SEND = say("Send to Generate")
START = say("Start from it")
TEACH = say("Train with it")
COPY = say("Copy settings")
COPIED = say("Copied")
SETTINGS = say("Settings as text")
PROMPT = say("Prompt")
NEGATIVE = say("Not wanted")
NO_SETTINGS = say("This picture tells no settings.")
SAME = say("Both pictures have the same settings.")
SPLIT = say("Where the right picture begins")
DAMAGED = say("damaged")
EMPTY_TITLE = say("No pictures yet")
EMPTY = say("Every picture that is drawn is kept here with its settings, the newest first.")
NOTHING = say("No picture has this in its prompt or style.")
HELP = say(
    "Arrow keys move, Enter enlarges, Space chooses for Compare or Delete, the Delete "
    "key puts a picture into the trash."
)
ANIMATION = say("moving picture")
STEERED = say(
    "a ControlNet steered it with a picture that is not kept: send it to Generate, and put that "
    "picture under ControlNet"
)
DRAWN_OVER = say(
    "it was drawn over a picture, which is not kept: send it to Generate, and put that "
    "picture under Start from a picture"
)

PICTURES = say("{0} pictures")
PICTURE = say("1 picture")
CHOSEN = say("{0} chosen")
DELETED = say("{0} in the trash")
TRASH = say("Trash: {0}")
EMPTY_TRASH = say("{0} in the trash: delete for good? That cannot be undone.")
FOR_GOOD = say("Delete for good")
KEEP = say("Keep them")
EMPTIED = say("{0} deleted for good")
BROUGHT_BACK = say("{0} brought back")
LOST = say("The program does not answer: is it still running?")

FACTS = {
    "seed": say("Seed"),
    "steps": say("Steps"),
    "sampler": say("Sampler"),
    "schedule": say("Schedule"),
    "guidance": say("Guidance"),
    "size": say("Size"),
    "clip_skip": say("Clip skip"),
    "variation_seed": say("Variation seed"),
    "variation_strength": say("Variation"),
    "guidance_rescale": say("Guidance rescale"),
    "hires": say("Hires fix"),
    "denoise": say("Denoising"),
    "styles": say("Styles"),
    "model": say("Model"),
    "source": say("Written by"),
    "file": say("File"),
}


def held(pictures: int, bytes: int) -> str:
    """What lies in the trash: "12 pictures, 34.5 MB"."""
    return f"{text.count(pictures, 'picture')}, {text.megabytes(bytes)}"
