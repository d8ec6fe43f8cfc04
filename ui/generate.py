"""What happens when Generate is pressed."""

import secrets
from collections.abc import Generator, Iterator
from typing import Any

import gradio as gr
from gradio.events import Dependency

from eigenlorax.easel import Drawing
from eigenlorax.recipe import MAX_SEED, GenerationRequest
from eigenlorax.runtime.paint import Preview, Step
from eigenlorax.studio import Finished, Studio
from ui import markup, text
from ui.events import GPU, Updates, drive
from ui.generate_tab import GenerateTab, Seeing
from ui.rack import strengths, with_trigger_words

Values = dict[str, Any]
PREVIEW_EVERY = 2
"""Steps from one preview to the next."""
PREVIEW_ZOOM = 8
"""A preview has a pixel for each place in the latents, of which the VAE makes 8 x 8."""
Drawn = tuple[GenerationRequest, Finished]


def wire_generate(studio: Studio, tab: GenerateTab) -> list[Dependency]:
    """Connect Generate and the rack's live mode; returns their events, so that Cancel can stop them."""
    asking, seeing = tab.asking, tab.seeing

    def drawing(values: Values) -> Iterator[Updates]:
        return drive(
            draw(studio, values),
            lambda event: seen(seeing, event) | {asking.cancel: gr.update(interactive=True)},
            lambda drawn, seconds: _finished(seeing, drawn, seconds) | {asking.cancel: idle()},
            lambda reason: {seeing.status: markup.line(reason, "bad"), asking.cancel: idle()},
        )

    def generate(**values: Any) -> Iterator[Updates]:
        """Draw one picture in a blend of styles and save it with its recipe inside.

        `styles` is a JSON text such as {"neon": {"strength": 0.8}}; a seed of -1 draws a new one.
        Yields the picture's file, a line about it and the seed; progress lines before that.
        """
        yield from drawing(values)

    def redraw(**values: Any) -> Iterator[Updates]:
        """Draw the last picture again with the styles as they are now."""
        yield from drawing(same_seed(values))

    asking.random.click(lambda: -1, outputs=asking.fields["seed"], api_visibility="private")
    asking.reuse.click(_reused_seed, seeing.last_seed, asking.fields["seed"], api_visibility="private")
    drawn: dict[str, Any] = {
        "inputs_kwargs": tab.inputs,
        "outputs": [seeing.picture, seeing.status, seeing.last_seed, seeing.views, asking.cancel],
        "concurrency_id": GPU,
        "concurrency_limit": 1,
        "show_progress": "hidden",
    }
    asked = [asking.generate.click, asking.fields["prompt"].submit]
    return [
        # "once" would swallow a press right after Cancel.
        gr.on(asked, generate, **drawn, trigger_mode="multiple", api_name="generate"),
        tab.rack.redraw(redraw, **drawn, trigger_mode="always_last", api_visibility="private"),
    ]


def draw(studio: Studio, values: Values) -> Generator[Drawing, None, Drawn]:
    """The form's values -> a picture and the request it was made from."""
    request = request_from(studio, values, strengths(values["styles"]))
    return request, (yield from studio.generate(request, previews=PREVIEW_EVERY))


def request_from(studio: Studio, values: Values, blend: dict[str, float]) -> GenerationRequest:
    """The form's values as a request: a fresh seed where none is given, trigger words where asked."""
    prompt, seed = values["prompt"] or "", values["seed"]
    if values["add_triggers"]:
        prompt = with_trigger_words(prompt, blend, studio.styles)
    return GenerationRequest(
        prompt=prompt,
        negative_prompt=values["negative_prompt"] or "",
        seed=secrets.randbelow(MAX_SEED + 1) if seed is None or seed < 0 else int(seed),
        steps=int(values["steps"]),
        guidance=float(values["guidance"]),
        width=int(values["width"]),
        height=int(values["height"]),
        styles=blend,
    )


def same_seed(values: Values) -> Values:
    """For work about the picture just seen, a free seed means the last one."""
    free = values["seed"] is None or values["seed"] < 0
    return {**values, "seed": values["last_seed"] if free else values["seed"]}


def seen(seeing: Seeing, event: Drawing) -> dict[Any, Any]:
    """What the page shows of an event: where the drawing is, and what it looks like by now."""
    told: dict[Any, Any] = {seeing.status: drawing_line(event)}
    if isinstance(event, Preview):
        small = event.images[0]
        told[seeing.picture] = small.resize((PREVIEW_ZOOM * small.width, PREVIEW_ZOOM * small.height))
    return told


def drawing_line(event: Drawing, what: str = "") -> str:
    """An event as a bar with words."""
    if not isinstance(event, Step | Preview):
        return markup.line(event.sentence)
    words = text.step(event.done, event.total)
    return markup.progress(f"{what} · {words}" if what else words, event.done, event.total)


def idle() -> Any:
    """Cancel has nothing to cancel."""
    return gr.update(interactive=False)


def _finished(seeing: Seeing, drawn: Drawn, seconds: float) -> dict[Any, Any]:
    request, finished = drawn
    facts = text.drawn(finished.switch_ms, request.steps, seconds, request.seed)
    return {
        seeing.picture: str(finished.path),
        seeing.status: markup.lines(facts, text.prompt_used(request.prompt), text.saved(finished.path)),
        seeing.last_seed: request.seed,
        seeing.views: gr.Tabs(selected="picture"),
    }


def _reused_seed(last: int | None) -> int:
    if last is None:
        gr.Info(text.NO_SEED_YET)
    return -1 if last is None else last
