"""A training on the page: looked at once a second while it goes on, and found again after a reload."""

from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.components import Component

from eigenlorax.errors import StudioError
from eigenlorax.jobs.job import Job
from eigenlorax.jobs.server import JobServer
from eigenlorax.studio import Studio
from ui import markup
from ui.events import warn
from ui.train_tab import TrainTab
from ui.train_view import View, view

_LOOK_S = 1.0

Changes = dict[Any, Any]


class Watch:
    """Keeps one tab's page as the job server has it; what has not changed is not sent again.

    Attributes:
        seen: What this page shows by now; None before it has looked.
        timer: Ticks only while there is more to come.
    """

    def __init__(self, studio: Studio, jobs: JobServer, tab: TrainTab) -> None:
        self._studio, self._jobs, self._tab = studio, jobs, tab
        self.seen = gr.State(None)
        self.timer = gr.Timer(_LOOK_S, active=False)

    @property
    def shown(self) -> list[Component | gr.Row]:
        """Everything that a look can change."""
        tab, watching = self._tab, self._tab.watching
        return [
            watching.status, watching.curve, watching.film, watching.words, watching.ends, watching.card_told,
            watching.acts, watching.pause, watching.resume, watching.cancel, tab.told, self.seen, self.timer,
        ]  # fmt: skip

    def look(self, seen: View | None) -> Changes:
        """What has changed since the page looked last."""
        now = view(self._jobs, ready=bool(self._studio.styles))
        if now == seen:
            return {self.seen: now}
        before, watching = seen or View(), self._tab.watching
        changes: Changes = {
            getattr(watching, part): getattr(now, part)
            for part in ("status", "curve", "film", "words")
            if getattr(now, part) != getattr(before, part)
        }
        if now.job != before.job:
            changes[watching.card_told] = ""
        return changes | self._buttons(now) | {self.seen: now}

    def acting(self, act: Callable[[int], Job]) -> Callable[[View | None], Changes]:
        """A button's handler that does something to the training that is shown."""

        def acted(seen: View | None) -> Changes:
            return self.after(seen, lambda: act(seen.job) if seen else None)

        return acted

    def after(self, seen: View | None, act: Callable[[], object]) -> Changes:
        """Do something with the queue, then look; a refusal is one line beside the buttons."""
        try:
            act()
        except StudioError as error:
            return {self._tab.told: markup.line(warn(error), "bad")}
        return {self._tab.told: "", **self.look(seen)}

    def _buttons(self, now: View) -> Changes:
        watching = self._tab.watching
        return {
            watching.ends: gr.update(visible=bool(now.style)),
            watching.acts: gr.update(visible=now.can_pause or now.can_resume or now.can_cancel),
            watching.pause: gr.update(visible=now.can_pause),
            watching.resume: gr.update(visible=now.can_resume),
            watching.cancel: gr.update(visible=now.can_cancel),
            self.timer: gr.Timer(active=now.live),
        }
