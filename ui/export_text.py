"""Every word of the Export tab, in one place."""

from collections.abc import Mapping

from ui.text import blend_caption, count, megabytes

TAB = "Export"
HEADING = "Take styles elsewhere"
INFO = (
    "A style, or the blend that is on in Generate, becomes a LoRA that A1111, ComfyUI, InvokeAI, kohya, "
    "diffusers and PEFT load. It is read back and compared before you get it."
)
WHAT = "What to export"
EXPORTS = [
    ("The blend in Generate, as one LoRA", "blend"),
    ("An original LoRA, in another format", "lora"),
    ("One style as a style card: a picture that carries it", "card"),
    ("All styles with their subspace, as one bundle", "bundle"),
    ("The model with the blend merged in", "checkpoint"),
]
ORIGINAL = "Original LoRA"
STYLE = "Style"
CARD_FOR = "For whom"
CARD_KINDS = [
    ("Everyone with this base model", "whole"),
    ("Those who have this subspace: the smallest", "light"),
]
CARD_PROMPTS = "What it shows"
CARD_PROMPTS_INFO = "One to three prompts, one a line; trigger words come by themselves."
NO_STYLE = "choose a style to write as a card"
DOWNLOAD_CARD = "Download the card"
NAME = "Name"
NAME_HINT = "Left empty, the styles give the name"
DIALECT = "Format"
DIALECTS = [
    ("kohya, sgm names: A1111, Forge, ComfyUI, InvokeAI", "kohya-sgm"),
    ("kohya, diffusers names", "kohya-diffusers"),
    ("diffusers: load_lora_weights", "diffusers"),
    ("PEFT: a folder with adapter_config.json", "peft"),
]
RANK_LIMIT = "Largest rank"
RANK_LIMIT_INFO = "0 keeps every direction. A lower rank makes a smaller file and a larger error."
TRIGGERS = "Trigger words"
TRIGGERS_HINT = "Left empty, those of the styles"
DESCRIPTION = "Description"
LICENCE = "Licence"
PRECISION = "Precision"
EXPORT = "Export"
PREDICT = "Predict"
EMPTY = "Switch styles on in Generate, choose a format, and press Predict to see error and size first."
EXPORTED_FILE = "Exported file"
PREDICTED = "This is what you will get"
EXPORTED = "Written, read back and compared"
FILE = "File"
ERROR = "Relative weight error"
READ_BACK = "Error of the file as read back"
SIZE = "Size"
RANK = "Rank"
MODULES = "Modules"
LEFT_OUT = "Left out by this format"


def bundled(styles: int, size: int) -> str:
    """What a bundle holds."""
    return f"{count(styles, 'style')} and their subspace in one file of {megabytes(size)}"


def carded(name: str, carried: int, size: int) -> str:
    """What a style card is."""
    return (
        f"This picture of {megabytes(size)} carries {name} ({megabytes(carried)}). "
        "Drop it into Library to bring the style back."
    )


def merged(size: int, blend: Mapping[str, float]) -> str:
    """What a merged model is."""
    styles = blend_caption(blend) or "no style"
    return f"The base with {styles} in its weights, {megabytes(size)}; loaded again, every weight compared"
