"""Styles on a pipeline that its owner built: as the app draws, and gone without a trace."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline

import eigenlorax
from eigenlorax.attached import attach
from eigenlorax.errors import InvalidFileError, InvalidRequestError, UnknownStyleError, WrongBaseError
from eigenlorax.events import drain
from eigenlorax.library.bundle import Bundle, save_bundle
from eigenlorax.library.opened import open_collection
from eigenlorax.module_path import Component
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.generate import denoise
from eigenlorax.runtime.options import Mode
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspace.fit import Goal, fit
from tests import tiny

BLEND = {"neon": 0.8, "chalk": -0.3}
REQUEST = GenerationRequest("a cat", seed=5, steps=3, guidance=4.0, width=64, height=64)


@pytest.fixture
def pipe(tiny_model: Path) -> StableDiffusionXLPipeline:
    """A pipeline as its owner loads it."""
    pipeline = StableDiffusionXLPipeline.from_pretrained(tiny_model)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def everywhere(base: BaseModel) -> Bundle:
    """Styles that change the UNet and both text encoders."""
    loras = [
        replace(
            lora,
            layers={
                path: layer for path, layer in lora.layers.items() if path.name.endswith(("to_q", "q_proj"))
            },
        )
        for lora in (
            tiny.lora(base.layout, name, seed=9 + seed, components=Component)
            for seed, name in enumerate(BLEND)
        )
    ]
    fitted = drain(fit(loras, {}, base.layout_hash, Goal(0.9)))
    return Bundle(fitted.subspace, fitted.styles(dict.fromkeys(BLEND, ())))


def drawn(pipe: StableDiffusionXLPipeline) -> np.ndarray:
    """By diffusers' own loop."""
    picture = pipe(
        prompt=REQUEST.prompt, num_inference_steps=REQUEST.steps, guidance_scale=REQUEST.guidance,
        width=64, height=64, generator=torch.Generator().manual_seed(REQUEST.seed),
    ).images[0]  # fmt: skip
    return np.asarray(picture, int)


def weights(pipe: StableDiffusionXLPipeline) -> Iterator[tuple[str, torch.nn.Parameter]]:
    for part in Component:
        for name, parameter in getattr(pipe, part.value).named_parameters():
            yield f"{part.value}.{name}", parameter


@pytest.mark.parametrize("mode", ["merged", "live"])
def test_pictures_are_those_of_the_app(pipe, styled_studio: Studio, mode: str) -> None:
    with attach(pipe, styled_studio.library.root, mode) as studio:
        bare = drawn(pipe)
        studio.set_styles(BLEND)
        app = drain(styled_studio.easel.styled(replace(REQUEST, styles=BLEND))).image
        assert np.abs(drawn(pipe) - np.asarray(app, int)).max() <= 1  # diffusers' loop against the app's
        assert np.abs(drawn(pipe) - bare).max() > 8
        own = drain(denoise(pipe, REQUEST))
        difference = np.abs(np.asarray(own, int) - np.asarray(app, int)).max()
        assert difference == 0 if mode == "merged" else difference <= 1  # the same loop in both
        assert studio.strengths == BLEND


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("mode", ["merged", "live"])
def test_nothing_is_left_behind(pipe, everywhere: Bundle, mode: str, dtype: torch.dtype) -> None:
    pipe.to(dtype)
    before = {name: parameter.clone() for name, parameter in weights(pipe)}
    objects = {name: id(parameter) for name, parameter in weights(pipe)}
    hooks = [len(m._forward_hooks) for part in Component for m in getattr(pipe, part.value).modules()]
    with pytest.raises(ZeroDivisionError), attach(pipe, everywhere, mode) as studio:
        studio.set_styles(BLEND)
        changed = [name for name, parameter in weights(pipe) if not torch.equal(parameter, before[name])]
        assert bool(changed) == (mode == "merged")
        studio.set_styles({})
        assert all(torch.equal(parameter, before[name]) for name, parameter in weights(pipe))
        studio.set_styles({"neon": 1.0})
        1 / 0  # noqa: B018
    assert all(torch.equal(parameter, before[name]) for name, parameter in weights(pipe))
    assert objects == {name: id(parameter) for name, parameter in weights(pipe)}
    assert hooks == [len(m._forward_hooks) for part in Component for m in getattr(pipe, part.value).modules()]
    assert all(parameter.requires_grad for _, parameter in weights(pipe))  # as diffusers loads it


