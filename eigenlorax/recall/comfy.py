"""ComfyUI's graphs: what reaches the picture is followed back from its sampler."""

from collections.abc import Mapping
from typing import Any

from eigenlorax.errors import InvalidFileError
from eigenlorax.recall.bounded import number, text, unread, whole
from eigenlorax.recall.comfy_graph import Graph, Node
from eigenlorax.recall.comfy_loras import loras_of
from eigenlorax.recall.recalled import Recalled, RecalledHires, Settings, stem_of

_SAMPLERS = ("KSampler", "SamplerCustom", "SamplerCustomAdvanced")
_MODEL_LINKS = (
    "model",
    "MODEL",
    "sdxl_tuple",
    "base_model",
    "guider",
    "lora_stack",
    "LORA_STACK",
    "optional_lora_stack",
)
_CLIP_LINKS = ("clip", "CLIP")
_LATENT_LINKS = ("latent_image", "latent", "samples", "image", "images", "pixels", "upscale_model_image")
_TEXT_KEYS = ("text", "string", "value", "prompt", "text_g", "text_l", "Text", "STRING", "wildcard_text")
_CONDITION_LINKS = (
    "conditioning",
    "conditioning_1",
    "conditioning_2",
    "conditioning_to",
    "conditioning_from",
)


def read_comfy(told: Mapping[str, Any]) -> Recalled:
    """A graph as ComfyUI runs it (`prompt`) or as its page keeps it (`workflow`).

    Only links are followed: nodes that compute a text or a number are not run.

    Raises:
        InvalidFileError: no sampler leads to a picture.

    Source: comfyanonymous/ComfyUI, nodes.py; jags111/efficiency-nodes-comfyui; rgthree/rgthree-comfy.
    """
    graph = Graph.of(told)
    shown = graph.behind_pictures()
    samplers = [node for node in shown if _is_sampler(node)]
    if not samplers:
        raise InvalidFileError(
            "the ComfyUI graph has no sampler that can be followed: nothing is read from it"
        )
    before = {node.id: [n for n in graph.chain(node, _LATENT_LINKS) if _is_sampler(n)] for node in samplers}
    last = max(samplers, key=lambda node: len(before[node.id]))
    first = before[last.id][-1] if before[last.id] else last
    models = graph.chain(first, _MODEL_LINKS)
    conditions = [*models, *graph.chain(first, ("positive", *_CONDITION_LINKS, *_CLIP_LINKS, "guider"))]
    latents = graph.chain(first, _LATENT_LINKS)
    positive, negative = _text(graph, first, "positive"), _text(graph, first, "negative")
    loras = {lora.name: lora for node in _unique(conditions) for lora in loras_of(node)}
    negatives = graph.chain(first, ("negative", *_CONDITION_LINKS))
    used = {node.id for node in (*samplers, *conditions, *negatives, *graph.chain(last, _LATENT_LINKS))}
    return Recalled(
        "ComfyUI",
        positive,
        negative,
        _settings(graph, first, last, conditions, latents),
        tuple(reversed(list(loras.values()))),
        _model(models),
        unread=unread({f"node {node.id}": node.kind for node in shown if _is_odd(node, used)}),
    )


def _is_sampler(node: Node) -> bool:
    return node.kind.startswith(_SAMPLERS) and "Select" not in node.kind and "config" not in node.kind.lower()


def _is_odd(node: Node, used: set[str]) -> bool:
    known = ("CLIP", "VAE", "SaveImage", "PreviewImage", "Primitive", "CheckpointLoader", "String", "Text")
    return node.id not in used and not node.kind.startswith(known)


def _unique(nodes: list[Node]) -> list[Node]:
    return list({node.id: node for node in nodes}.values())


def _settings(graph: Graph, first: Node, last: Node, conditions: list[Node], latents: list[Node]) -> Settings:
    parts = [first, *(graph.chain(first, ("sampler", "sigmas", "noise", "guider")))]

    def told(*keys: str) -> Any:
        return next((v for node in parts for key in keys if (v := graph.value(node, key)) is not None), None)

    size = next((found for node in reversed(latents) if (found := _size(graph, node))), (None, None))
    stop = next((n for node in conditions if (n := whole(_stop(graph, node))) is not None), None)
    denoise = number(told("denoise"))
    hires = _hires(graph, first, last) if last is not first else None
    if hires is not None:
        denoise = number(graph.value(last, "denoise"))
    elif not any(node.kind.startswith("VAEEncode") for node in latents):
        denoise = None
    elif denoise is None:
        denoise = 1.0
    return Settings(
        steps=whole(told("steps")),
        sampler=text(told("sampler_name")),
        schedule=text(told("scheduler")),
        guidance=number(told("cfg")),
        seed=whole(told("seed", "noise_seed")),
        width=size[0],
        height=size[1],
        clip_skip=-stop if stop is not None and -12 <= stop < -1 else None,
        denoise=denoise,
        hires=hires,
    )


def _stop(graph: Graph, node: Node) -> Any:
    if node.kind == "CLIPSetLastLayer":
        return graph.value(node, "stop_at_clip_layer")
    return graph.value(node, "clip_skip") if "Eff" in node.kind else None


def _size(graph: Graph, node: Node) -> tuple[int, int] | None:
    if "Upscale" in node.kind or "Resize" in node.kind or "Scale" in node.kind:
        return None
    for keys in (("width", "height"), ("empty_latent_width", "empty_latent_height")):
        sides = [whole(graph.value(node, key)) for key in keys]
        if sides[0] and sides[1]:
            return sides[0], sides[1]
    return None


def _hires(graph: Graph, first: Node, last: Node) -> RecalledHires:
    """How the latents grow on the way from the first sampler to the last."""
    between = [
        node for node in graph.chain(last, _LATENT_LINKS) if node.id != first.id and not _is_sampler(node)
    ]
    scale, width, height, upscaler = None, None, None, ""
    for node in between:
        by = number(graph.value(node, "scale_by")) or number(graph.value(node, "upscale_by"))
        scale = scale or by
        if "Upscale" in node.kind or "Scale" in node.kind:
            width = width or whole(graph.value(node, "width"))
            height = height or whole(graph.value(node, "height"))
            upscaler = upscaler or ("Latent" if "Latent" in node.kind else "Lanczos")
    return RecalledHires(scale, width, height, whole(graph.value(last, "steps")), upscaler)


def _model(models: list[Node]) -> str:
    for node in models:
        for key in ("ckpt_name", "base_ckpt_name", "unet_name", "model_name"):
            if name := text(node.inputs.get(key)):
                return stem_of(name)
    return ""


def _text(graph: Graph, sampler: Node, side: str) -> str:
    """The prompt on one side: the texts that its conditioning is made of, a line each."""
    start = graph.linked(sampler, side) or graph.linked(sampler, "sdxl_tuple")
    guider = graph.linked(sampler, "guider")
    if start is None and guider is not None:
        start = graph.linked(guider, side) or (
            graph.linked(guider, "conditioning") if side == "positive" else None
        )
        sampler = guider if start is not None else sampler
    lines: list[str] = []
    for node in graph.walk(start, (side, *_CONDITION_LINKS)):
        if node.kind == "ConditioningZeroOut":
            return ""
        own = [text(graph.value(node, side))] if side in node.inputs else []
        own += [text(graph.value(node, key)) for key in _TEXT_KEYS if key in node.inputs]
        lines += [words for words in own if words and words not in lines]
    return "\n".join(lines)
