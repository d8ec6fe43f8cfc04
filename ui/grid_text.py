"""Every word of the library's grid, its details and the folders in place."""

from collections.abc import Mapping
from pathlib import Path

from eigenlorax.formats.report import Verdict
from ui import text
from ui.language import say

HEADING = say("All LoRAs")
GRID = {
    "label": say("LoRAs and styles"),
    "search": say("Search name, title, tags, trigger words, notes"),
    "searchLabel": say("Search LoRAs"),
    "sort": say("Sort by"),
    "folder": say("Folder"),
    "anyFolder": say("All folders"),
    "ownFolder": say("This library"),
    "count": say("{shown} of {all}"),
    "countAll": say("{all} in all"),
    "none": say("Nothing here has these words and filters."),
    "clear": say("Clear search and filters"),
    "favourite": say("Favourite: {name}"),
    "open": say("Details of {name}"),
    "copy": say("Copy the trigger words {words}"),
    "copied": say("Copied"),
    "noWords": say("no trigger words"),
    "kept": say("kept"),
    "keptTitle": say("Share of the LoRA's effect on predictions that its style keeps"),
    "twin": say("twice"),
    "twinTitle": say("Another file holds the same weights"),
    "taught": say("Without a LoRA here: taught, or taken from a card"),
}
SORTS = {
    "name": say("Name"),
    "changed": say("Newest"),
    "bytes": say("Size"),
    "kept": say("Effect kept"),
    "rating": say("Rating"),
    "alike": say("Likeness to the chosen one"),
}
FILTERS = {
    "all": say("All"),
    "usable": say("Usable"),
    "styles": say("Styles"),
    "waiting": say("Not compressed"),
    "favourites": say("Favourites"),
    "problems": say("Problems"),
    "twins": say("Duplicates"),
}
DETAILS = {
    "label": say("Details"),
    "close": say("Close details"),
    "toRack": say("Show in rack"),
    "choose": say("Choose for compressing"),
    "chosen": say("Chosen"),
    "rating": say("Rating"),
    "stars": say("{count} of 5 stars"),
    "words": say("Trigger words"),
    "wordsHint": say("comma-separated, as they go into the prompt"),
    "suggested": say("Also known by:"),
    "add": say("Add {word}"),
    "tags": say("Tags"),
    "tagsHint": say("comma-separated"),
    "weight": say("Preferred strength"),
    "weightHint": say("the rack starts there; empty means 1"),
    "notes": say("Notes"),
    "saved": say("Saved in this program's own folder"),
    "kept": say("Effect kept: {share}"),
    "similar": say("Similar styles"),
    "similarNote": say("Cosine of their updates: 1 is the same direction, 0 nothing in common."),
    "similarWait": say("Compress it to see which styles are like it."),
    "twins": say("The same weights as {names}"),
    "near": say("Nearly the same style as {names}"),
    "facts": say("All that is known of it"),
    "loading": say("Reading its header …"),
}
VERDICTS = {
    Verdict.USABLE: (say("usable"), "good"),
    Verdict.PARTLY: (say("partly"), "fair"),
    Verdict.OTHER_BASE: (say("other base"), "fair"),
    Verdict.EMBEDDING: (say("embedding"), "fair"),
    Verdict.BUNDLE: ("bundle", "good"),
    Verdict.BROKEN: (say("broken"), "bad"),
}
STYLE_VERDICT = (say("style"), "good")
EMPTY = {
    "title": say("Your LoRAs appear here"),
    "ways": [
        say("Drop .safetensors files, folders or zips on the left: they are copied into this library."),
        say(
            "Or name the folder of an A1111, Forge, ComfyUI, InvokeAI or SwarmUI you have, and "
            "press “Use in place”: nothing is copied, moved or written there."
        ),
        say("Then press Compress. Each usable LoRA becomes a style that switches in milliseconds."),
    ],
}

LOOK_IN = say("Use in place")
PLACES = {
    "heading": say("Folders in place"),
    "rescan": say("Scan again"),
    "leave": say("Stop using {folder}"),
    "leaveShort": say("Stop using"),
    "troubles": say("Passed over ({count})"),
}
NO_FOLDER = say("write a folder first")

PREVIEWS = say("Previews")
PREVIEWS_INFO = say("Every style at one prompt and seed, so that their pictures compare.")
PREVIEW_PROMPT = say("Prompt of the previews")
PREVIEW_PROMPT_INFO = say("Each style's trigger words are added.")
PREVIEW_SEED = say("Seed of the previews")
PREVIEW_ALL = say("Draw also those that have a picture")
RENDER = say("Render previews")
PREVIEW_JOB = say("Previews")


def rendered(drawn: int, left: int, seconds: float) -> str:
    """What drawing previews has done."""
    told = say("{previews} drawn in {seconds:.1f} s", previews=text.count(drawn, "preview"), seconds=seconds)
    return say("{told}; {left} had one already.", told=told, left=left) if left else say("{told}.", told=told)


def in_place(kind: str, loras: int, foreign: int) -> str:
    """What a folder holds, in one line."""
    told = f"{kind} · {text.count(loras, 'LoRA')}"
    left_out = say("{foreign} other model files left out", foreign=foreign)
    return f"{told} · {left_out}" if foreign else told


def looking(done: int, total: int, what: str) -> str:
    """Progress of a scan."""
    if not total:
        return say("Looking through {what}", what=what)
    return say("Read {done} of {total} headers · {what}", done=done, total=total, what=what)


def looked(folder: Path, found: Mapping[str, int], seconds: float) -> str:
    """What a scan found: verdict -> how many."""
    total = sum(found.values())
    told = ", ".join(f"{count} {word}" for word, count in found.items()) or say("no LoRA")
    return say(
        "{folder} is used in place: {total} found in {seconds:.1f} s ({told}). Nothing in it was changed.",
        folder=folder,
        total=total,
        seconds=seconds,
        told=told,
    )


def scanned(total: int, seconds: float) -> str:
    """What scanning all folders again found."""
    return say("{total} LoRAs known after {seconds:.1f} s.", total=total, seconds=seconds)


def left(folder: Path) -> str:
    """A folder is no longer used."""
    return say(
        "{folder} is no longer used. Nothing in it was changed; styles made from it stay.", folder=folder
    )
