"""Every word of the library's grid, its details and the folders in place."""

from collections.abc import Mapping
from pathlib import Path

from eigenlorax.formats.report import Verdict

HEADING = "All LoRAs"
GRID = {
    "label": "LoRAs and styles",
    "search": "Search name, title, tags, trigger words, notes",
    "searchLabel": "Search LoRAs",
    "sort": "Sort by",
    "folder": "Folder",
    "anyFolder": "All folders",
    "ownFolder": "This library",
    "count": "{shown} of {all}",
    "countAll": "{all} in all",
    "none": "Nothing here has these words and filters.",
    "clear": "Clear search and filters",
    "favourite": "Favourite: {name}",
    "open": "Details of {name}",
    "copy": "Copy the trigger words {words}",
    "copied": "Copied",
    "noWords": "no trigger words",
    "kept": "kept",
    "keptTitle": "Share of the LoRA's effect on predictions that its style keeps",
    "twin": "twice",
    "twinTitle": "Another file holds the same weights",
    "taught": "Without a LoRA here: taught, or taken from a card",
}
SORTS = {
    "name": "Name",
    "changed": "Newest",
    "bytes": "Size",
    "kept": "Effect kept",
    "rating": "Rating",
    "alike": "Likeness to the chosen one",
}
FILTERS = {
    "all": "All",
    "usable": "Usable",
    "styles": "Styles",
    "waiting": "Not compressed",
    "favourites": "Favourites",
    "problems": "Problems",
    "twins": "Duplicates",
}
DETAILS = {
    "label": "Details",
    "close": "Close details",
    "toRack": "Show in rack",
    "choose": "Choose for compressing",
    "chosen": "Chosen",
    "rating": "Rating",
    "stars": "{count} of 5 stars",
    "words": "Trigger words",
    "wordsHint": "comma-separated, as they go into the prompt",
    "suggested": "Also known by:",
    "add": "Add {word}",
    "tags": "Tags",
    "tagsHint": "comma-separated",
    "weight": "Preferred strength",
    "weightHint": "the rack starts there; empty means 1",
    "notes": "Notes",
    "saved": "Saved in this program's own folder",
    "kept": "Effect kept: {share}",
    "similar": "Similar styles",
    "similarNote": "Cosine of their updates: 1 is the same direction, 0 nothing in common.",
    "similarWait": "Compress it to see which styles are like it.",
    "twins": "The same weights as {names}",
    "near": "Nearly the same style as {names}",
    "facts": "All that is known of it",
    "loading": "Reading its header …",
}
VERDICTS = {
    Verdict.USABLE: ("usable", "good"),
    Verdict.PARTLY: ("partly", "fair"),
    Verdict.OTHER_BASE: ("other base", "fair"),
    Verdict.EMBEDDING: ("embedding", "fair"),
    Verdict.BUNDLE: ("bundle", "good"),
    Verdict.BROKEN: ("broken", "bad"),
}
STYLE_VERDICT = ("style", "good")
EMPTY = {
    "title": "Your LoRAs appear here",
    "ways": [
        "Drop .safetensors files, folders or zips on the left: they are copied into this library.",
        "Or name the folder of an A1111, Forge, ComfyUI, InvokeAI or SwarmUI you have, and press "
        "“Use in place”: nothing is copied, moved or written there.",
        "Then press Compress. Each usable LoRA becomes a style that switches in milliseconds.",
    ],
}

LOOK_IN = "Use in place"
PLACES = {
    "heading": "Folders in place",
    "rescan": "Scan again",
    "leave": "Stop using {folder}",
    "leaveShort": "Stop using",
    "troubles": "Passed over ({count})",
}
NO_FOLDER = "write a folder first"

PREVIEWS = "Previews"
PREVIEWS_INFO = "Every style at one prompt and seed, so that their pictures compare."
PREVIEW_PROMPT = "Prompt of the previews"
PREVIEW_PROMPT_INFO = "Each style's trigger words are added."
PREVIEW_SEED = "Seed of the previews"
PREVIEW_ALL = "Draw also those that have a picture"
RENDER = "Render previews"
PREVIEW_JOB = "Previews"


def rendered(drawn: int, left: int, seconds: float) -> str:
    """What drawing previews has done."""
    told = f"{drawn} preview{'' if drawn == 1 else 's'} drawn in {seconds:.1f} s"
    return f"{told}; {left} had one already." if left else f"{told}."


def in_place(kind: str, loras: int, foreign: int) -> str:
    """What a folder holds, in one line."""
    told = f"{kind} · {loras} LoRA" + ("" if loras == 1 else "s")
    return f"{told} · {foreign} other model files left out" if foreign else told


def looking(done: int, total: int, what: str) -> str:
    """Progress of a scan."""
    return f"Read {done} of {total} headers · {what}" if total else f"Looking through {what}"


def looked(folder: Path, found: Mapping[str, int], seconds: float) -> str:
    """What a scan found: verdict -> how many."""
    total = sum(found.values())
    told = ", ".join(f"{count} {word}" for word, count in found.items()) or "no LoRA"
    return f"{folder} is used in place: {total} found in {seconds:.1f} s ({told}). Nothing in it was changed."


def scanned(total: int, seconds: float) -> str:
    """What scanning all folders again found."""
    return f"{total} LoRAs known after {seconds:.1f} s."


def left(folder: Path) -> str:
    """A folder is no longer used."""
    return f"{folder} is no longer used. Nothing in it was changed; styles made from it stay."
