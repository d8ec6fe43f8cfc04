"""Duplicates and shared random starts, on LoRAs that really share them and on those that do not."""

from pathlib import Path

import torch

from eigenlorax.formats.relations import relate, sketch
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.runtime.sdxl import BaseModel
from tests import tiny

FIXTURES = Path(__file__).parents[1] / "fixtures"


def trained(base: BaseModel, name: str, start: int, training: int) -> LoRA:
    """A LoRA whose down matrices come from one seed and barely moved, as training leaves them."""
    first, learnt = tiny.lora(base.layout, name, 4, start), tiny.lora(base.layout, name, 4, training)
    layers = {
        path: LoRALayer(learnt.layers[path].up, layer.down + 0.02 * learnt.layers[path].down)
        for path, layer in first.layers.items()
    }
    return LoRA(name, layers)


def test_seed_groups_are_found_and_strangers_left_alone(base: BaseModel) -> None:
    loras = [trained(base, f"one-{n}", start=1, training=10 + n) for n in range(3)]
    loras += [trained(base, f"alone-{n}", start=50 + n, training=20 + n) for n in range(3)]
    relations = relate({lora.name: sketch(lora) for lora in loras})
    assert [group.names for group in relations.seed_groups] == [("one-0", "one-1", "one-2")]
    assert relations.duplicates == ()


def test_the_same_update_is_found_in_any_precision_and_gauge(base: BaseModel) -> None:
    lora = tiny.lora(base.layout, "a", 4, 3)
    turned = {
        p: LoRALayer((x.up * 2.0).half().float(), (x.down / 2.0).half().float())
        for p, x in lora.layers.items()
    }
    stronger = {p: LoRALayer(x.up * 1.05, x.down) for p, x in lora.layers.items()}
    kinds = {"a": lora, "b": LoRA("b", turned), "c": LoRA("c", stronger)}
    relations = relate({name: sketch(one) for name, one in kinds.items()})
    assert relations.duplicates == (("a", "b"),)


def test_the_shipped_trio_shares_seed_1337(demo_base: BaseModel) -> None:
    reader = tiny.reader(demo_base)
    paths = sorted((FIXTURES / "shared_seed_loras").glob("*.safetensors"))
    relations = relate({path.stem: sketch(reader.open(path)) for path in paths})
    (group,) = relations.seed_groups
    assert group.names == tuple(path.stem for path in paths)
    assert group.seed == 1337


def test_the_shipped_collection_shares_nothing(demo_base: BaseModel) -> None:
    reader = tiny.reader(demo_base)
    folder = Path(__file__).parents[2] / "assets" / "demo" / "loras"
    relations = relate({path.stem: sketch(reader.open(path)) for path in folder.glob("*.safetensors")})
    assert relations.seed_groups == ()
    assert relations.duplicates == ()


def test_diffusers_older_scripts_draw_normal_numbers_after_building_the_layers(base: BaseModel) -> None:
    path = min(p for p in base.layout if p.name.endswith("attn1.to_q") and p.parameter == "weight")
    shape = base.layout[path]
    torch.manual_seed(42)
    down = torch.nn.Linear(shape.in_features, 4, bias=False)
    torch.nn.Linear(4, shape.out_features, bias=False)
    torch.nn.init.normal_(down.weight, std=0.25)
    lora = LoRA("x", {path: LoRALayer(torch.randn(shape.out_features, 4), down.weight.detach())})
    other = LoRA("y", {path: LoRALayer(torch.randn(shape.out_features, 4), down.weight.detach())})
    (group,) = relate({"x": sketch(lora), "y": sketch(other)}).seed_groups
    assert group.seed == 42
