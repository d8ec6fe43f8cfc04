"""Every spelling of every module: from a tensor's name to the module it changes and its role there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from eigenlorax.formats.sgm import sgm_names
from eigenlorax.module_path import Component, ModelLayout, ModulePath

# Dots are flattened to underscores before the look-up, so dotted and flat spellings share an entry.
_PREFIXES: Mapping[Component, tuple[str, ...]] = {
    Component.UNET: (
        "lora_unet_", "unet_", "diffusion_model_", "model_diffusion_model_", "lycoris_", "lycoris_unet_",
        "base_model_model_", "base_model_model_unet_", "lora_unet_unet_", "",
    ),
    Component.TEXT_ENCODER: (
        "lora_te1_", "lora_te_", "text_encoder_", "text_encoders_clip_l_transformer_", "clip_l_",
        "lycoris_te1_", "lycoris_text_encoder_", "base_model_model_text_encoder_",
    ),
    Component.TEXT_ENCODER_2: (
        "lora_te2_", "text_encoder_2_", "text_encoders_clip_g_transformer_", "clip_g_",
        "lycoris_te2_", "lycoris_text_encoder_2_", "base_model_model_text_encoder_2_",
    ),
}  # fmt: skip

# Role of a tensor within its module <- the endings that writers use; the longest ending that fits wins.
_ENDINGS: Mapping[str, tuple[str, ...]] = {
    "down": (
        ".lora_down.weight", ".lora.down.weight", "_lora.down.weight", ".lora_linear_layer.down.weight",
        ".lora_A.weight", ".lora_A.default.weight", ".lora_A", ".lora_down", "_lora_down.weight",
    ),
    "up": (
        ".lora_up.weight", ".lora.up.weight", "_lora.up.weight", ".lora_linear_layer.up.weight",
        ".lora_B.weight", ".lora_B.default.weight", ".lora_B", ".lora_up", "_lora_up.weight",
    ),
    "mid": (".lora_mid.weight",),
    "alpha": (".alpha", "_lora.alpha", ".lora.alpha", ".lora_linear_layer.alpha"),
    "scale": (".scale",),
    "dora_scale": (
        ".dora_scale", ".lora_magnitude_vector.weight", ".lora_magnitude_vector", ".magnitude",
        ".lora_magnitude_vector.default.weight",
    ),
}  # fmt: skip
_BY_LENGTH = sorted(
    ((ending, role) for role, endings in _ENDINGS.items() for ending in endings),
    key=lambda item: -len(item[0]),
)


@dataclass(frozen=True)
class Placement:
    """Where a tensor belongs: the module it changes and its role in the update (down, up, alpha, ...)."""

    path: ModulePath
    role: str


class SpellingTable:
    """All spellings of the modules of one base model.

    Built from the model's real module list, so it is as right for a small model as for the full one.
    """

    def __init__(self, layout: ModelLayout) -> None:
        self._paths: dict[str, ModulePath] = {}
        unet = [path.name for path in layout if path.component is Component.UNET]
        sgm = sgm_names(unet)
        for path in layout:
            for body in _bodies(path, sgm):
                for prefix in _PREFIXES[path.component]:
                    self._paths.setdefault(prefix + body.replace(".", "_"), path)

    def __len__(self) -> int:
        return len(self._paths)

    def place(self, key: str) -> Placement | None:
        """The module and role of the tensor named `key`, or None when no spelling fits."""
        stem, role = split_role(key)
        if role is None:
            return None
        path = self._paths.get(stem.replace(".", "_"))
        return None if path is None else Placement(path, role)


def split_role(key: str) -> tuple[str, str | None]:
    """Split a tensor name into module spelling and role; the role is None when no ending is known."""
    for ending, role in _BY_LENGTH:
        if key.endswith(ending):
            return key[: -len(ending)], role
    return key, None


def _bodies(path: ModulePath, sgm: Mapping[str, str]) -> Iterator[str]:
    yield path.name
    if path.component is Component.UNET:
        if path.name in sgm:
            yield sgm[path.name]
        for attention in (".attn1.", ".attn2."):
            if attention in path.name:
                processor = path.name.replace(attention, f"{attention}processor.")
                yield processor
                yield processor.removesuffix(".0")
        if path.name.endswith(".to_out.0"):
            yield path.name.removesuffix(".0")
    else:
        yield path.name.removeprefix("text_model.")
        for leaf, old in (("q_proj", "to_q"), ("k_proj", "to_k"), ("v_proj", "to_v"), ("out_proj", "to_out")):
            if path.name.endswith(f"self_attn.{leaf}"):
                yield path.name.removesuffix(leaf) + old
