"""Every word of the page, in one place."""

from collections.abc import Mapping, Sequence
from pathlib import Path

TITLE = "EigenLoRAx Studio"
PURPOSE = "All your SDXL styles in one small shared space: switch and blend them in milliseconds."
GENERATE_TAB = "Generate"
LIBRARY_TAB = "Library"

PROMPT = "Prompt"
PROMPT_HINT = "What the picture should show, for example: a red apple"
NEGATIVE = "Negative prompt"
NEGATIVE_HINT = "What it should not show"
ADD_TRIGGERS = "Add trigger words to the prompt"
ADD_TRIGGERS_INFO = "The words that a style in use was trained with, unless the prompt has them."
STEPS = "Steps"
GUIDANCE = "Guidance"
WIDTH = "Width"
HEIGHT = "Height"
SEED = "Seed"
SEED_INFO = "−1 draws a new one each time"
RANDOM_SEED = "Random"
REUSE_SEED = "Reuse last"
GENERATE = "Generate"
CANCEL = "Cancel"
PICTURE = "Picture"
PICTURE_TAB = "Picture"
COMPARE_TAB = "Compare"
NO_PICTURE = "Write a prompt, switch on a style or two, and press Generate."
COMPARE_ORIGINAL = "Compare with the original LoRA"
COMPARE_BASE = "Compare with no style"
COMPARISON = "Comparison"
COMPARE_HINT = (
    "Drag the handle to compare two pictures of the same prompt and seed. "
    "Press one of the two buttons below to draw them."
)
COMPARED = "Same prompt, same seed. Drag the handle on the picture."
BASE_CAPTION = "Base model, no style"
NO_SEED_YET = "there is no last seed yet: generate a picture first"

DROP = "Drop LoRA files here"
PATH = "Folder or file path"
PATH_HINT = "/home/me/stable-diffusion-webui/models/Lora"
ADD = "Add"
ADD_HEADING = "Add LoRAs"
COMPRESS_HEADING = "Compress into one subspace"
COMPRESS_INFO = (
    "Finds the directions that your LoRAs share and keeps each LoRA as a few coefficients along them. "
    "The LoRA files themselves stay as they are."
)
QUALITY = "Quality"
QUALITY_INFO = "Mean share of each LoRA's effect on predictions to keep. Higher: nearer, larger."
SIZE_LIMIT = "Or a size in MB"
SIZE_LIMIT_INFO = "Above 0, the best store within this size, headers included, whatever the quality says."
WHICH = "LoRAs to compress"
WHICH_INFO = "Leave empty for all usable ones."
COMPRESS = "Compress"
GROW = "Add the chosen ones to the subspace as it is"
REPORT = "What do these LoRAs share? (report)"
REPORT_FILE = "Report of the collection"


def started(url: str) -> str:
    """What the terminal says once the page is up."""
    return f"{TITLE} is at {url}  (Ctrl-C stops it)"


def no_port(host: str, port: int | None) -> str:
    """The page cannot listen where it was told to."""
    if port is None:
        return f"no port from 7860 to 7959 is free at {host}: choose another with --port"
    return f"port {port} at {host} cannot be used, most likely it is taken: choose another with --port"


def megabytes(count: int) -> str:
    """Bytes as people read them: "412 kB", "12.6 MB"."""
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))} kB"
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"


def ratio(before: int, after: int) -> str:
    """How much smaller, or larger, the collection has become."""
    if not before or not after:
        return ""
    return f"{before / after:.1f}× smaller" if before >= after else f"{after / before:.1f}× larger"


def count(number: int, noun: str) -> str:
    """A number and its noun: "1 style", "28 styles"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def milliseconds(value: float) -> str:
    """A time of a style switch: "0.4 ms", "12 ms"."""
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"


def drawn(switch_ms: float, steps: int, seconds: float, seed: int) -> str:
    """The line under a picture."""
    took = f"{count(steps, 'step')} in {seconds:.1f} s"
    return f"style applied in {milliseconds(switch_ms)} · {took} · seed {seed}"


def prompt_used(prompt: str) -> str:
    """The prompt as it was drawn, trigger words included."""
    return f"Prompt: {prompt}"


def saved(path: Path) -> str:
    """Where a picture lies."""
    return f"Saved: {path}"


def original_caption(name: str, strength: float) -> str:
    """The left half of a comparison with a LoRA."""
    return f"Original LoRA {name} at {strength:g}"


def style_caption(name: str, strength: float) -> str:
    """The right half of a comparison with a LoRA."""
    return f"Subspace style {name} at {strength:g}"


def blend_caption(blend: Mapping[str, float]) -> str:
    """The right half of a comparison with the base model."""
    return " + ".join(f"{name} {strength:g}" for name, strength in blend.items() if strength)


def side_times(switch_ms: float, seconds: float) -> str:
    """How long one half of a comparison took."""
    return f"applied in {milliseconds(switch_ms)}, drawn in {seconds:.1f} s"


def sharing(shared: int, modules: int) -> str:
    """Whether the LoRAs share enough for common columns to pay."""
    if shared:
        return f"{shared} of {modules} modules keep columns that all styles share."
    return "These LoRAs share too little for common columns to pay here: each keeps its own best ranks."


def compressed(styles: int, before: int, after: int, seconds: float) -> str:
    """What a compression has done, in one line."""
    size = f"{megabytes(before)} have become {megabytes(after)} ({ratio(before, after)})"
    return f"{count(styles, 'LoRA')} compressed in {seconds:.1f} s: {size}. The styles are in Generate."


def subspace(styles: int, before: int, after: int) -> str:
    """What the current subspace is, in one line."""
    return f"{count(styles, 'style')} in one subspace, {ratio(before, after)}"


def without_lora(names: Sequence[str]) -> str:
    """Styles that have no LoRA to be compared with."""
    return f"Without a LoRA to compare with, since taught or taken from cards: {', '.join(names)}"
