"""From what was read to a request that can be drawn here, and what could not be kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from eigenlorax.dials import AS_IT_IS, MOST, Dials
from eigenlorax.recall.control_text import is_hub_id
from eigenlorax.recall.names import named
from eigenlorax.recall.recalled import Recalled, RecalledControl, RecalledLora, Settings, stem_of
from eigenlorax.recall.shelf import Match, Shelved, find
from eigenlorax.recipe import (
    AUTOMATIC,
    MAX_BATCH,
    MAX_HIRES_SIDE,
    MAX_SEED,
    Fill,
    GenerationRequest,
    Hires,
    Upscaler,
)


@dataclass(frozen=True)
class Here:
    """Where a picture is to be drawn again.

    Attributes:
        model: The base model's name.
        side: Its native size in pixels.
        basis: Hash of the subspace that is open; empty before the first compression.
        shelf: The styles, and the LoRAs that are none yet.
        controls: ControlNet's name -> its file.
    """

    model: str
    side: int
    basis: str = ""
    shelf: Sequence[Shelved] = ()
    controls: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Missing:
    """A LoRA that is no style here.

    Attributes:
        name: As the picture tells it.
        hash: As the picture tells it; empty when it does not.
        uncompressed: Whether the library has it, so that compressing makes it a style.
    """

    name: str
    hash: str = ""
    uncompressed: bool = False

    @property
    def sentence(self) -> str:
        """That it is missing, in words."""
        if self.uncompressed:
            return f"{self.name} is in the library but not compressed"
        return f"{self.name} is not here" + (f" (hash {self.hash[:12]})" if self.hash else "")


@dataclass(frozen=True)
class Restored:
    """A request, and its differences from the picture that it was read from.

    Attributes:
        request: Passes `check` when the picture has a prompt; without a canvas and a ControlNet.
        recalled: What was read.
        missing: LoRAs that are no styles here.
        differences: What else is other than it was, a sentence each.
        denoise, mask_blur, fill: Of the picture that was drawn over; None where there was none.
        control: The ControlNet as it is to be set, its model one that is here, or empty; None without one.
    """

    request: GenerationRequest
    recalled: Recalled
    missing: tuple[Missing, ...] = ()
    differences: tuple[str, ...] = ()
    denoise: float | None = None
    mask_blur: int | None = None
    fill: Fill | None = None
    control: RecalledControl | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Everything that is missing or other than it was, a sentence each."""
        return (*(one.sentence for one in self.missing), *self.differences)


def restore(recalled: Recalled, here: Here) -> Restored:
    """The request that comes nearest to what was read; everything in it is within its range."""
    words: list[str] = []
    told = recalled.settings
    same_model = bool(recalled.model) and recalled.model.casefold() == here.model.casefold()
    sampler, schedule = "", AUTOMATIC
    if told.sampler and not (recalled.own.sampler and same_model):
        sampler, schedule, odd = named(told.sampler, told.schedule)
        words += odd
    styles, dials, missing = _worn(recalled, here.shelf, words)
    request = GenerationRequest(
        recalled.prompt,
        recalled.negative,
        _seed(told.seed, "seed", words),
        _count(told.steps, 20, 1, 150, "steps", words),
        _within(told.guidance, 5.0, 1.0, 30.0, "guidance", words),
        _side(told.width, here.side, "width", words),
        _side(told.height, here.side, "height", words),
        styles,
        sampler,
        schedule,
        _count(told.clip_skip, 1, 1, 12, "clip skip", words),
        batch=_count(told.batch, 1, 1, MAX_BATCH, "pictures at once", words),
        guidance_rescale=_within(told.guidance_rescale, 0.0, 0.0, 1.0, "guidance rescale", words),
        dials=dials,
    )
    if told.variation_strength:
        request = replace(
            request,
            variation_seed=_seed(told.variation_seed, "variation seed", words),
            variation_strength=_within(told.variation_strength, 0.0, 0.0, 1.0, "variation strength", words),
        )
    request = replace(request, hires=_hires(told, request, words))
    over = told.denoise is not None and told.hires is None
    if over:
        words.append("it was drawn over a picture: put that one under Start from a picture")
    control = _control(recalled.control, here.controls, words)
    if not recalled.prompt.strip():
        words.append("it tells no prompt")
    words += _elsewhere(recalled, here, same_model)
    return Restored(
        request,
        recalled,
        tuple(missing),
        tuple(words),
        _within(told.denoise, 0.75, 0.0, 1.0, "denoising strength", words) if over else None,
        _count(told.mask_blur, 4, 0, 64, "mask blur", words) if over else None,
        next((fill for fill in Fill if fill.value == told.mask_fill), Fill.ORIGINAL) if over else None,
        control,
    )


def _control(
    told: RecalledControl | None, controls: Mapping[str, str], words: list[str]
) -> RecalledControl | None:
    """The ControlNet that is meant, its numbers within their ranges; what differs goes into `words`."""
    if told is None:
        return None
    here = {name.casefold(): path for name, path in controls.items()}
    model = here.get(stem_of(told.model).casefold(), "") or (told.model if is_hub_id(told.model) else "")
    if not model:
        words.append(f"the ControlNet {told.model[:80]} is not here")
    made = f" as {told.module[:40]} had made it" if told.module else ""
    words.append(f"a ControlNet steered it: put its picture{made} under ControlNet")
    end = _within(told.end, 1.0, 0.0, 1.0, "ControlNet end", words)
    return replace(
        told,
        model=model,
        scale=_within(told.scale, 1.0, 0.0, 2.0, "ControlNet strength", words),
        start=_within(told.start, 0.0, 0.0, end, "ControlNet start", words),
        end=end,
    )


