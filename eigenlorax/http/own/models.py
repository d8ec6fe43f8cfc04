"""What our own interface takes and gives. A field that is not known is refused, by its name."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from eigenlorax.formats.dialect import Dialect, Precision
from eigenlorax.jobs.job import State
from eigenlorax.recipe import AUTOMATIC
from eigenlorax.subspaces.wish import DEFAULT_RETAIN
from eigenlorax.training.teach_settings import PRESETS

Strengths = dict[str, float]
_STRENGTHS = "Style -> strength: 1 as its LoRA, 0 off, below 0 inverted."


class Asked(BaseModel):
    """What is sent."""

    model_config = ConfigDict(extra="forbid")


class StyleTold(BaseModel):
    """A style."""

    name: str
    trigger_words: list[str]
    verdict: str = Field(description="How near it is to its LoRA: faithful, close, loose or lost.")
    effect_kept: float = Field(description="Share of its LoRA's effect that it keeps, from 0 to 1.")
    style_bytes: int
    favourite: bool
    preferred_strength: float | None
    fidelity: dict[str, Any] = Field(description="Every figure that was measured.")


class BlendAsked(Asked):
    """A blend."""

    styles: Strengths = Field(description=_STRENGTHS)


class BlendTold(BaseModel):
    """A blend, and how its styles lie to each other."""

    styles: Strengths
    balance: float = Field(description="Below 0 they pull against each other, 0 is strangers, above alike.")
    kept: float = Field(description="The blend's size over that of strangers.")
    shares: dict[str, float] = Field(description="Each style's share of the blend.")


class CombineAsked(Asked):
    """A blend that is to be a style of its own."""

    name: str = Field(description="Of the new style; no style has it yet.")
    styles: Strengths | None = Field(None, description=f"{_STRENGTHS} By default the worn blend.")


class PicturesAsked(Asked):
    """What to draw."""

    prompt: str = Field(description="What the picture shows; `<lora:name:0.8>` puts a style on.")
    negative_prompt: str = ""
    styles: Strengths | None = Field(None, description=f"{_STRENGTHS} By default the worn blend.")
    seed: int = Field(-1, description="-1 draws a new one.")
    steps: int = 20
    guidance: float = 5.0
    width: int = Field(0, description="Pixels; 0 is the model's own size.")
    height: int = Field(0, description="Pixels; 0 is the model's own size.")
    sampler: str = Field("", description="By A1111's names; by default the model's own.")
    schedule: str = AUTOMATIC
    batch: int = 1
    triggers: bool = Field(True, description="Add the styles' trigger words to the prompt.")


class PictureTold(BaseModel):
    """A picture."""

    image: str = Field(description="The PNG in base64; its text says how it was drawn.")
    parameters: str
    seed: int
    file: str = Field(description="Where it is kept, in the gallery.")


class PicturesTold(BaseModel):
    """Pictures; none where somebody cancelled the job."""

    job: int
    pictures: list[PictureTold]


class RecallAsked(Asked):
    """A picture of this or another program."""

    image: str = Field(description="The file in base64.")


class Recalled(BaseModel):
    """What a picture was drawn with, as far as it can be drawn again here."""

    source: str = Field(description="The program that wrote it.")
    prompt: str
    negative_prompt: str
    styles: Strengths
    seed: int
    steps: int
    guidance: float
    width: int
    height: int
    sampler: str
    schedule: str
    differences: list[str] = Field(description="What is missing or other than it was, a sentence each.")


class VersionTold(BaseModel):
    """A version of the subspace."""

    name: str
    saved: float = Field(description="Seconds since 1970.")
    styles: list[str]
    file_bytes: int
    is_open: bool


class SubspaceTold(BaseModel):
    """The open subspace, and every version that is kept."""

    model: str
    styles: int
    stored_bytes: int
    excluded: dict[str, str] = Field(description="LoRA -> why the columns were fitted without it.")
    versions: list[VersionTold]


class JobTold(BaseModel):
    """A piece of long work."""

    id: int
    kind: str
    title: str
    state: State
    done: int
    total: int
    what: str
    eta_s: float | None
    created: float = Field(description="Seconds since 1970.")
    started: float | None
    ended: float | None
    error: str
    result: dict[str, Any] | None


class Enqueued(BaseModel):
    """The number of a job that was put into the queue."""

    job: int


class CompressAsked(Asked):
    """Which LoRAs are to share a subspace, how near and how small."""

    names: list[str] = Field([], description="LoRAs of the library; by default every usable one.")
    retain: float = Field(
        DEFAULT_RETAIN, gt=0, le=1, description="Mean share of each LoRA's effect to keep, up to 1."
    )
    budget: int | None = Field(None, description="Bytes on disk instead: the best store within them.")
    exclude: list[str] = Field([], description="Words that leave a LoRA out.")


class TrainPicture(Asked):
    """A picture to learn from."""

    image: str = Field(description="The file in base64.")
    caption: str = Field("", description="By default the trigger word and the subject.")


class TrainAsked(Asked):
    """A style to teach from pictures."""

    name: str
    trigger: str
    pictures: list[TrainPicture] = Field(description="3 to 20 of them.")
    subject: str = ""
    preset: str = Field("style", description=f"One of {', '.join(PRESETS)}.")
    settings: dict[str, Any] = Field({}, description="Those that differ from the preset's.")


class ExportAsked(Asked):
    """A blend that is to be one LoRA for other programs."""

    name: str = Field(description="Of the file, without its ending.")
    styles: Strengths | None = Field(None, description=f"{_STRENGTHS} By default the worn blend.")
    rank: int | None = Field(None, description="The largest of any module.")
    max_error: float | None = Field(None, description="The largest relative error, instead of a rank.")
    dialect: Dialect = Dialect.KOHYA_SGM
    precision: Precision = Precision.FP16
