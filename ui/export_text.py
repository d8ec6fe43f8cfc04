"""Every word of the Export tab, in one place."""

from collections.abc import Mapping

from ui.language import say
from ui.text import blend_caption, count, megabytes

TAB = say("Export")
HEADING = say("Take styles elsewhere")
INFO = say(
    "What is on in Generate, one style or a blend, becomes a LoRA that A1111, ComfyUI, "
    "InvokeAI, kohya, diffusers and PEFT load. It is read back and compared before you "
    "get it."
)
WHAT = say("What to export")
EXPORTS = [
    (say("The style or blend in Generate, as one LoRA"), "blend"),
    (say("An original LoRA, in another format"), "lora"),
    (say("One style as a style card: a picture that carries it"), "card"),
    (say("All styles with their subspace, as one bundle"), "bundle"),
    (say("The model with the blend merged in"), "checkpoint"),
]
ORIGINAL = say("Original LoRA")
STYLE = say("Style")
CARD_FOR = say("For whom")
CARD_KINDS = [
    (say("Everyone with this base model"), "whole"),
    (say("Those who have this subspace: the smallest"), "light"),
]
CARD_PROMPTS = say("What it shows")
CARD_PROMPTS_INFO = say("One to three prompts, one a line; trigger words come by themselves.")
NO_STYLE = say("choose a style to write as a card")
DOWNLOAD_CARD = say("Download the card")
NAME = say("Name")
NAME_HINT = say("Left empty, the styles give the name")
DIALECT = say("Format")
DIALECTS = [
    (say("kohya, sgm names: A1111, Forge, ComfyUI, InvokeAI"), "kohya-sgm"),
    (say("kohya, diffusers names"), "kohya-diffusers"),
    (say("diffusers: load_lora_weights"), "diffusers"),
    (say("PEFT: a folder with adapter_config.json"), "peft"),
]
RANK_LIMIT = say("Largest rank")
RANK_LIMIT_INFO = say("0 keeps every direction. A lower rank makes a smaller file and a larger error.")
TRIGGERS = say("Trigger words")
TRIGGERS_HINT = say("Left empty, those of the styles")
DESCRIPTION = say("Description")
LICENCE = say("Licence")
PRECISION = say("Precision")
EXPORT = say("Export")
PREDICT = say("Predict")
EMPTY = say("Choose a format, and press Predict to see error and size before anything is written.")
EXPORTED_FILE = say("Exported file")
PREDICTED = say("This is what you will get")
EXPORTED = say("Written, read back and compared")
FILE = say("File")
ERROR = say("Relative weight error")
READ_BACK = say("Error of the file as read back")
SIZE = say("Size")
RANK = say("Rank")
MODULES = say("Modules")
LEFT_OUT = say("Left out by this format")


def blend_on(blend: Mapping[str, float]) -> str:
    """Which styles are on in Generate, for who is about to export them."""
    styles = blend_caption(blend)
    if not styles:
        return say("Nothing is on in Generate: switch a style on there first.")
    return say("On in Generate: {styles}", styles=styles)


def bundled(styles: int, size: int) -> str:
    """What a bundle holds."""
    return say(
        "{styles} and their subspace in one file of {size}",
        styles=count(styles, "style"),
        size=megabytes(size),
    )


def carded(name: str, carried: int, size: int) -> str:
    """What a style card is."""
    return say(
        "This picture of {size} carries {name} ({carried}). Drop it into Library to bring the style back.",
        size=megabytes(size),
        name=name,
        carried=megabytes(carried),
    )


def merged(size: int, blend: Mapping[str, float]) -> str:
    """What a merged model is."""
    styles = blend_caption(blend) or say("no style")
    return say(
        "The base with {styles} in its weights, {size}; loaded again, every weight compared",
        styles=styles,
        size=megabytes(size),
    )


def left_out(modules: int, share: float) -> str:
    """What a format cannot hold."""
    told = count(modules, "module")
    return say("{modules}, {share:.1%} of the squared change", modules=told, share=share)
