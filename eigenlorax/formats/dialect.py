"""The dialects that a LoRA can be written in: the name and the shape of every tensor."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import log, sqrt

import torch
from torch import Tensor
from torch.nn.functional import pad

from eigenlorax.formats.sgm import sgm_names
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import Component, ModelLayout, ModulePath, ModuleShape


class Dialect(StrEnum):
    """Whose spelling a file speaks.

    kohya-sgm is what sd-scripts writes for SDXL and what A1111, Forge, ComfyUI and InvokeAI all read;
    kohya-diffusers has diffusers' UNet names; diffusers is one file as its `save_lora_weights` writes;
    peft is a folder for each component, for `PeftModel.from_pretrained`.
    """

    KOHYA_SGM = "kohya-sgm"
    KOHYA_DIFFUSERS = "kohya-diffusers"
    DIFFUSERS = "diffusers"
    PEFT = "peft"

    @property
    def is_kohya(self) -> bool:
        """True for the dialects with `alpha` tensors."""
        return self in (Dialect.KOHYA_SGM, Dialect.KOHYA_DIFFUSERS)


class Precision(StrEnum):
    """How each number is stored."""

    FP16 = "fp16"
    BF16 = "bf16"
    FP32 = "fp32"

    @property
    def dtype(self) -> torch.dtype:
        """The type of the stored tensors."""
        return {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}[self.value]

    @property
    def error(self) -> float:
        """Root mean square relative error of up @ down when both factors are rounded to this type.

        A number m 2^e is off by up to u 2^e, evenly, with u half the type's epsilon. Over numbers of all
        sizes log m is even on [1, 2), which makes the mean square u^2 / (8 ln 2) for each factor.
        """
        return float(sqrt(1.0 / (4.0 * log(2.0))) * torch.finfo(self.dtype).eps / 2)


RealName = Callable[[ModulePath], str]
"""The name that a module has in the loaded component: transformers 5.6 dropped CLIP's `text_model.`."""


@dataclass(frozen=True)
class Slot:
    """One tensor of a file that is to be written.

    Attributes:
        name: Its key.
        shape: As stored; the factors of a convolution have four dimensions.
        path: The parameter that it changes.
        role: "down", "up", "alpha", or "diff" for a vector's whole update.
    """

    name: str
    shape: tuple[int, ...]
    path: ModulePath
    role: str


def carries(dialect: Dialect, shape: ModuleShape) -> bool:
    """Whether a dialect can spell the update of such a parameter; only kohya's can spell a vector's."""
    return dialect.is_kohya or not shape.is_vector


def uniform_alpha(ranks: Mapping[ModulePath, int]) -> float:
    """The one alpha of a kohya file: the greatest power of two within the largest rank.

    diffusers mis-scales files whose alphas differ, so there is one for all and the factors make up for
    it; a power of two is exact in every precision.
    """
    return float(2 ** (max(ranks.values(), default=1).bit_length() - 1))


def stored_ranks(
    ranks: Mapping[ModulePath, int], layout: ModelLayout, dialect: Dialect
) -> dict[ModulePath, int]:
    """Ranks as they are written: in kohya's dialects text_projection is filled up with columns of zero.

    diffusers 0.42.1 counts no rank of its own for it and takes the commonest of the encoder's.
    """
    common = _commonest_rank(ranks, layout)
    if not dialect.is_kohya or ranks.get(_TEXT_PROJECTION, common) >= common:
        return dict(ranks)
    return {**ranks, _TEXT_PROJECTION: common}


def refused_by_diffusers(ranks: Mapping[ModulePath, int], layout: ModelLayout, dialect: Dialect) -> str:
    """Why `load_lora_weights` of diffusers 0.42.1 will refuse a file, in words; empty when it will not."""
    if not dialect.is_kohya:
        return ""
    if vectors := sum(layout[path].is_vector for path in ranks):
        return f"{vectors} norm weights and biases are in the file"
    if ranks.get(_TEXT_PROJECTION, 0) > _commonest_rank(ranks, layout):
        return "text_projection has another rank than the rest of its text encoder"
    return ""


