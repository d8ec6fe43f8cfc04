"""The line under the Compress form: what it is going to take, as soon as a choice is made."""

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any

import gradio as gr

from eigenlorax.errors import StudioError
from eigenlorax.studio import Studio
from eigenlorax.subspaces.estimate import SizeEstimate
from eigenlorax.subspaces.wish import Wish
from ui import compress_text, looking_text, queue_text
from ui.library_tab import LibraryTab


def wire_estimate(
    studio: Studio, tab: LibraryTab, opened: Callable[..., Any], renewed: Callable[..., Any]
) -> None:
    """Let the line follow the form.

    Args:
        studio: The studio.
        tab: The tab.
        opened: The event that the tab is opened.
        renewed: The event that the library has changed, as a piece of HTML fires it.
    """

    def estimate(names: list[str], retain: float, megabytes: float, exclude: list[str]) -> Iterator[str]:
        """What a compression will take; it comes in parts, each from more modules."""
        wish = wish_of(retain, megabytes, exclude)
        try:
            # Something is told in any case: what a silent handler might change, Gradio empties.
            yield estimate_line(studio.estimates.known(names or None, wish), wish)
            for told in studio.estimates.estimate(names or None, wish):
                yield estimate_line(told, wish)
        except StudioError as error:
            yield _lines(queue_text.sentence(str(error)), "")

    def again(shown: str, *form: Any) -> Iterator[str]:
        """The same once the library has changed, for a page whose tab was opened before."""
        if not shown:
            yield ""
            return
        yield from estimate(*form)

    form = [tab.which, tab.quality, tab.size, tab.exclude]
    changes = [tab.quality.release, tab.size.change, tab.which.change, tab.exclude.change, opened]
    listen: dict[str, Any] = {
        "outputs": tab.estimate,
        "trigger_mode": "multiple",
        "concurrency_limit": None,
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    gr.on(changes, estimate, form, **listen)
    renewed(again, [tab.estimate, *form], **listen)


def wish_of(retain: float, megabytes: float, exclude: Sequence[str]) -> Wish:
    """How near, how small and without whom, as the form says; outliers are the button's business."""
    budget = int(megabytes * 1e6) if megabytes else None
    return Wish(retain=retain, budget=budget, exclude=tuple(looking_text.words(",".join(exclude))))


def estimate_line(told: SizeEstimate | None, wish: Wish) -> str:
    """The estimate; that it is being measured where there is none."""
    if told is None:
        return _lines(compress_text.MEASURING, "")
    return _lines(*compress_text.estimated(told, by_size=wish.budget is not None))


def _lines(words: str, basis: str) -> str:
    below = f"<small>{escape(basis)}</small>" if basis else ""
    return f'<p class="estimate" role="status"><b>{escape(words)}</b>{below}</p>'