def test_text_encoders_wear_their_share(pipe, everywhere: Bundle) -> None:
    embeds = pipe.encode_prompt("a cat", device="cpu")
    with attach(pipe, everywhere) as studio:
        studio.set_styles({"neon": 1.0})
        worn = pipe.encode_prompt("a cat", device="cpu")
        assert not torch.equal(embeds[0], worn[0])
        assert not torch.equal(embeds[2], worn[2])
    assert torch.equal(embeds[0], pipe.encode_prompt("a cat", device="cpu")[0])


def test_a_detached_pipeline_is_saved_as_it_was(pipe, everywhere: Bundle, tmp_path: Path) -> None:
    with attach(pipe, everywhere, "merged") as studio:
        studio.set_styles(BLEND)
    pipe.save_pretrained(tmp_path / "again")
    again = dict(weights(StableDiffusionXLPipeline.from_pretrained(tmp_path / "again")))
    assert all(torch.equal(parameter, again[name]) for name, parameter in weights(pipe))


def test_it_is_opened_from_wherever_it_lies(pipe, styled_studio: Studio, tmp_path: Path) -> None:
    root = styled_studio.library.root
    folder = styled_studio.subspaces.current.folder
    bundle = open_collection(root)
    save_bundle(bundle.subspace, bundle.styles, tmp_path / "both.safetensors")
    for place in (root, str(folder), folder / "subspace.safetensors", tmp_path / "both.safetensors", bundle):
        with attach(pipe, place) as studio:
            assert set(studio.styles) == {"neon", "chalk"}
            assert studio.subspace.hash == bundle.subspace.hash
            assert studio.notice == ""


def test_a_stranger_of_the_same_shapes_is_told_of(styled_studio: Studio, tmp_path: Path) -> None:
    other = tiny.pipeline(tmp_path, seed=1)
    with attach(other, styled_studio.library.root) as studio:
        assert "made for" in studio.notice


def test_errors_say_what_to_do(pipe, everywhere: Bundle, tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="give the app's data folder"):
        attach(pipe, tmp_path)
    with pytest.raises(InvalidRequestError, match="choose auto, merged, live"):
        attach(pipe, everywhere, "fast")
    studio = attach(pipe, everywhere)
    with pytest.raises(InvalidRequestError, match="detach them first"):
        attach(pipe, everywhere)
    with pytest.raises(UnknownStyleError, match="no style named charcoal"):
        studio.set_styles({"charcoal": 1.0})
    with pytest.raises(InvalidRequestError, match="strength of neon"):
        studio.set_styles({"neon": float("nan")})
    studio.detach()
    studio.detach()
    with pytest.raises(InvalidRequestError, match="attach them again"):
        studio.set_styles({})
    with pytest.raises(WrongBaseError, match="other shapes"):
        attach(pipe, replace(everywhere, subspace=replace(everywhere.subspace, layout="0" * 64)))
    pipe.text_encoder = None
    with pytest.raises(WrongBaseError, match="has no text_encoder"):
        attach(pipe, everywhere)


def test_adapters_of_its_own_are_not_mixed_in(pipe, everywhere: Bundle) -> None:
    from peft import LoraConfig

    pipe.unet.add_adapter(LoraConfig(target_modules=["to_q"]))
    with pytest.raises(InvalidRequestError, match="unload_lora_weights"):
        attach(pipe, everywhere)


def test_weights_that_come_and_go_are_never_merged(pipe, everywhere: Bundle) -> None:
    from accelerate.hooks import ModelHook, add_hook_to_module

    add_hook_to_module(pipe.unet, ModelHook())
    with pytest.raises(InvalidRequestError, match="choose live"):
        attach(pipe, everywhere, "merged")
    with attach(pipe, everywhere) as studio:
        assert studio.mode is Mode.LIVE


def test_pipelines_that_share_their_parts(pipe, everywhere: Bundle) -> None:
    other = StableDiffusionXLImg2ImgPipeline(**pipe.components)
    with attach(other, everywhere) as studio:
        bare = drawn(pipe)
        studio.set_styles({"neon": 2.0})
        assert np.abs(drawn(pipe) - bare).max() > 2
        with pytest.raises(InvalidRequestError, match="detach them first"):
            attach(pipe, everywhere)


def test_without_peft_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("peft", "peft.utils"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "eigenlorax.peft_tuner", raising=False)
    with pytest.raises(ImportError, match="EigenLoRAxConfig needs peft: pip install peft"):
        eigenlorax.EigenLoRAxConfig  # noqa: B018


def test_the_package_opens_quickly() -> None:
    code = "import sys, eigenlorax; assert not {'torch', 'diffusers', 'gradio'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert eigenlorax.attach is attach
    assert set(eigenlorax.__all__) <= set(dir(eigenlorax))
    with pytest.raises(AttributeError, match="no attribute 'atach'"):
        eigenlorax.atach  # noqa: B018
