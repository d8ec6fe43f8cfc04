"""Which kind of SDXL a model is: what its UNet predicts, and whether it was distilled to few steps."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from eigenlorax.runtime.options import Prediction

_SAYS_V = re.compile(r"v[-_ ]?pred", re.IGNORECASE)
_SAYS_ZERO_SNR = re.compile(r"zt?snr|zero[-_ ]?(terminal[-_ ]?)?snr", re.IGNORECASE)
_METADATA_V = {"v", "v_prediction", "v-prediction", "vprediction", "v_pred"}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_STEPS = re.compile(r"(\d+)[-_ ]?steps?(?![a-z])", re.IGNORECASE)
#: "Hyper" alone is a distillation; "hyperrealistic" is not.
_AFTER_HYPER = {"sd", "sdxl", "xl", "step", "steps", "vae", "baked", "bakedvae", "cfg", "lora"}


class Distillation(StrEnum):
    """Ways to few steps, by the names users know."""

    TURBO = "Turbo"
    LIGHTNING = "Lightning"
    LCM = "LCM"
    HYPER = "Hyper"
    DMD = "DMD2"


@dataclass(frozen=True)
class Suggestion:
    """Settings that suit the model; for the user to change.

    Attributes:
        steps: Denoising steps.
        guidance: Guidance scale; 1 is without.
        sampler: By the name that users know.
    """

    steps: int
    guidance: float
    sampler: str


#: From the model cards of stabilityai/sdxl-turbo, ByteDance/SDXL-Lightning, latent-consistency/lcm-sdxl,
#: ByteDance/Hyper-SD and tianweiy/DMD2: guidance off (LCM: 1 to 2), the sampler that each names.
_FEW_STEPS = {
    Distillation.TURBO: Suggestion(4, 1.0, "Euler a"),
    Distillation.LIGHTNING: Suggestion(4, 1.0, "Euler"),
    Distillation.LCM: Suggestion(6, 1.5, "LCM"),
    Distillation.HYPER: Suggestion(8, 1.0, "Euler"),
    Distillation.DMD: Suggestion(4, 1.0, "LCM"),
}
#: From the model card of Laxhar/noobai-XL-Vpred-1.0: Euler, 28 to 35 steps, guidance 4 to 5.
_VELOCITY = Suggestion(28, 5.0, "Euler")


@dataclass(frozen=True)
class Variant:
    """What was recognised.

    Attributes:
        prediction: What the UNet predicts.
        suggestion: Settings that suit it; None for a plain model.
        spacing: How the scheduler spreads its steps; None: as its configuration says.
        sentence: For the user; empty for a plain model.
    """

    prediction: Prediction = Prediction.EPSILON
    suggestion: Suggestion | None = None
    spacing: str | None = None
    sentence: str = ""


def of_checkpoint(name: str, keys: Collection[str], metadata: Mapping[str, str]) -> Variant:
    """Recognise a single file by its marker keys, else its metadata, else its name.

    Args:
        name: Of the file, without ending.
        keys: Of its tensors; `v_pred` and `ztsnr` are markers that hold no weight.
        metadata: Of its header; `modelspec.prediction_type` and `modelspec.title` are looked at.

    Source: ComfyUI, comfy/supported_models.py (SDXL.model_type), for the marker keys; modelspec 1.0.1.
    """
    told = metadata.get("modelspec.prediction_type", "").strip().lower()
    title = metadata.get("modelspec.title", "")
    zero = "ztsnr" in keys or bool(_SAYS_ZERO_SNR.search(name))
    velocity = Prediction.V_ZERO_SNR if zero else Prediction.V
    if "v_pred" in keys:
        found, witness = velocity, "by a mark in the file"
    elif told:
        found, witness = (velocity if told in _METADATA_V else Prediction.EPSILON), "by its metadata"
    elif _SAYS_V.search(name):
        found, witness = velocity, "by its file name: --prediction epsilon if that is wrong"
    else:
        found, witness = Prediction.EPSILON, ""
    return _variant(found, witness, f"{name} {title}")


def told_by(prediction: Prediction) -> tuple[tuple[str, ...], str]:
    """Marker keys and `modelspec.prediction_type` of a single file, by which it is recognised again."""
    marks = {Prediction.EPSILON: (), Prediction.V: ("v_pred",), Prediction.V_ZERO_SNR: ("v_pred", "ztsnr")}
    return marks[prediction], "epsilon" if prediction is Prediction.EPSILON else "v"


def of_pipeline(name: str, scheduler: Mapping[str, Any]) -> Variant:
    """Recognise a folder or a model of the hub by the configuration of its scheduler, and by its name."""
    found = Prediction.EPSILON
    if scheduler.get("prediction_type") == "v_prediction":
        found = Prediction.V_ZERO_SNR if scheduler.get("rescale_betas_zero_snr") else Prediction.V
    return _variant(found, "by its scheduler's configuration", name)


def as_told(variant: Variant, prediction: Prediction | None, name: str) -> Variant:
    """The variant with the user's word on what the UNet predicts, where there is one."""
    return variant if prediction is None else _variant(prediction, "as you say", name)


