"""What the user may choose about loading the base model. Imports nothing heavy, so that flags are instant."""

from dataclasses import dataclass
from enum import StrEnum

AUTO = "auto"


class Precision(StrEnum):
    """Number format of the weights."""

    AUTO = "auto"
    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"


class Placement(StrEnum):
    """Where the weights lie while a picture is drawn.

    Attributes:
        AUTO: The fastest that fits.
        GPU: All parts on the card.
        MODEL_OFFLOAD: One part (a text encoder, the UNet, the VAE) on the card at a time.
        SEQUENTIAL: One layer on the card at a time.
        CPU: Nothing on the card.
    """

    AUTO = "auto"
    GPU = "gpu"
    MODEL_OFFLOAD = "model-offload"
    SEQUENTIAL = "sequential"
    CPU = "cpu"


class Prediction(StrEnum):
    """What the UNet was trained to predict.

    Attributes:
        EPSILON: The noise; SDXL base and most fine-tunes.
        V: Velocity (arXiv:2202.00512).
        V_ZERO_SNR: Velocity, with a last step that is pure noise (arXiv:2305.08891); NoobAI v-pred and kin.
    """

    EPSILON = "epsilon"
    V = "v"
    V_ZERO_SNR = "v-zero-snr"


class Mode(StrEnum):
    """How the UNet wears styles; text encoders, which run once for a prompt, always wear them live.

    Attributes:
        AUTO: Merged where there is room for it.
        MERGED: In its weights, at no cost a step; needs a second copy of the weights that styles change.
        LIVE: Beside its weights; needs little memory, and each picture of a batch, and each step, may wear a
            blend of its own.
    """

    AUTO = "auto"
    MERGED = "merged"
    LIVE = "live"


@dataclass(frozen=True)
class LoadOptions:
    """How to load the base model.

    Attributes:
        precision: AUTO: fp16 on a GPU, fp32 on a CPU.
        vae: "auto" for the model's own, or a .safetensors file, a folder or a hub id.
        half_vae: False keeps the VAE in fp32, whatever it says of itself.
        placement: Where the weights lie.
        prediction: None: as recognised.
        offline: Take models of the hub from its cache only.
        mode: How the UNet wears styles.
    """

    precision: Precision = Precision.AUTO
    vae: str = AUTO
    half_vae: bool = True
    placement: Placement = Placement.AUTO
    prediction: Prediction | None = None
    offline: bool = False
    mode: Mode = Mode.AUTO
