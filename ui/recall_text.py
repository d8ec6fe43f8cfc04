"""The words of drawing a picture again."""

from collections.abc import Sequence

from eigenlorax.recall_case import Recalled, Restored
from eigenlorax.recipe import AUTOMATIC

DROP = "Drop a picture to draw it again"
DROP_HINT = (
    "Reads the settings inside pictures of A1111, Forge, ComfyUI, InvokeAI, SwarmUI, Fooocus and this "
    "program. The picture itself is not kept."
)
PASTE = "Paste settings"
PASTE_HINT = "or paste text"
READING = "Reading the settings…"
MISSING = "Missing"
MISSING_HINT = "Drop the files of missing LoRAs in Library and compress; then drop the picture again."
DIFFERS = "Differs"
NOT_READ = "Not understood"
STYLES = "Styles"
FROM_PASTE = "the pasted settings"
NOT_UPLOADED = "the picture did not arrive: drop it once more"
WILDCARD = "the prompt names what is a wildcard here: it is filled anew"
NOTHING_PASTED = "there is nothing to read: drop a picture, or paste the settings of one"


def heading(name: str, recalled: Recalled) -> str:
    """Where the form's values come from now."""
    return f"Restored from {name} · written by {recalled.source}"


def set_to(found: Restored) -> str:
    """What the picture told, as it is set now."""
    told, request = found.recalled.settings, found.request
    parts: Sequence[tuple[bool, str]] = (
        (bool(request.prompt), "prompt"),
        (bool(request.negative_prompt), "negative prompt"),
        (told.seed is not None, f"seed {request.seed}"),
        (told.steps is not None, f"{request.steps} steps"),
        (bool(told.sampler), _sampler(request.sampler, request.schedule)),
        (told.guidance is not None, f"guidance {request.guidance:g}"),
        (told.width is not None, f"{request.width} × {request.height}"),
        (request.clip_skip > 1, f"clip skip {request.clip_skip}"),
        (request.variation_strength > 0, f"variation {request.variation_strength:g}"),
        (request.guidance_rescale > 0, f"guidance rescale {request.guidance_rescale:g}"),
        (request.batch > 1, f"{request.batch} pictures at once"),
        (request.hires is not None, f"hires fix × {request.hires.scale:g}" if request.hires else ""),
        (found.denoise is not None, f"denoising {found.denoise or 0:g}"),
    )
    words = ", ".join(words for is_told, words in parts if is_told)
    return words[:1].upper() + words[1:]


def _sampler(sampler: str, schedule: str) -> str:
    if not sampler:
        return "the model's own sampler"
    return sampler if schedule == AUTOMATIC else f"{sampler} {schedule}"


def style(name: str, strength: float, dialled: bool) -> str:
    """A style that is on now."""
    return f"{name} {round(strength, 3):g}" + (" with details" if dialled else "")


def clamped(name: str, strength: float, most: float) -> str:
    """A strength that the rack does not reach."""
    return f"{name}: {strength:g} is more than the rack can set, so it is at {most:g}"


def dial_clamped(name: str, dial: str, factor: float, most: float) -> str:
    """A dial that the rack does not reach."""
    return f"{name}: {dial.replace('_', ' ')} {factor:g} is outside 0 to {most:g}, the nearest is set"
