"""The versions of the subspace on the page: one line that goes back, and all of them behind it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import gradio as gr

from eigenlorax.jobs.asked import as_json
from eigenlorax.jobs.job import Job
from eigenlorax.jobs.server import JobServer
from eigenlorax.jobs.versioning import USE, UseAsked
from eigenlorax.library.versions import Version
from eigenlorax.studio import Studio
from ui import queue_text, versions_text
from ui.events import Updates
from ui.panel import panel, read_asset
from ui.viewing import Asked, Viewer

_MAKERS = ("compress", "grow", "refit", "calibrate", "train", "import")
#: Seconds between the end of a job and the file that it wrote last.
_SLACK = 2.0


def versions_list() -> gr.HTML:
    """The list, which waits for `versions_props`."""
    return panel(
        "",
        script="versions.js",
        html_template=read_asset("versions.html"),
        label=versions_text.LABEL,
        elem_id="versions",
        versions=[],
        before=None,
        words=versions_text.WORDS,
    )


def versions_props(studio: Studio, jobs: JobServer) -> dict[str, Any]:
    """What the list shows: all versions, the newest first, and the one before that in use."""
    versions, history, now = studio.growth.versions(), jobs.jobs(), datetime.now(UTC)
    rows = [
        {
            "name": one.name,
            "when": versions_text.when(one.saved, now),
            "told": versions_text.facts(len(one.styles), one.file_bytes, made_by(one, history)),
            "open": one.is_open,
        }
        for one in versions
    ]
    place = next((place for place, one in enumerate(versions) if one.is_open), len(versions))
    earlier = versions[place + 1] if place + 1 < len(versions) else None
    told = earlier and versions_text.before(versions_text.when(earlier.saved, now), len(earlier.styles))
    before = {"name": earlier.name, "told": told} if earlier else None
    return {"versions": rows, "before": before, "words": versions_text.WORDS}


def made_by(version: Version, history: Sequence[Job]) -> str:
    """What the work is called that ran when a version was written; empty where history does not reach."""
    at = version.saved.timestamp()
    for job in history:
        if job.kind in _MAKERS and job.started is not None:
            ended = job.ended if job.ended is not None else at
            if job.started <= at <= ended + _SLACK:
                return queue_text.kind(job.kind)
    return ""


def wire_versions(viewer: Viewer, versions: gr.HTML, status: gr.HTML, cancel: gr.Button) -> None:
    """Connect its buttons."""

    def use(event: gr.EventData) -> Iterator[Updates]:
        """Open a version that is kept."""
        title = versions_text.TITLE.format(when=event.when)
        yield from viewer.run(USE, lambda: Asked(as_json(UseAsked(event.name)), title))

    versions.use(
        use, None, [status, cancel, viewer.seen], concurrency_limit=None, show_progress="hidden",
        api_visibility="private",
    )  # fmt: skip