def _worn(
    recalled: Recalled, shelf: Iterable[Shelved], words: list[str]
) -> tuple[dict[str, float], dict[str, Dials], list[Missing]]:
    """The styles to wear and the LoRAs that are none; what differs goes into `words`."""
    items = list(shelf)
    styles: dict[str, float] = {}
    dials: dict[str, Dials] = {}
    missing: list[Missing] = []
    for lora in recalled.loras:
        found = find(lora, items)
        if found is None or not found[0].is_style:
            missing.append(Missing(lora.name, lora.hash, uncompressed=found is not None))
            continue
        style, match = found
        if match is Match.OTHER_FILE:
            words.append(f"the {style.name} here comes from another file than that picture's {lora.name}")
        strength, own = _dialled(lora, recalled.own.dials.get(lora.name))
        together = styles.get(style.name, 0.0) + strength
        styles[style.name] = max(-MOST, min(MOST, together))
        if styles[style.name] != together:
            words.append(f"{style.name}: the strength {together:g} is more than can be set")
        if own != AS_IT_IS:
            dials[style.name] = own
    return styles, dials, missing


def _dialled(lora: RecalledLora, own: Dials | None) -> tuple[float, Dials]:
    """A strength and dials that act as the strengths on UNet and text encoders do."""
    if own is not None:
        return lora.strength, own
    if lora.text_encoder is None or lora.text_encoder == lora.strength:
        return lora.strength, AS_IT_IS
    if lora.strength == 0.0:
        return lora.text_encoder, Dials(unet=0.0)
    factor = max(-MOST, min(MOST, lora.text_encoder / lora.strength))
    return lora.strength, Dials(text_encoder=factor, text_encoder_2=factor)


def _hires(told: Settings, request: GenerationRequest, words: list[str]) -> Hires | None:
    if told.hires is None:
        return None
    scale = told.hires.scale
    if not scale and told.hires.width:
        scale = told.hires.width / request.width
    if not scale and told.hires.height:
        scale = told.hires.height / request.height
    upscaler = Upscaler.LANCZOS
    if told.hires.upscaler.lower().startswith("latent"):
        upscaler = Upscaler.LATENT
    elif told.hires.upscaler not in ("", Upscaler.LANCZOS.value):
        words.append(f"no upscaler {told.hires.upscaler[:60]!r} here: Lanczos stands in for it")
    largest = min(4.0, MAX_HIRES_SIDE / max(request.width, request.height))
    return Hires(
        _within(scale or None, 2.0, 1.0, largest, "enlargement", words),
        _count(told.hires.steps, 0, 0, 150, "hires steps", words),
        _within(told.denoise, 0.7, 0.0, 1.0, "hires denoising strength", words),
        upscaler,
    )


def _elsewhere(recalled: Recalled, here: Here, same_model: bool) -> list[str]:
    """That the model, the subspace or a tool is another one."""
    words = []
    if recalled.model and not same_model:
        words.append(f"it was made with the model {recalled.model}, here is {here.model}")
    elif not recalled.model and recalled.model_hash:
        words.append(f"it was made with a model of hash {recalled.model_hash[:10]}")
    basis = recalled.own.basis
    if basis and recalled.loras and not here.basis.startswith(basis):
        words.append("the styles have been compressed anew since: the picture may come out a little other")
    if recalled.unread.get("Script", "").startswith(("X/Y", "Prompt matrix")):
        words.append("it is a sheet of several pictures: the settings of the first are set")
    if any(key.startswith("ControlNet") for key in recalled.unread):
        too = "another ControlNet steered it too" if recalled.control else "a ControlNet steered it"
        words.append(f"{too}: that is not restored")
    if any(key.startswith("ADetailer") for key in recalled.unread):
        words.append("ADetailer mended it afterwards: that is not restored")
    return words


def _within(value: float | None, usual: float, low: float, high: float, what: str, words: list[str]) -> float:
    """A number brought into its range, or the usual one where none is told."""
    if value is None:
        return usual
    found = max(low, min(high, value))
    if found != value:
        words.append(f"{what} {value:g} is out of range here: {found:g} is set")
    return found


def _count(value: int | None, usual: int, low: int, high: int, what: str, words: list[str]) -> int:
    told = None if value is None else float(value)
    return round(_within(told, float(usual), float(low), float(high), what, words))


def _side(value: int | None, usual: int, what: str, words: list[str]) -> int:
    if value is None:
        return usual
    found = max(64, min(2048, round(value / 8) * 8))
    if found != value:
        words.append(f"{what} {value} is not possible here: {found} is set")
    return found


def _seed(value: int | None, what: str, words: list[str]) -> int:
    if value is None or 0 <= value <= MAX_SEED:
        return value or 0
    found = value % (MAX_SEED + 1)
    words.append(f"{what} {value} is out of range here: {found} is set, which gives other noise")
    return found
