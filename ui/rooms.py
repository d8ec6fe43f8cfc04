"""The rooms where jobs are seen: pictures, what becomes of the collection, and what comes in."""

from typing import Any

import gradio as gr
from gradio.events import Dependency

from eigenlorax.jobs.comparing import COMPARE
from eigenlorax.jobs.compressing import CALIBRATE, COMPRESS
from eigenlorax.jobs.drawing import GENERATE, REDRAW
from eigenlorax.jobs.growing import GROW, REFIT
from eigenlorax.jobs.importing import IMPORT
from eigenlorax.jobs.looking import LOOK, REPORT
from eigenlorax.jobs.morphing import MORPH
from eigenlorax.jobs.previews import PREVIEWS
from eigenlorax.jobs.server import JobServer
from eigenlorax.jobs.versioning import USE
from eigenlorax.studio import Studio
from ui import growing_text, versions_text
from ui.adding import show_import, wire_adding
from ui.compare import show_comparison, wire_compare
from ui.compressing import show_compression, wire_compressing
from ui.generate import show_drawing, told_of, wire_generate
from ui.generate_tab import GenerateTab
from ui.grid_previews import show_previews, wire_previews
from ui.growing import show_joining, show_told, wire_growing
from ui.library_tab import LibraryTab
from ui.looking import show_look, wire_looking
from ui.morphing import show_morph, wire_morphing
from ui.reporting import show_report, wire_reporting
from ui.versions import wire_versions
from ui.viewing import Viewer

_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def wire_drawing(studio: Studio, jobs: JobServer, page: gr.Blocks, tab: GenerateTab) -> Viewer:
    """Connect all that draws pictures; returns who shows them."""
    picture = show_drawing(studio, tab)
    shows = {
        GENERATE: picture,
        REDRAW: picture,
        COMPARE: show_comparison(tab),
        MORPH: show_morph(studio, tab),
    }
    outputs = [*told_of(tab), tab.seeing.slider, tab.seeing.captions]
    viewer = Viewer(jobs, tab.seeing.status, tab.asking.cancel, shows, outputs)
    wire_generate(studio, viewer, tab)
    wire_compare(studio, viewer, tab)
    wire_morphing(studio, viewer, page, tab)
    tab.asking.cancel.click(viewer.stop, **_QUIET)
    return viewer


def wire_measuring(studio: Studio, jobs: JobServer, tab: LibraryTab, opened: Dependency) -> Viewer:
    """Connect all that makes and measures subspaces; returns who shows it.

    Args:
        studio: The studio.
        jobs: The queue.
        tab: The tab.
        opened: The rack's own button has opened the tab.
    """
    shows = {
        COMPRESS: show_compression(tab),
        GROW: show_joining(tab),
        REFIT: show_told(tab, growing_text.refitted),
        CALIBRATE: show_told(tab, growing_text.calibrated),
        LOOK: show_look(tab),
        REPORT: show_report(tab),
        PREVIEWS: show_previews(tab),
        USE: show_told(tab, versions_text.used),
    }
    viewer = Viewer(jobs, tab.job, tab.cancel, shows, [tab.sheet, tab.report_file])
    wire_compressing(studio, viewer, tab, opened)
    wire_growing(viewer, tab)
    wire_looking(viewer, tab)
    wire_reporting(viewer, tab)
    wire_previews(viewer, tab)
    wire_versions(viewer, tab.versions, tab.job, tab.cancel)
    tab.cancel.click(viewer.stop, **_QUIET)
    return viewer


def wire_incoming(studio: Studio, jobs: JobServer, tab: LibraryTab) -> Viewer:
    """Connect what brings LoRAs in; returns who shows it."""
    viewer = Viewer(jobs, tab.results, None, {IMPORT: show_import(tab)}, [])
    wire_adding(studio, viewer, tab)
    return viewer


def wire_following(strip: gr.HTML, rooms: dict[str, Viewer]) -> None:
    """Let every page look at what was asked for elsewhere, or before it was loaded; the strip says when."""
    for name, viewer in rooms.items():
        # Several at once: one may wait for long behind another that has just come.
        getattr(strip, name)(
            viewer.follow,
            viewer.seen,
            viewer.outputs,
            trigger_mode="multiple",
            concurrency_limit=None,
            **_QUIET,
        )
