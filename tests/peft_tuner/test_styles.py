"""A style as adapters on the parts of a pipeline, and back; what a subspace teaches on a UNet."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from peft import PeftModel, get_peft_model
from torch import Tensor

from eigenlorax.attached import attach
from eigenlorax.events import drain
from eigenlorax.library.bundle import Bundle, save_bundle
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.peft_tuner import AdapterError, EigenLoRAxConfig, style_from_peft, style_to_peft
from eigenlorax.peft_tuner.layers import Conv2d, EigenLoRAxLayer, Linear
from eigenlorax.runtime.sdxl import BaseModel, changeable
from eigenlorax.subspace.fit import Goal, fit
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.style import blend_layers
from tests import tiny

pytestmark = pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)  # peft's
NAMES = ("neon", "chalk")


def bundle_of(loras: list[LoRA], layout: str, goal: Goal) -> Bundle:
    fitted = drain(fit(loras, {}, layout, goal))
    return Bundle(fitted.subspace, fitted.styles({lora.name: () for lora in loras}))


@pytest.fixture(scope="module")
def bundle(base: BaseModel) -> Bundle:
    """Two styles that change all three parts, convolutions too, with shared columns and private ranks."""
    every = tiny.lora(base.layout, "frames", rank=3, seed=7, components=Component)
    taken = [path for part in Component for path in [p for p in every.layers if p.component is part][:8]]
    frames = replace(every, layers={path: every.layers[path] for path in taken})
    convolutions = [
        path for path, shape in base.layout.items() if shape.kernel and path.component is Component.UNET
    ]
    convolutions = convolutions[::4]
    generator = torch.Generator().manual_seed(3)
    mixed = []
    for place, name in enumerate(NAMES):
        layers = {
            path: LoRALayer(layer.up @ torch.randn(3, 3, generator=generator), layer.down)
            for path, layer in frames.layers.items()
        }
        for path in convolutions:
            rows, columns = base.layout[path].matrix
            up, down = torch.randn(rows, 2, generator=generator), torch.randn(2, columns, generator=generator)
            layers[path] = LoRALayer(up * 0.5 / rows, down)
        mixed.append(LoRA(name, layers, sha256=f"{place:064x}"))
    made = bundle_of(mixed, base.layout_hash, Goal(0.97, numbers=Numbers.INT8))
    assert any(residual.rank for style in made.styles.values() for residual in style.residuals.kept.values())
    for part in Component:
        assert any(
            all(basis.core_shape) for path, basis in made.subspace.bases.items() if path.component is part
        )
    return made


@pytest.fixture
def pipe(tiny_model: Path) -> StableDiffusionXLPipeline:
    pipeline = StableDiffusionXLPipeline.from_pretrained(tiny_model)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def dressed(pipe: StableDiffusionXLPipeline, bundle: Bundle, name: str) -> dict[Component, PeftModel]:
    return {
        part: style_to_peft(getattr(pipe, part.value), bundle.subspace, bundle.styles[name], part)
        for part in Component
    }


def drawn(pipe: StableDiffusionXLPipeline) -> np.ndarray:
    picture = pipe(
        prompt="a cat", num_inference_steps=2, guidance_scale=4.0, width=64, height=64,
        generator=torch.Generator().manual_seed(5),
    ).images[0]  # fmt: skip
    return np.asarray(picture, int)


def few(lora: LoRA) -> LoRA:
    return replace(lora, layers=dict(list(lora.layers.items())[:8]))


def updates(bundle: Bundle, name: str) -> Mapping[object, Tensor]:
    layers = blend_layers(bundle.subspace, bundle.styles, {name: 1.0})
    return {path: layer.up @ layer.down for path, layer in layers.items()}


def test_a_style_taken_out_is_the_same_style(pipe, bundle: Bundle, tmp_path: Path) -> None:
    bare = drawn(pipe)
    with attach(pipe, bundle) as studio:
        studio.set_styles({"neon": 1.0})
        expected = drawn(pipe)
    parameters, _ = changeable(pipe)
    before = {path: parameter.detach().clone() for path, parameter in parameters.items()}
    models = dressed(pipe, bundle, "neon")
    kinds = {type(module) for module in pipe.unet.modules() if isinstance(module, EigenLoRAxLayer)}
    assert kinds == {Linear, Conv2d}
    assert np.abs(drawn(pipe) - expected).max() <= 1
    assert np.abs(expected - bare).max() > 8
    for part, model in models.items():  # as matrices: W + dW of the style
        merged = dict(model.merge_and_unload().named_parameters())
        assert len(merged) == len(dict(getattr(pipe, part.value).named_parameters()))
    after, _ = changeable(pipe)
    changes = updates(bundle, "neon")
    for path, weight in after.items():
        told = before[path].double()
        if path in changes:
            told = told + changes[path].double().reshape(told.shape)
        torch.testing.assert_close(weight.detach(), told.float(), atol=2e-6, rtol=1e-5)


def test_there_and_back_through_files(pipe, bundle: Bundle, tiny_model: Path, tmp_path: Path) -> None:
    for part, model in dressed(pipe, bundle, "neon").items():
        model.save_pretrained(tmp_path / part.value)
    other = StableDiffusionXLPipeline.from_pretrained(tiny_model)
    other.set_progress_bar_config(disable=True)
    loaded = {
        part: PeftModel.from_pretrained(getattr(other, part.value), tmp_path / part.value)
        for part in Component
    }
    assert np.array_equal(drawn(other), drawn(pipe))
    style = style_from_peft(loaded, bundle.subspace, "back", trigger_words=("neon light",))
    assert (style.name, style.subspace, style.trigger_words) == (
        "back",
        bundle.subspace.hash,
        ("neon light",),
    )
    told = updates(Bundle(bundle.subspace, {"back": style}), "back")
    for path, change in updates(bundle, "neon").items():
        missed = float((change - told.get(path, torch.zeros_like(change))).norm())
        assert missed <= 5e-3 * float(change.norm()) + 1e-8  # numbers of 8 bits, rounded a second time
    for model in loaded.values():
        model.unload()
    with attach(other, Bundle(bundle.subspace, {"back": style})) as studio:
        studio.set_styles({"back": 1.0})
        assert np.abs(drawn(other) - drawn(pipe)).max() <= 3


def test_styles_of_one_subspace_share_their_columns(pipe, bundle: Bundle) -> None:
    model = style_to_peft(pipe.unet, bundle.subspace, bundle.styles["neon"])
    style_to_peft(model, bundle.subspace, bundle.styles["chalk"], adapter_name="chalk")
    hashes = {config.basis_hash for config in model.peft_config.values()}
    assert len(hashes) == 1
    shared = [
        layer
        for layer in model.modules()
        if isinstance(layer, EigenLoRAxLayer) and len(layer.eigenlorax_out) > 1
    ]
    assert shared
    assert all(
        layer.eigenlorax_out["chalk"] is layer.eigenlorax_out["default"]
        for layer in shared
        if layer.eigenlorax_out["chalk"].numel()
    )
    neon = drawn(pipe)
    model.set_adapter("chalk")
    chalk = drawn(pipe)
    assert np.abs(neon - chalk).max() > 8
    back = style_from_peft({Component.UNET: model}, bundle.subspace, "chalk", "chalk")
    assert set(back.cores) <= set(bundle.subspace.bases)


def test_what_an_adapter_cannot_hold_is_refused(pipe, base: BaseModel, bundle: Bundle) -> None:
    lora = few(tiny.lora(base.layout, "normed"))
    norm = tiny.any_path(base.layout, "norm1")
    lora = replace(
        lora,
        layers={
            **lora.layers,
            norm: LoRALayer(torch.ones(base.layout[norm].out_features, 1), torch.ones(1, 1)),
        },
    )
    normed = bundle_of([lora], base.layout_hash, Goal(0.9))
    with pytest.raises(AdapterError, match="which is no linear layer or convolution"):
        style_to_peft(pipe.unet, normed.subspace, normed.styles["normed"])
    with pytest.raises(AdapterError, match="give the right component"):
        style_to_peft(pipe.unet, bundle.subspace, bundle.styles["neon"], "text_encoder")
    assert not any(isinstance(module, EigenLoRAxLayer) for module in pipe.unet.modules())
    with pytest.raises(AdapterError, match="unet has no EigenLoRAx adapter named default"):
        style_from_peft({"unet": pipe.unet}, bundle.subspace, "nothing")
    other = bundle_of([few(tiny.lora(base.layout, "other", seed=50))], base.layout_hash, Goal(0.9))
    model = style_to_peft(pipe.unet, other.subspace, other.styles["other"])
    with pytest.raises(AdapterError, match="give the subspace that it was made with"):
        style_from_peft({"unet": model}, bundle.subspace, "other")


@pytest.mark.parametrize("component", list(Component))
def test_a_subspace_is_learnt_in_by_its_path(
    pipe, bundle: Bundle, component: Component, tmp_path: Path
) -> None:
    save_bundle(bundle.subspace, bundle.styles, tmp_path / "both.safetensors")
    part = getattr(pipe, component.value)
    model = get_peft_model(
        part, EigenLoRAxConfig(basis=tmp_path / "both.safetensors", component=component, r=2)
    )
    modules = [path for path in bundle.subspace.bases if path.component is component]
    assert model.get_nb_trainable_parameters()[0] == 2 * 2 * len(modules)
    model.save_pretrained(tmp_path / "adapter")  # which brings its columns: the bundle may go
    (tmp_path / "both.safetensors").unlink()
    model = PeftModel.from_pretrained(model.unload(), tmp_path / "adapter")
    assert len(model.peft_config["default"].sizes) == len(modules)
    wrong = "text_encoder" if component is Component.UNET else "unet"
    with pytest.raises(AdapterError, match=f"as {wrong}: it was made for another model or another part"):
        get_peft_model(model.unload(), EigenLoRAxConfig(basis=bundle.subspace, component=wrong))


def test_where_nothing_is_shared_the_styles_lend_columns(pipe, base: BaseModel, tmp_path: Path) -> None:
    strangers = [few(tiny.lora(base.layout, name, seed=60 + place)) for place, name in enumerate(NAMES)]
    alone = bundle_of(strangers, base.layout_hash, Goal(0.9))
    assert not any(all(basis.core_shape) for basis in alone.subspace.bases.values())
    with pytest.raises(AdapterError, match="shares no columns"):
        get_peft_model(pipe.unet, EigenLoRAxConfig(basis=alone.subspace))
    model = style_to_peft(pipe.unet, alone.subspace, alone.styles["neon"])  # which is all private ranks
    assert model.get_nb_trainable_parameters()[0] == 0
    with pytest.raises(AdapterError, match="neon leaves the text_encoder alone"):
        style_to_peft(pipe.text_encoder, alone.subspace, alone.styles["neon"], "text_encoder")
    save_bundle(alone.subspace, alone.styles, tmp_path / "alone.safetensors")
    config = EigenLoRAxConfig(basis=tmp_path / "alone.safetensors", r=8)
    lent = get_peft_model(model.unload(), config)
    assert lent.get_nb_trainable_parameters()[0] == 8 * 8 * 8
    for key, layer in lent.named_modules():  # two styles of rank 4: both lie within 8 columns
        if isinstance(layer, EigenLoRAxLayer):
            path = ModulePath(Component.UNET, key.removeprefix("base_model.model."))
            out, into = layer.eigenlorax_out["default"], layer.eigenlorax_into["default"]
            for change in (updates(alone, name)[path] for name in NAMES):
                held = out @ (out.mT @ change @ into) @ into.mT
                assert float((held - change).norm()) < 5e-3 * float(change.norm())


def test_diffusers_own_doors_work(pipe, bundle: Bundle) -> None:
    bare = drawn(pipe)
    pipe.unet.add_adapter(EigenLoRAxConfig(basis=bundle.subspace), "mine")
    with torch.no_grad():
        for layer in pipe.unet.modules():
            if isinstance(layer, EigenLoRAxLayer):
                layer.eigenlorax_core["mine"].fill_(1.0)
    full = drawn(pipe)
    assert np.abs(full - bare).max() > 2
    pipe.unet.set_adapters("mine", 0.0)
    assert np.array_equal(drawn(pipe), bare)
    pipe.unet.set_adapters("mine", 1.0)
    assert np.array_equal(drawn(pipe), full)
    pipe.unet.disable_adapters()
    assert np.array_equal(drawn(pipe), bare)
