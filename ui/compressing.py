"""What happens when Compress is pressed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from gradio.events import Dependency

from eigenlorax.jobs.asked import as_json
from eigenlorax.jobs.compressing import COMPRESS, CompressAsked
from eigenlorax.jobs.job import Facts, Job
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import Outliers
from ui import compress_text, looking_text, markup, text
from ui.compress_estimate import wish_of
from ui.events import Updates
from ui.library_tab import LibraryTab
from ui.viewing import Asked, Show, Viewer


def wire_compressing(studio: Studio, viewer: Viewer, tab: LibraryTab, opened: Dependency) -> None:
    """Connect the Compress button and the rack's own.

    Args:
        studio: The studio.
        viewer: Of the tab.
        tab: The tab.
        opened: The rack's button has opened this tab. Compressing follows on that: of two listeners to one
            event the page starts the second when the first has ended.
    """

    def compress(
        names: list[str],
        retain: float,
        megabytes: float,
        exclude: Sequence[str] = (),
        apart: bool = False,
    ) -> Iterator[Updates]:
        """Fit one shared subspace to LoRAs of the library: all usable ones when `names` is empty.

        `exclude` holds words; a LoRA whose name, trigger words or tags hold one of them whole is left out.

        `retain` in (0, 1] is the mean share of each LoRA's effect to keep; with `megabytes` above 0, the
        store is made as good as it can be within that size instead. `apart` looks for outliers first.
        """

        def ask() -> Asked:
            wish = wish_of(retain, megabytes, exclude)
            told = studio.estimates.known(names or None, wish)
            wish = replace(wish, outliers=Outliers.APART if apart else Outliers.IN)
            foretold = (told.stored_bytes, told.quality) if told else (0, 0.0)
            asked = CompressAsked(tuple(names), wish, *foretold)
            return Asked(as_json(asked), looking_text.of_loras(names))

        yield from viewer.run(COMPRESS, ask)

    listen: dict[str, Any] = {
        "inputs": [tab.which, tab.quality, tab.size, tab.exclude, tab.outliers],
        "outputs": [tab.job, tab.cancel, viewer.seen],
        "concurrency_limit": None,
        "show_progress": "hidden",
    }
    tab.compress.click(compress, **listen, api_name="compress")
    opened.then(compress, **listen, api_visibility="private")


def show_compression(tab: LibraryTab) -> Show:
    """How a new subspace is announced; its figures come with whatever else shows the library."""

    def done(job: Job) -> Updates:
        assert job.result is not None
        found, seconds = job.result, (job.ended or 0.0) - (job.started or 0.0)
        sizes = found["original_bytes"], found["stored_bytes"]
        line = markup.line(text.compressed(len(found["styles"]), *sizes, seconds), "good")
        if job.asked.get("foretold"):
            line += markup.line(_foretold(job.asked, found), "quiet")
        return {tab.job: line + "".join(markup.line(words, "fair") for words in found["relations"])}

    return Show(done)


def _foretold(asked: Facts, found: Facts) -> str:
    """What was told beforehand beside what is true: the size, or where that was given, the quality."""
    if asked["wish"]["budget"] is None:
        return compress_text.foretold(asked["foretold"], found["stored_bytes"])
    true = fmean(style["effect_kept"] for style in found["styles"].values())
    return compress_text.foretold_quality(asked["foretold_quality"], true)