def configured(scheduler: Any, variant: Variant) -> Any:
    """A scheduler of the same class that suits the variant; the same one where nothing is to be changed.

    Zero terminal SNR starts from pure noise, which only trailing steps reach.

    Source: arXiv:2305.08891 (table 2: trailing; section 3.1: rescaled betas).
    """
    wanted: dict[str, object] = {
        "prediction_type": "epsilon" if variant.prediction is Prediction.EPSILON else "v_prediction"
    }
    if variant.prediction is Prediction.V_ZERO_SNR or scheduler.config.get("rescale_betas_zero_snr"):
        wanted["rescale_betas_zero_snr"] = variant.prediction is Prediction.V_ZERO_SNR
    if variant.spacing:
        wanted["timestep_spacing"] = variant.spacing
    if all(scheduler.config.get(key) == value for key, value in wanted.items()):
        return scheduler
    return type(scheduler).from_config(scheduler.config, **wanted)


def distillation(name: str) -> Distillation | None:
    """The way to few steps that a name tells of: "juggernautXL_lightning", "Hyper-SDXL-8steps", ..."""
    words = [word.lower() for word in _WORDS.findall(name)]
    for place, word in enumerate(words):
        if word in ("turbo", "lightning", "lcm", "dmd"):
            return {
                "turbo": Distillation.TURBO,
                "lightning": Distillation.LIGHTNING,
                "lcm": Distillation.LCM,
                "dmd": Distillation.DMD,
            }[word]
        after = words[place + 1] if place + 1 < len(words) else ""
        if word == "hyper" and (not after or after.isdecimal() or after in _AFTER_HYPER):
            return Distillation.HYPER
    return None


def _variant(prediction: Prediction, witness: str, name: str) -> Variant:
    sentences, suggestion, spacing = [], None, None
    if prediction is not Prediction.EPSILON:
        kind = "v-prediction, zero terminal SNR" if prediction is Prediction.V_ZERO_SNR else "v-prediction"
        sentences.append(f"{kind} ({witness}).")
        suggestion, spacing = _VELOCITY, "trailing"
    if few := distillation(name):
        suggestion, spacing = _FEW_STEPS[few], "trailing"
        if steps := _STEPS.search(name):
            suggestion = Suggestion(int(steps[1]), suggestion.guidance, suggestion.sampler)
        sentences.append(f"Its name says {few.value}: made for few steps.")
    if suggestion:
        sentences.append(
            f"Suggested: {suggestion.steps} steps, guidance {suggestion.guidance:g}, {suggestion.sampler}."
        )
    return Variant(prediction, suggestion, spacing, " ".join(sentences))
