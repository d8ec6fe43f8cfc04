"""Every spelling of every module: from a tensor's name to the module it changes and its role there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from eigenlorax.formats.sgm import sgm_names
from eigenlorax.module_path import Component, ModelLayout, ModulePath

# Dots are flattened to underscores before the look-up, so dotted and flat spellings share an entry.
_PREFIXES: Mapping[Component, tuple[str, ...]] = {
    Component.UNET: (
        "lora_unet_", "unet_", "diffusion_model_", "model_diffusion_model_", "lycoris_", "lycoris_unet_",
        "base_model_model_", "base_model_model_unet_", "lora_unet_unet_", "oft_unet_", "",
    ),
    Component.TEXT_ENCODER: (
        "lora_te1_", "lora_te_", "text_encoder_", "text_encoders_clip_l_transformer_", "clip_l_",
        "lycoris_te1_", "lycoris_text_encoder_", "base_model_model_text_encoder_", "base_model_model_",
        "oft_te1_", "",
    ),
    Component.TEXT_ENCODER_2: (
        "lora_te2_", "text_encoder_2_", "text_encoders_clip_g_transformer_", "clip_g_",
        "lycoris_te2_", "lycoris_text_encoder_2_", "base_model_model_text_encoder_2_", "base_model_model_",
        "oft_te2_", "",
    ),
}  # fmt: skip

# Role of a tensor within its module <- the endings that writers use; the longest ending that fits wins.
_WEIGHT_ENDINGS: Mapping[str, tuple[str, ...]] = {
    "down": (
        ".lora_down.weight", ".lora.down.weight", "_lora.down.weight", ".lora_linear_layer.down.weight",
        ".lora_A.weight", ".lora_A.default.weight", ".lora_A", ".lora_down", "_lora_down.weight",
    ),
    "up": (
        ".lora_up.weight", ".lora.up.weight", "_lora.up.weight", ".lora_linear_layer.up.weight",
        ".lora_B.weight", ".lora_B.default.weight", ".lora_B", ".lora_up", "_lora_up.weight",
    ),
    "mid": (".lora_mid.weight", ".lora_mid"),
    "alpha": (".alpha", "_lora.alpha", ".lora.alpha", ".lora_linear_layer.alpha"),
    "scale": (".scale",),
    "dora_scale": (".dora_scale",),
    "magnitude_vector": (
        ".lora_magnitude_vector.weight", ".lora_magnitude_vector", ".magnitude",
        ".lora_magnitude_vector.default.weight", ".lora_magnitude_vector.default",
    ),
    **{role: (f".{role}",) for role in (
        "hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2",
        "lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2",
        "oft_blocks", "rescale", "lambda_layer", "weight", "on_input", "set_weight",
        "bias_indices", "bias_values", "bias_size",
    )},
    **{role: (f".{role}.weight", f".{role}") for role in ("a1", "a2", "b1", "b2", "q_layer", "p_layer")},
    "diff": (".diff", ".w_norm"),
}  # fmt: skip
_BIAS_ENDINGS: Mapping[str, tuple[str, ...]] = {
    "diff": (".diff_b", ".b_norm"),
    "scaled_diff": (".lora_B.bias", ".lora_B.default.bias", ".lora_up.bias", ".lora.up.bias"),
}
_BY_LENGTH = sorted(
    (
        (ending, role, parameter)
        for parameter, table in (("weight", _WEIGHT_ENDINGS), ("bias", _BIAS_ENDINGS))
        for role, endings in table.items()
        for ending in endings
    ),
    key=lambda item: -len(item[0]),
)


_MOST_KNOWN = 200_000


@dataclass(frozen=True)
class Ending:
    """A tensor's name without the ending that tells its role, the role, and the parameter it changes."""

    stem: str
    role: str
    parameter: str


@dataclass(frozen=True)
class Placement:
    """Where a tensor belongs.

    Attributes:
        candidates: The parameters it may change; more than one only where a spelling leaves out the
            text encoder that it means, which shapes then tell.
        role: Its part in the update (down, up, alpha, ...).
    """

    candidates: tuple[ModulePath, ...]
    role: str


class SpellingTable:
    """All spellings of the modules of one base model.

    Built from the model's real module list, so it is as right for a small model as for the full one.
    """

    def __init__(self, layout: ModelLayout) -> None:
        self._layout = layout
        self._known: dict[str, Placement | None] = {}
        self._modules: dict[str, tuple[ModulePath, ...]] = {}
        modules = {path._replace(parameter="weight") for path in layout}
        sgm = sgm_names(path.name for path in modules if path.component is Component.UNET)
        for path in sorted(modules):
            spellings = {
                prefix + body.replace(".", "_")
                for body in _bodies(path, sgm)
                for prefix in _PREFIXES[path.component]
            }
            for spelling in spellings:
                self._modules[spelling] = (*self._modules.get(spelling, ()), path)

    def __len__(self) -> int:
        return len(self._modules)

    def place(self, key: str) -> Placement | None:
        """The parameter and role of the tensor named `key`, or None when no spelling fits.

        Remembered: the files of a collection repeat the same few thousand names.
        """
        if key not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._place(key)
        return self._known[key]

    def _place(self, key: str) -> Placement | None:
        ending = split_ending(key)
        if ending is None:
            return None
        modules = self._modules.get(ending.stem.replace(".", "_"), ())
        paths = (module._replace(parameter=ending.parameter) for module in modules)
        known = tuple(path for path in paths if path in self._layout)
        return Placement(known, ending.role) if known else None


def split_ending(key: str) -> Ending | None:
    """Take a tensor's name apart; None when it has no ending that tells a role."""
    for ending, role, parameter in _BY_LENGTH:
        if key.endswith(ending):
            return Ending(key[: -len(ending)], role, parameter)
    return None


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
