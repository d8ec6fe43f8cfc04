"""The words of the gallery."""

TAB = "Gallery"
GALLERY = "All pictures"
SEARCH = "Search prompts"
STYLE = "Style"
ANY_STYLE = "Any style"
SEVERAL = "Choose several"
COMPARE = "Compare"
DELETE = "Delete"
CLEAR = "Clear"
UNDO = "Undo"
BACK = "Back to the pictures"
LARGER = "Larger"
AGAIN = "Draw again"
SEND = "Send to Generate"
START = "Start from it"
TEACH = "Train with it"
COPY = "Copy settings"
COPIED = "Copied"
SETTINGS = "Settings as text"
PROMPT = "Prompt"
NEGATIVE = "Not wanted"
NO_SETTINGS = "This picture tells no settings."
SAME = "Both pictures have the same settings."
SPLIT = "Where the right picture begins"
DAMAGED = "damaged"
EMPTY_TITLE = "No pictures yet"
EMPTY = "Every picture that is drawn is kept here with its settings, the newest first."
NOTHING = "No picture has this in its prompt or style."
HELP = (
    "Arrow keys move, Enter enlarges, Space chooses for Compare or Delete, the Delete key puts a picture "
    "into the trash."
)
ANIMATION = "moving picture"
DRAWN_OVER = (
    "it was drawn over a picture, which is not kept: send it to Generate, and put that picture under Start "
    "from a picture"
)

PICTURES = "{0} pictures"
PICTURE = "1 picture"
CHOSEN = "{0} chosen"
DELETED = "{0} in the trash"
BROUGHT_BACK = "{0} brought back"
LOST = "The program does not answer: is it still running?"

FACTS = {
    "seed": "Seed",
    "steps": "Steps",
    "sampler": "Sampler",
    "schedule": "Schedule",
    "guidance": "Guidance",
    "size": "Size",
    "clip_skip": "Clip skip",
    "variation_seed": "Variation seed",
    "variation_strength": "Variation",
    "guidance_rescale": "Guidance rescale",
    "hires": "Hires fix",
    "denoise": "Denoising",
    "styles": "Styles",
    "model": "Model",
    "source": "Written by",
    "file": "File",
}
