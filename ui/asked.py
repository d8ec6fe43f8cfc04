"""From the form's values to a request."""

from typing import Any

from eigenlorax.prompting.wildcards import filled_each
from eigenlorax.recipe import GenerationRequest, seed_of
from eigenlorax.studio import Studio
from ui.canvas import canvas_of
from ui.control import control_of
from ui.dials import dials_of
from ui.prompt_room import wildcard_folder
from ui.rack import with_trigger_words
from ui.settings import settings_of

Values = dict[str, Any]


def request_from(studio: Studio, values: Values, blend: dict[str, float]) -> GenerationRequest:
    """The form's values as a request: its seed, each picture's wildcards filled, trigger words where asked.

    Raises:
        InvalidRequestError: the rack's dials cannot be read, a wildcard cannot be filled, or a picture to
            follow has no ControlNet.
    """
    request = GenerationRequest(
        prompt="",
        seed=seed_of(values["seed"]),
        steps=int(values["steps"]),
        guidance=float(values["guidance"]),
        width=int(values["width"]),
        height=int(values["height"]),
        styles=blend,
        dials={name: dials for name, dials in dials_of(values["styles"]).items() if name in blend},
        canvas=canvas_of(values),
        control=control_of(values),
        **settings_of(values),
    )
    asked = values["prompt"] or "", values["negative_prompt"] or ""
    each = filled_each(*asked, request.seeds, wildcard_folder(studio))
    if values["add_triggers"]:
        each = [(with_trigger_words(prompt, blend, studio.styles), negative) for prompt, negative in each]
    return request.with_prompts(each)


def same_seed(values: Values) -> Values:
    """For work about the picture just seen, a free seed means the last one."""
    free = values["seed"] is None or values["seed"] < 0
    return {**values, "seed": values["last_seed"] if free else values["seed"]}
