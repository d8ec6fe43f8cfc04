"""The LoRAs that a ComfyUI node loads."""

from collections.abc import Iterator
from typing import Any

from eigenlorax.recall.bounded import mapping, number, text, whole
from eigenlorax.recall.comfy_graph import Node
from eigenlorax.recall.recalled import RecalledLora, stem_of
from eigenlorax.recall.tags import split_tags

_MOST_ROWS = 50


def loras_of(node: Node) -> list[RecalledLora]:
    """Those of one node, in its order; none for a node that loads none.

    Source: ComfyUI (LoraLoader, LoraLoaderModelOnly), rgthree (Power Lora Loader: `lora_1` = {on, lora,
    strength, strengthTwo}), efficiency-nodes (Efficient Loader, LoRA Stacker), Comfyroll (CR LoRA Stack),
    LoRA Manager (tags in `text`).
    """
    told, kind = node.inputs, node.kind
    if kind in ("LoraLoader", "LoraLoaderModelOnly"):
        clip = told.get("strength_clip") if kind == "LoraLoader" else 0.0
        return _one(told.get("lora_name"), told.get("strength_model"), clip)
    if "rgthree" in kind:
        rows = [mapping(value) for key, value in told.items() if key.lower().startswith("lora_")]
        return [
            lora
            for row in rows[:_MOST_ROWS]
            if row.get("on") is not False
            for lora in _one(row.get("lora"), row.get("strength"), row.get("strengthTwo"))
        ]
    if "LoraManager" in kind:
        return list(split_tags(text(told.get("text")))[1])
    if kind in ("Efficient Loader", "Eff. Loader SDXL"):
        return _one(told.get("lora_name"), told.get("lora_model_strength"), told.get("lora_clip_strength"))
    return list(_stacked(node)) if "stack" in kind.lower() and "lora" in kind.lower() else []


def _stacked(node: Node) -> Iterator[RecalledLora]:
    told = node.inputs
    count = whole(told.get("lora_count"))
    for row in range(1, min(_MOST_ROWS, _MOST_ROWS if count is None else count) + 1):
        if told.get(f"switch_{row}") == "Off":
            continue
        if told.get("input_mode") == "advanced" or f"model_weight_{row}" in told:
            model = told.get(f"model_str_{row}", told.get(f"model_weight_{row}"))
            clip = told.get(f"clip_str_{row}", told.get(f"clip_weight_{row}"))
        else:
            model, clip = told.get(f"lora_wt_{row}"), None
        yield from _one(told.get(f"lora_name_{row}"), model, clip)


def _one(name: Any, model: Any, clip: Any) -> list[RecalledLora]:
    stem, strength, encoders = stem_of(text(name)), number(model), number(clip)
    if stem in ("", "None") or strength is None:
        return []
    return [RecalledLora(stem, strength, text_encoder=None if encoders == strength else encoders)]
