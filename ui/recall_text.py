"""The words of drawing a picture again."""

from collections.abc import Sequence

from eigenlorax.cases.recall import Recalled, Restored
from eigenlorax.recall.control_text import control_name
from eigenlorax.recipe import AUTOMATIC
from ui.language import say

DROP = say("Drop a picture to draw it again")
DROP_HINT = say(
    "Reads the settings inside pictures of A1111, Forge, ComfyUI, InvokeAI, SwarmUI, "
    "Fooocus and this program. The picture itself is not kept."
)
PASTE = say("Paste settings")
PASTE_HINT = say("or paste text")
READING = say("Reading the settings…")
MISSING = say("Missing")
MISSING_HINT = say("Drop the files of missing LoRAs in Library and compress; then drop the picture again.")
DIFFERS = say("Differs")
NOT_READ = say("Not understood")
STYLES = say("Styles")
FROM_PASTE = say("the pasted settings")
NOT_UPLOADED = say("the picture did not arrive: drop it once more")
NOTHING_PASTED = say("there is nothing to read: drop a picture, or paste the settings of one")


def heading(name: str, recalled: Recalled) -> str:
    """Where the form's values come from now."""
    return say("Restored from {name} · written by {source}", name=name, source=recalled.source)


def set_to(found: Restored) -> str:
    """What the picture told, as it is set now."""
    told, request = found.recalled.settings, found.request
    hires = request.hires.scale if request.hires else 0.0
    parts: Sequence[tuple[bool, str]] = (
        (bool(request.prompt), say("prompt")),
        (bool(request.negative_prompt), say("negative prompt")),
        (told.seed is not None, say("seed {seed}", seed=request.seed)),
        (told.steps is not None, say("{steps} steps", steps=request.steps)),
        (bool(told.sampler), _sampler(request.sampler, request.schedule)),
        (told.guidance is not None, say("guidance {guidance:g}", guidance=request.guidance)),
        (told.width is not None, f"{request.width} × {request.height}"),
        (request.clip_skip > 1, say("clip skip {layers}", layers=request.clip_skip)),
        (request.variation_strength > 0, say("variation {share:g}", share=request.variation_strength)),
        (request.guidance_rescale > 0, say("guidance rescale {share:g}", share=request.guidance_rescale)),
        (request.batch > 1, say("{batch} pictures at once", batch=request.batch)),
        (hires > 0, say("hires fix × {scale:g}", scale=hires)),
        (found.control is not None, _control(found)),
        (found.denoise is not None, say("denoising {share:g}", share=found.denoise or 0)),
    )
    words = ", ".join(words for is_told, words in parts if is_told)
    return words[:1].upper() + words[1:]


def _control(found: Restored) -> str:
    if found.control is None:
        return ""
    if not found.control.model:
        return say("ControlNet weight {weight:g}", weight=found.control.scale)
    return say("ControlNet {name}", name=control_name(found.control.model))


def _sampler(sampler: str, schedule: str) -> str:
    if not sampler:
        return say("the model's own sampler")
    return sampler if schedule == AUTOMATIC else f"{sampler} {schedule}"


def style(name: str, strength: float, dialled: bool) -> str:
    """A style that is on now."""
    return f"{name} {round(strength, 3):g}" + (say(" with details") if dialled else "")


def clamped(name: str, strength: float, most: float) -> str:
    """A strength that the rack does not reach."""
    return say(
        "{name}: {strength:g} is more than the rack can set, so it is at {most:g}",
        name=name,
        strength=strength,
        most=most,
    )


def dial_clamped(name: str, dial: str, factor: float, most: float) -> str:
    """A dial that the rack does not reach."""
    return say(
        "{name}: {dial} {factor:g} is outside 0 to {most:g}, the nearest is set",
        name=name,
        dial=dial.replace("_", " "),
        factor=factor,
        most=most,
    )
