"""Writing a LoRA as users' files are: kohya names (sgm or diffusers blocks), PEFT names, or old diffusers names."""

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from lora_specs import Spec
from lora_stack import Pairs
from safetensors.torch import load_file, save


def _text_name(name: str) -> str:
    """`text_model.encoder.…` whatever level the library's class starts at."""
    return "text_model." + name[name.index("encoder.layers") :]


def _sgm_name(name: str) -> str:
    """A diffusers UNet module by the names of the original checkpoint (two layers a block)."""
    found = re.match(r"(down_blocks|up_blocks)\.(\d+)\.attentions\.(\d+)\.(.*)", name)
    if found is None:
        return name.replace("mid_block.attentions.0", "middle_block.1")
    kind, block, layer, rest = found.groups()
    if kind == "down_blocks":
        return f"input_blocks.{3 * int(block) + int(layer) + 1}.1.{rest}"
    return f"output_blocks.{3 * int(block) + int(layer)}.1.{rest}"


def _leaf(name: str) -> str:
    """The shortest ending that names a kind of Linear, as trainers list target modules."""
    found = re.search(r"(to_out\.0|ff\.net\.0\.proj|ff\.net\.2|[a-z_0-9]+)$", name)
    return name if found is None else found.group(1)


def module_key(part: str, name: str, dialect: str) -> str:
    """The file's name for a module, without the ending."""
    if dialect.startswith("kohya"):
        if part == "unet":
            name = _sgm_name(name) if dialect == "kohya-sgm" else name
            return "lora_unet_" + name.replace(".", "_")
        prefix = "lora_te1_" if part == "text_encoder" else "lora_te2_"
        return prefix + _text_name(name).replace(".", "_")
    return f"{part}.{name if part == 'unet' else _text_name(name)}"


def _endings(spec: Spec) -> tuple[str, str]:
    if spec.dialect.startswith("peft"):
        return "lora_A.weight", "lora_B.weight"
    if spec.dialect == "diffusers-old":
        return "lora.down.weight", "lora.up.weight"
    return "lora_down.weight", "lora_up.weight"


def read_lora(path: Path, modules: Iterable[tuple[str, str]], spec: Spec) -> Pairs:
    """The pairs of a file that `write_lora` wrote, for the given (part, name) modules, float32."""
    held, (first, second) = load_file(path), _endings(spec)
    found: Pairs = {}
    for part, name in modules:
        key = module_key(part, name, spec.dialect)
        found[part, name] = held[f"{key}.{first}"].float(), held[f"{key}.{second}"].float()
    return found


def tensors(pairs: Pairs, spec: Spec) -> dict[str, torch.Tensor]:
    """The file's tensors, fp16."""
    first, second = _endings(spec)
    found: dict[str, torch.Tensor] = {}
    for (part, name), (down, up) in pairs.items():
        key = module_key(part, name, spec.dialect)
        found[f"{key}.{first}"] = down.half().contiguous()
        found[f"{key}.{second}"] = up.half().contiguous()
        if spec.dialect.startswith("kohya"):
            found[f"{key}.alpha"] = torch.tensor(float(spec.alpha), dtype=torch.float16)
    return found


def metadata(spec: Spec, run: dict[str, Any], pairs: Pairs) -> dict[str, str]:
    """`ss_*` and `modelspec.*` as kohya's trainer writes them; PEFT files also carry the adapter's settings."""
    found = {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
        "modelspec.implementation": "https://github.com/Stability-AI/generative-models",
        "modelspec.title": spec.name,
        "modelspec.author": "EigenLoRAx Studio contributors",
        "modelspec.description": f"Demo style '{spec.look}' for the demo model",
        "modelspec.license": spec.licence,
        "modelspec.date": run["finished"],
        "modelspec.resolution": "128x128",
        "modelspec.prediction_type": "epsilon",
        "modelspec.trigger_phrase": spec.trigger,
        "modelspec.tags": "style, demo",
    }
    if spec.dialect.startswith("kohya"):
        found |= {
            "ss_base_model_version": "sdxl_base_v1-0",
            "ss_network_module": "networks.lora",
            "ss_network_dim": str(spec.rank),
            "ss_network_alpha": str(float(spec.alpha)),
            "ss_network_args": "{}",
            "ss_output_name": spec.name,
            "ss_sd_model_name": "demo-model",
            "ss_resolution": "(128, 128)",
            "ss_tag_frequency": json.dumps({"train": {spec.trigger: run["pictures"]}}),
            "ss_num_train_images": str(run["pictures"]),
            "ss_steps": str(run["step"]),
            "ss_max_train_steps": str(run["steps"]),
            "ss_learning_rate": str(run["rate"]),
            "ss_unet_lr": str(run["rate"]),
            "ss_text_encoder_lr": str(run["rate"]) if spec.text else "None",
            "ss_optimizer": "torch.optim.adamw.AdamW",
            "ss_mixed_precision": "bf16",
            "ss_lr_scheduler": "cosine",
            "ss_min_snr_gamma": "5.0",
            "ss_batch_size_per_device": str(run["batch"]),
            "ss_seed": str(spec.seed),
            "ss_training_started_at": str(run["started_at"]),
            "ss_training_finished_at": str(run["finished_at"]),
            "ss_training_comment": "stopped by held-out loss",
        }
    elif spec.dialect == "peft-metadata":
        adapter: dict[str, Any] = {}
        for part in sorted({part for part, _ in pairs}):
            names = sorted({_leaf(name) for owner, name in pairs if owner == part})
            adapter |= {
                f"{part}.peft_type": "LORA",
                f"{part}.r": spec.rank,
                f"{part}.lora_alpha": spec.alpha,
                f"{part}.target_modules": names,
                f"{part}.bias": "none",
                f"{part}.lora_dropout": 0.0,
                f"{part}.init_lora_weights": True,
            }
        found["lora_adapter_metadata"] = json.dumps(adapter, sort_keys=True)
    return found


def write_lora(path: Path, pairs: Pairs, spec: Spec, run: dict[str, Any]) -> int:
    """Write the file with the hash of its tensors in the metadata; gives its size in bytes."""
    held = tensors(pairs, spec)
    plain = save(held, {"format": "pt"})
    digest = hashlib.sha256(plain[8 + int.from_bytes(plain[:8], "little") :]).hexdigest()
    notes = {"format": "pt", **metadata(spec, run, pairs), "modelspec.hash_sha256": f"0x{digest}"}
    if spec.dialect.startswith("kohya"):
        notes["sshs_model_hash"] = digest
    data = save(held, notes)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return len(data)
