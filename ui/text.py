"""Every word of the page, in one place."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ui.language import say

TITLE = "EigenLoRAx Studio"
PURPOSE = say("All your SDXL styles in one small shared space: switch and blend them in milliseconds.")
GENERATE_TAB = say("Generate")
LIBRARY_TAB = say("Library")

PROMPT = say("Prompt")
PROMPT_HINT = say("What the picture should show, for example: a red apple")
NEGATIVE = say("Negative prompt")
NEGATIVE_HINT = say("What it should not show")
ADD_TRIGGERS = say("Add trigger words to the prompt")
ADD_TRIGGERS_INFO = say("The words that a style in use was trained with, unless the prompt has them.")
STEPS = say("Steps")
GUIDANCE = say("Guidance")
WIDTH = say("Width")
HEIGHT = say("Height")
SEED = say("Seed")
SEED_INFO = say("−1 draws a new one each time")
RANDOM_SEED = say("Random")
REUSE_SEED = say("Reuse last")
GENERATE = say("Generate")
CANCEL = say("Cancel")
PICTURE = say("Picture")
PICTURE_TAB = say("Picture")
COMPARE_TAB = say("Compare")
PICTURE_PLACE = say("Your picture appears here")
NO_PICTURE = say("Write a prompt, switch on a style or two, and press Generate.")
COMPARE_ORIGINAL = say("Compare with the original LoRA")
COMPARE_BASE = say("Compare with no style")
COMPARISON = say("Comparison")
COMPARE_HINT = say(
    "Drag the handle to compare two pictures of the same prompt and seed. Press one of "
    "the two buttons below to draw them."
)
COMPARED = say("Same prompt, same seed. Drag the handle on the picture.")
BASE_CAPTION = say("Base model, no style")
NO_SEED_YET = say("there is no last seed yet: generate a picture first")

DROP = say("Drop LoRA files here")
PATH = say("Folder or file path")
PATH_HINT = "/home/me/stable-diffusion-webui/models/Lora"
ADD = say("Add")
ADD_HEADING = say("Add LoRAs")
COMPRESS_HEADING = say("Compress into one subspace")
COMPRESS_INFO = say(
    "Finds the directions that your LoRAs share and keeps each LoRA as a few "
    "coefficients along them. The LoRA files themselves stay as they are."
)
QUALITY = say("Quality")
QUALITY_INFO = say("Mean share of each LoRA's effect on predictions to keep. Higher: nearer, larger.")
SIZE_LIMIT = say("Or a size in MB")
SIZE_LIMIT_INFO = say(
    "Above 0, the best store within this size, headers included, whatever the quality says."
)
WHICH = say("LoRAs to compress")
WHICH_INFO = say("Leave empty for all usable ones.")
COMPRESS = say("Compress")
GROW = say("Add the chosen ones to the subspace as it is")
REPORT = say("What do these LoRAs share? (report)")
REPORT_FILE = say("Report of the collection")


def started(url: str, **others: str) -> str:
    """What the terminal says once the page is up.

    Args:
        url: The page's.
        others: What else is open there, such as "api" -> its address.
    """
    page = say("{title} is at {url}  (Ctrl-C stops it)", title=TITLE, url=url)
    return "\n".join([page, *(f"{name.upper()}: {address}" for name, address in others.items())])


def no_port(host: str, port: int | None) -> str:
    """The page cannot listen where it was told to."""
    if port is None:
        return say("no port from 7860 to 7959 is free at {host}: choose another with --port", host=host)
    return say(
        "port {port} at {host} cannot be used, most likely it is taken: choose another with --port",
        port=port,
        host=host,
    )


def megabytes(count: int) -> str:
    """Bytes as people read them: "412 kB", "12.6 MB"."""
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))} kB"
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"


def ratio(before: int, after: int) -> str:
    """How much smaller, or larger, the collection has become."""
    if not before or not after:
        return ""
    if before >= after:
        return say("{times:.1f}× smaller", times=before / after)
    return say("{times:.1f}× larger", times=after / before)


def count(number: int, noun: str) -> str:
    """A number and its noun: "1 style", "28 styles"; the table holds both, as "{number} style"."""
    return say(f"{{number}} {noun}" if number == 1 else f"{{number}} {noun}s", number=number)


def milliseconds(value: float) -> str:
    """A time of a style switch: "0.4 ms", "12 ms"."""
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"


def drawn(switch_ms: float, steps: int, seconds: float, seed: int) -> str:
    """The line under a picture."""
    took = say("{steps} in {seconds:.1f} s", steps=count(steps, "step"), seconds=seconds)
    return say(
        "style applied in {time} · {took} · seed {seed}", time=milliseconds(switch_ms), took=took, seed=seed
    )


def prompt_used(prompt: str) -> str:
    """The prompt as it was drawn, trigger words included."""
    return say("Prompt: {prompt}", prompt=prompt)


def saved(path: Path) -> str:
    """Where a picture lies."""
    return say("Saved: {path}", path=path)


def original_caption(name: str, strength: float) -> str:
    """The left half of a comparison with a LoRA."""
    return say("Original LoRA {name} at {strength:g}", name=name, strength=strength)


def style_caption(name: str, strength: float) -> str:
    """The right half of a comparison with a LoRA."""
    return say("Subspace style {name} at {strength:g}", name=name, strength=strength)


def blend_caption(blend: Mapping[str, float]) -> str:
    """The right half of a comparison with the base model."""
    return " + ".join(f"{name} {strength:g}" for name, strength in blend.items() if strength)


def side_times(switch_ms: float, seconds: float) -> str:
    """How long one half of a comparison took."""
    return say("applied in {time}, drawn in {seconds:.1f} s", time=milliseconds(switch_ms), seconds=seconds)


def sharing(shared: int, modules: int) -> str:
    """Whether the LoRAs share enough for common columns to pay."""
    if shared:
        return say(
            "{shared} of {modules} modules keep columns that all styles share.",
            shared=shared,
            modules=modules,
        )
    return say("These LoRAs share too little for common columns to pay here: each keeps its own best ranks.")


def compressed(styles: int, before: int, after: int, seconds: float) -> str:
    """What a compression has done, in one line."""
    size = say(
        "{before} have become {after} ({ratio})",
        before=megabytes(before),
        after=megabytes(after),
        ratio=ratio(before, after),
    )
    return say(
        "{loras} compressed in {seconds:.1f} s: {size}. The styles are in Generate.",
        loras=count(styles, "LoRA"),
        seconds=seconds,
        size=size,
    )


def subspace(styles: int, before: int, after: int) -> str:
    """What the current subspace is, in one line."""
    return say("{styles} in one subspace, {ratio}", styles=count(styles, "style"), ratio=ratio(before, after))


def without_lora(names: Sequence[str]) -> str:
    """Styles that have no LoRA to be compared with."""
    return say(
        "Without a LoRA to compare with, since taught or taken from cards: {names}", names=", ".join(names)
    )
