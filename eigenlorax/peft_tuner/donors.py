"""Shared columns from donor adapters: saved LoRAs of peft, of any model."""

from collections.abc import Mapping, Sequence
from math import hypot
from pathlib import Path

from peft import LoraConfig, PeftConfig
from peft.utils import SAFETENSORS_WEIGHTS_NAME
from peft.utils.other import get_pattern_key
from safetensors.torch import load_file

from eigenlorax.lora import LoRALayer
from eigenlorax.peft_tuner.columns import AdapterError, Columns
from eigenlorax.subspace.basis import canonical
from eigenlorax.subspace.frames import hooi, hosvd

_PREFIX, _DOWN, _UP = "base_model.model.", ".lora_A.weight", ".lora_B.weight"


def columns_of_donors(folders: Sequence[str], r: int | None) -> dict[str, Columns]:
    """The leading directions that saved LoRAs share, module by module.

    Each donor counts by the inverse of its norm, as a collection's LoRAs do in the studio.

    Args:
        folders: Each with peft's adapter_config.json and adapter_model.safetensors.
        r: Most columns on each side; None for all directions there are, so that every donor lies within.

    Raises:
        AdapterError: a folder is no saved LoRA, or one that is more than a low-rank update.
    """
    donors = [_donor(Path(folder).expanduser()) for folder in folders]
    norms = [hypot(*(layer.norm for layer in donor.values())) for donor in donors]
    found = {}
    for name in sorted({name for donor in donors for name in donor}):
        near = [
            (canonical(donor[name]), norm) for donor, norm in zip(donors, norms, strict=True) if name in donor
        ]
        layers, weights = [layer for layer, _ in near], [1.0 / norm if norm else 0.0 for _, norm in near]
        frames = hosvd(layers, weights, (r, r))
        k_out, k_in = (min(side.shape[1], r or side.shape[1]) for side in (frames.out, frames.into))
        basis = hooi(layers, weights, frames.first(k_out, k_in))
        found[name] = Columns(basis.out, basis.into)
    return found


def _donor(folder: Path) -> Mapping[str, LoRALayer]:
    """One LoRA's layers by module name, scaled as peft would."""
    weights = folder / SAFETENSORS_WEIGHTS_NAME
    if not weights.is_file() or not (folder / "adapter_config.json").is_file():
        raise AdapterError(f"{folder} is no saved adapter: it needs adapter_config.json and {weights.name}")
    config = PeftConfig.from_pretrained(str(folder))
    if not isinstance(config, LoraConfig) or config.use_dora:
        kind = "a DoRA" if isinstance(config, LoraConfig) else f"of type {config.peft_type}"
        raise AdapterError(f"{folder.name} is {kind}: donors are plain LoRAs")
    tensors = load_file(weights)
    names = {key.removeprefix(_PREFIX).removesuffix(_DOWN).removesuffix(_UP) for key in tensors}
    layers = {}
    for name in sorted(names):
        up, down = (tensors.pop(_PREFIX + name + side, None) for side in (_UP, _DOWN))
        if up is None or down is None:
            raise AdapterError(f"{folder.name} has no pair of factors for {name}: donors are plain LoRAs")
        rank = config.rank_pattern.get(get_pattern_key(config.rank_pattern.keys(), name), config.r)
        alpha = config.alpha_pattern.get(
            get_pattern_key(config.alpha_pattern.keys(), name), config.lora_alpha
        )
        scale = alpha / (rank**0.5 if config.use_rslora else rank)
        layers[name] = LoRALayer(up.float().flatten(1) * scale, down.float().flatten(1))
    return layers