def slots(
    ranks: Mapping[ModulePath, int], layout: ModelLayout, dialect: Dialect, real_name: RealName
) -> list[Slot]:
    """Every tensor of an export.

    Args:
        ranks: Module -> rank; all of them carried by the dialect.
        layout: The base's parameters.
        dialect: Which names.
        real_name: Asked for PEFT only, whose names are those of the loaded component.
    """
    sgm = sgm_names({path.name for path in layout if path.component is Component.UNET})
    result = []
    for path, rank in ranks.items():
        shape = layout[path]
        kernel = (1,) * len(shape.kernel)
        down = (rank, shape.in_features, *shape.kernel)
        up = (shape.out_features, rank, *kernel)
        if dialect.is_kohya:
            stem = _kohya_stem(path, sgm, dialect)
            if shape.is_vector:
                name = f"{stem}.{_vector_ending(path, layout)}"
                result.append(Slot(name, (shape.out_features,), path, "diff"))
                continue
            result.append(Slot(f"{stem}.alpha", (), path, "alpha"))
            result.append(Slot(f"{stem}.lora_down.weight", down, path, "down"))
            result.append(Slot(f"{stem}.lora_up.weight", up, path, "up"))
        else:
            peft = dialect is Dialect.PEFT
            stem = f"base_model.model.{real_name(path)}" if peft else f"{path.component.value}.{path.name}"
            result.append(Slot(f"{stem}.lora_A.weight", down, path, "down"))
            result.append(Slot(f"{stem}.lora_B.weight", up, path, "up"))
    return result


def fill(slot: Slot, layer: LoRALayer, alpha: float | None) -> Tensor:
    """The float32 values of a slot.

    Args:
        slot: Where they go.
        layer: The update; columns that the slot has and the layer lacks are zero.
        alpha: The file's alpha; None where up @ down is the update as it stands.
    """
    if slot.role == "alpha":
        return torch.tensor(alpha)
    if slot.role == "diff":
        return (layer.up @ layer.down).reshape(slot.shape)
    rank = slot.shape[0 if slot.role == "down" else 1]
    factor = sqrt(rank / alpha) if alpha is not None else 1.0
    missing = rank - layer.rank
    if slot.role == "down":
        return (pad(layer.down, (0, 0, 0, missing)) * factor).reshape(slot.shape)
    return (pad(layer.up, (0, missing)) * factor).reshape(slot.shape)


_KOHYA_PREFIX = {
    Component.UNET: "lora_unet_",
    Component.TEXT_ENCODER: "lora_te1_",
    Component.TEXT_ENCODER_2: "lora_te2_",
}


_TEXT_PROJECTION = ModulePath(Component.TEXT_ENCODER_2, "text_projection")


def _commonest_rank(ranks: Mapping[ModulePath, int], layout: ModelLayout) -> int:
    """The commonest rank in the second text encoder's layers, the first one in the model's order on a tie."""
    found = Counter(
        ranks[path]
        for path, shape in layout.items()
        if path in ranks
        and path.component is Component.TEXT_ENCODER_2
        and path != _TEXT_PROJECTION
        and not shape.is_vector
    )
    return found.most_common(1)[0][0] if found else 0


def _kohya_stem(path: ModulePath, sgm: Mapping[str, str], dialect: Dialect) -> str:
    name = path.name
    # diffusers reads add_embedding by its sgm name only, whatever the other names are.
    if path.component is Component.UNET and (
        dialect is Dialect.KOHYA_SGM or name.startswith("add_embedding.")
    ):
        name = sgm.get(name, name)
    return _KOHYA_PREFIX[path.component] + name.replace(".", "_")


def _vector_ending(path: ModulePath, layout: ModelLayout) -> str:
    """LyCORIS's spelling: w_norm and b_norm for a norm, diff_b for the bias of anything else."""
    if path.parameter == "weight":
        return "w_norm"
    owner = layout.get(path._replace(parameter="weight"))
    return "b_norm" if owner is not None and owner.is_vector else "diff_b"
