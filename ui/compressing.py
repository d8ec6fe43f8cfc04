"""What happens when Compress is pressed."""

from collections.abc import Iterator
from typing import Any

from gradio.events import Dependency

from eigenlorax.jobs.asked import as_json
from eigenlorax.jobs.compressing import COMPRESS, CompressAsked
from eigenlorax.jobs.job import Job
from eigenlorax.subspaces.wish import Outliers, Wish
from ui import looking_text, markup, text
from ui.events import Updates
from ui.library_tab import LibraryTab
from ui.viewing import Asked, Show, Viewer


def wire_compressing(viewer: Viewer, tab: LibraryTab, opened: Dependency) -> None:
    """Connect the Compress button and the rack's own.

    Args:
        viewer: Of the tab.
        tab: The tab.
        opened: The rack's button has opened this tab. Compressing follows on that: of two listeners to one
            event the page starts the second when the first has ended.
    """

    def compress(
        names: list[str], retain: float, megabytes: float, exclude: str = "", apart: bool = False
    ) -> Iterator[Updates]:
        """Fit one shared subspace to LoRAs of the library: all usable ones when `names` is empty.

        `exclude` holds words, comma-separated; a LoRA whose name, trigger words or tags hold one is left out.

        `retain` in (0, 1] is the mean share of each LoRA's effect to keep; with `megabytes` above 0, the
        store is made as good as it can be within that size instead. `apart` looks for outliers first.
        """
        wish = Wish(
            retain=retain,
            budget=int(megabytes * 1e6) if megabytes else None,
            exclude=tuple(looking_text.words(exclude)),
            outliers=Outliers.APART if apart else Outliers.IN,
        )
        asked = as_json(CompressAsked(tuple(names), wish))
        yield from viewer.run(COMPRESS, lambda: Asked(asked, looking_text.of_loras(names)))

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
        return {tab.job: line + "".join(markup.line(words, "fair") for words in found["relations"])}

    return Show(done)
