"""The spectrum in the library: measured when it is first opened, and shown as it is from then on."""

from collections.abc import Iterator
from dataclasses import dataclass

import gradio as gr

from eigenlorax.errors import StudioError
from eigenlorax.studio import Studio
from ui import markup, spectrum_text
from ui.events import Updates, warn
from ui.panel import panel
from ui.spectrum_plot import spectrum_plot


@dataclass(frozen=True)
class SpectrumRoom:
    """What opens, and what is in it."""

    fold: gr.Accordion
    plot: gr.HTML


def spectrum_room(studio: Studio) -> SpectrumRoom:
    """Lay it out, closed."""
    with gr.Accordion(spectrum_text.TITLE, open=False, elem_id="spectrum-room") as fold:
        plot = panel(known_plot(studio), elem_id="spectrum")
    return SpectrumRoom(fold, plot)


def known_plot(studio: Studio) -> str:
    """The plot, where it was measured before; else nothing."""
    known = studio.spectra.known
    return "" if known is None else spectrum_plot(known)


def wire_spectrum(studio: Studio, room: SpectrumRoom) -> None:
    """Measure when it opens."""

    def opened() -> Iterator[Updates]:
        """The spectrum of the current subspace."""
        try:
            work = studio.spectra.spectrum()
            while True:
                event = next(work)
                words = spectrum_text.measuring(event.done, event.total)
                yield {room.plot: markup.progress(words, event.done, event.total)}
        except StopIteration as end:
            yield {room.plot: spectrum_plot(end.value)}
        except StudioError as error:
            yield {room.plot: markup.line(warn(error), "bad")}

    room.fold.expand(
        opened, None, room.plot, concurrency_limit=1, show_progress="hidden", api_visibility="private"
    )


def renewed_spectrum(studio: Studio, room: SpectrumRoom) -> Updates:
    """After a change of the subspace: folded again, unless what it shows is known."""
    known = known_plot(studio)
    return {room.plot: known} if known else {room.plot: "", room.fold: gr.Accordion(open=False)}
