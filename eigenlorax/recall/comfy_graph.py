"""A ComfyUI graph: its nodes, and the links between them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eigenlorax.recall.bounded import listed, mapping

_MOST_NODES = 5000
_MOST_HOPS = 64
#: The order in which ComfyUI's page keeps the values of its nodes' fields.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "KSampler": ("seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": (
        "add_noise", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler", "start_at_step",
        "end_at_step", "return_with_leftover_noise",
    ),
    "KSampler (Efficient)": ("seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "CLIPTextEncode": ("text",),
    "CLIPSetLastLayer": ("stop_at_clip_layer",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "EmptyLatentImage": ("width", "height", "batch_size"),
    "LatentUpscale": ("upscale_method", "width", "height", "crop"),
    "LatentUpscaleBy": ("upscale_method", "scale_by"),
    "ImageScale": ("upscale_method", "width", "height", "crop"),
    "ImageScaleBy": ("upscale_method", "scale_by"),
    "PrimitiveNode": ("value",),
}  # fmt: skip
_PICTURE_ENDS = ("SaveImage", "PreviewImage", "Image Save", "Save", "SaveAnimated")


@dataclass(frozen=True)
class Node:
    """One node: its class, and its inputs, a link being [id, slot]."""

    id: str
    kind: str
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """Nodes by id."""

    nodes: Mapping[str, Node]

    @staticmethod
    def of(told: Mapping[str, Any]) -> "Graph":
        """From either form; nodes that are switched off are left out."""
        if isinstance(told.get("nodes"), list):
            return Graph(_from_page(told))
        items = list(told.items())[:_MOST_NODES]
        return Graph(
            {
                key: Node(key, str(mapping(one)["class_type"])[:200], mapping(mapping(one).get("inputs")))
                for key, one in items
                if isinstance(mapping(one).get("class_type"), str)
            }
        )

    def linked(self, node: Node, key: str) -> Node | None:
        """The node that an input comes from, through reroutes."""
        for _ in range(_MOST_HOPS):
            link = node.inputs.get(key)
            if not (isinstance(link, list) and len(link) == 2 and isinstance(link[0], str | int)):
                return None
            found = self.nodes.get(str(link[0]))
            if found is None or found.kind != "Reroute":
                return found
            node, key = found, ""
        return None

    def value(self, node: Node, key: str) -> Any:
        """An input's value, through the nodes that only hold one; None where it is not told."""
        for _ in range(_MOST_HOPS):
            behind = self.linked(node, key)
            if behind is None:
                found = node.inputs.get(key)
                return None if isinstance(found, list | dict) else found
            here = (
                "value",
                "int",
                "float",
                "string",
                "text",
                "Text",
                "STRING",
                "seed",
                "noise_seed",
                "prompt",
            )
            key = next((name for name in (key, *here) if name in behind.inputs), "")
            node = behind
        return None

    def walk(self, start: Node | None, keys: Sequence[str]) -> Iterator[Node]:
        """All nodes that are reached from one by inputs of these names, itself included, nearest first."""
        waiting, seen = [start] if start is not None else [], set[str]()
        while waiting:
            node = waiting.pop(0)
            if node.id in seen:
                continue
            seen.add(node.id)
            yield node
            waiting += [found for key in keys if (found := self.linked(node, key)) is not None]

    def chain(self, start: Node, keys: Sequence[str]) -> list[Node]:
        """As `walk`, without the node itself."""
        return list(self.walk(start, keys))[1:]

    def behind_pictures(self) -> list[Node]:
        """Every node that a picture is made from, nearest to it first; all, where no node saves one."""
        ends = [node for node in self.nodes.values() if node.kind.startswith(_PICTURE_ENDS)]
        found: dict[str, Node] = {}
        for end in ends:
            waiting = [end]
            while waiting:
                node = waiting.pop(0)
                if node.id in found:
                    continue
                found[node.id] = node
                waiting += [behind for key in node.inputs if (behind := self.linked(node, key)) is not None]
        return list(found.values()) if ends else list(self.nodes.values())


def _from_page(told: Mapping[str, Any]) -> dict[str, Node]:
    """The page's form: links stand apart, fields are values in a row.

    Source: comfyanonymous/ComfyUI_frontend, workflow JSON 0.4: a link is [id, from, slot, to, slot, type], a
    node of mode 2 or 4 is muted or bypassed.
    """
    links = {
        str(link[0]): [str(link[1]), link[2]]
        for link in listed(told.get("links"))[: 4 * _MOST_NODES]
        if isinstance(link, list) and len(link) >= 5
    }
    found = {}
    for one in map(mapping, listed(told["nodes"])[:_MOST_NODES]):
        kind = str(one.get("type", ""))[:200]
        if one.get("mode") in (2, 4):
            continue
        values = one.get("widgets_values")
        names = _FIELDS.get(kind, ())
        inputs: dict[str, Any] = dict(zip(names, listed(values), strict=False))
        inputs.pop("", None)
        if isinstance(values, dict):
            inputs |= values
        elif not names:
            inputs |= {
                f"lora_{place}": value
                for place, value in enumerate(listed(values))
                if "lora" in mapping(value)
            }
        for socket in map(mapping, listed(one.get("inputs"))):
            if (link := links.get(str(socket.get("link")))) is not None:
                inputs[str(socket.get("name", ""))] = link
        found[str(one.get("id"))] = Node(str(one.get("id")), kind, inputs)
    return found
