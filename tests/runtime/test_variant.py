"""What kind of SDXL a model is, told by its marks, its metadata or its name; and what it is not."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import EulerDiscreteScheduler

from eigenlorax.errors import ModelLoadError
from eigenlorax.runtime.hardware import Hardware
from eigenlorax.runtime.options import LoadOptions, Precision, Prediction
from eigenlorax.runtime.sdxl import load_base
from eigenlorax.runtime.variant import (
    Distillation,
    Suggestion,
    Variant,
    as_told,
    configured,
    distillation,
    of_checkpoint,
    of_pipeline,
)
from tests import headers
from tests.conftest import CPU

EULER = EulerDiscreteScheduler(
    beta_start=0.00085,
    beta_end=0.012,
    beta_schedule="scaled_linear",
    timestep_spacing="leading",
    steps_offset=1,
)


@pytest.mark.parametrize(
    ("name", "keys", "metadata", "expected"),
    [
        ("sd_xl_base_1.0", (), {}, Prediction.EPSILON),
        ("anything", ("v_pred",), {}, Prediction.V),
        ("anything", ("v_pred", "ztsnr"), {}, Prediction.V_ZERO_SNR),
        ("anything", ("ztsnr",), {}, Prediction.EPSILON),
        ("anything", (), {"modelspec.prediction_type": "v"}, Prediction.V),
        ("anything", (), {"modelspec.prediction_type": "V_Prediction"}, Prediction.V),
        ("noobaiXL_vPred10", (), {"modelspec.prediction_type": "epsilon"}, Prediction.EPSILON),
        ("noobaiXL_vPred10", ("v_pred",), {"modelspec.prediction_type": "epsilon"}, Prediction.V),
        ("noobaiXLNAIXL_vPred10Version", (), {}, Prediction.V),
        ("my-v-pred-ztsnr-mix", (), {}, Prediction.V_ZERO_SNR),
        ("ponyDiffusionV6XL_v6", (), {}, Prediction.EPSILON),
        ("illustriousXL_v01", (), {}, Prediction.EPSILON),
    ],
)
def test_prediction_of_a_single_file(
    name: str, keys: tuple[str, ...], metadata: dict[str, str], expected: Prediction
) -> None:
    found = of_checkpoint(name, keys, metadata)
    assert found.prediction is expected
    assert ("v-prediction" in found.sentence) == (expected is not Prediction.EPSILON)


def test_a_name_is_told_as_a_hint() -> None:
    assert (
        "by its file name: --prediction epsilon if that is wrong" in of_checkpoint("x_vpred", (), {}).sentence
    )
    assert "file name" not in of_checkpoint("x_vpred", ("v_pred",), {}).sentence
    plain = as_told(of_checkpoint("x_vpred", (), {}), Prediction.EPSILON, "x_vpred")
    assert plain == Variant()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sd_xl_turbo_1.0_fp16", Distillation.TURBO),
        ("dreamshaperXL_v21TurboDPMSDE", Distillation.TURBO),
        ("juggernautXL_v9Rdphoto2Lightning", Distillation.LIGHTNING),
        ("sdxl_lightning_4step", Distillation.LIGHTNING),
        ("realvisxlV50_v50LightningBakedvae", Distillation.LIGHTNING),
        ("LCM_Dreamshaper_v7", Distillation.LCM),
        ("Hyper-SDXL-8steps", Distillation.HYPER),
        ("ponyRealism_hyperVAE", Distillation.HYPER),
        ("lustifySDXLNSFW_v20-dmd2", Distillation.DMD),
        ("hyperrealism_v3", None),
        ("HyperRealistic_XL", None),
        ("turboprop", None),
        ("sd_xl_base_1.0", None),
        ("illustriousXL_v01", None),
    ],
)
def test_distillations_by_name(name: str, expected: Distillation | None) -> None:
    assert distillation(name) is expected


def test_suggestions_are_values_and_steps_come_from_the_name() -> None:
    assert of_checkpoint("sd_xl_base_1.0", (), {}).suggestion is None
    assert of_checkpoint("sdxl_lightning_8step", (), {}).suggestion == Suggestion(8, 1.0, "Euler")
    assert of_checkpoint("x", (), {"modelspec.title": "My LCM mix"}).suggestion == Suggestion(6, 1.5, "LCM")
    turbo = of_pipeline("stabilityai/sdxl-turbo", EULER.config)
    assert turbo.suggestion == Suggestion(4, 1.0, "Euler a")
    assert "Suggested: 4 steps, guidance 1, Euler a." in turbo.sentence
    assert of_checkpoint("x", ("v_pred", "ztsnr"), {}).suggestion == Suggestion(28, 5.0, "Euler")


def test_schedulers_suit_the_variant() -> None:
    assert configured(EULER, Variant()) is EULER
    zero = configured(EULER, of_checkpoint("x", ("v_pred", "ztsnr"), {}))
    assert zero.config.prediction_type == "v_prediction"
    assert zero.config.rescale_betas_zero_snr
    assert zero.config.timestep_spacing == "trailing"
    assert zero.config.beta_start == EULER.config.beta_start
    zero.set_timesteps(10)
    EULER.set_timesteps(10)
    assert int(zero.timesteps[0]) == 999 > int(EULER.timesteps[0])
    assert float(zero.sigmas[0]) > 1000 > float(EULER.sigmas[0])
    assert of_pipeline("x", zero.config).prediction is Prediction.V_ZERO_SNR
    few = configured(EULER, of_checkpoint("a_lightning", (), {}))
    assert (few.config.prediction_type, few.config.timestep_spacing) == ("epsilon", "trailing")
    back = configured(zero, as_told(of_pipeline("x", zero.config), Prediction.EPSILON, "x"))
    assert (back.config.prediction_type, back.config.rescale_betas_zero_snr) == ("epsilon", False)


def test_v_prediction_recovers_what_a_perfect_model_says() -> None:
    """With the true velocity of x0 at every step, the sampler lands on x0, from pure noise on."""
    scheduler = configured(EULER, of_checkpoint("x", ("v_pred", "ztsnr"), {}))
    scheduler.set_timesteps(12)
    chance = torch.Generator().manual_seed(0)
    picture, sample = (torch.randn(1, 4, 8, 8, generator=chance) for _ in range(2))
    sample = sample * scheduler.init_noise_sigma
    for sigma, timestep in zip(scheduler.sigmas, scheduler.timesteps, strict=False):
        scheduler.scale_model_input(sample, timestep)
        alpha, beta = 1 / (1 + sigma**2) ** 0.5, sigma / (1 + sigma**2) ** 0.5
        noise = (sample - picture) / sigma
        sample = scheduler.step(alpha * noise - beta * picture, timestep, sample).prev_sample
    np.testing.assert_allclose(sample.numpy(), picture.numpy(), atol=2e-2)


XL_KEYS = {
    "model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3),
    "conditioner.embedders.0.transformer.text_model.embeddings.position_embedding.weight": (77, 768),
    "conditioner.embedders.1.model.positional_embedding": (77, 1280),
    "first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3),
}


def _refusal(path: Path, keys: dict[str, tuple[int, ...]]) -> str:
    headers.write(path, keys)
    with pytest.raises(ModelLoadError) as caught:
        load_base(str(path), CPU)
    told = str(caught.value)
    assert path.name in told
    assert "give --model" in told
    return told


def _unet_of(unet: str, *more: str) -> dict[str, tuple[int, ...]]:
    """A full-size UNet's worth of bytes under one key: read, it would not fit in any memory here."""
    return {unet: (1 << 20, 1 << 20), **dict.fromkeys(more, (4,))}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            _unet_of("model.diffusion_model.a", "conditioner.embedders.0.model.transformer.resblocks.9.x"),
            "is the SDXL refiner",
        ),
        (_unet_of("model.diffusion_model.a", "cond_stage_model.transformer.text_model.x"), "is SD1.x"),
        (_unet_of("model.diffusion_model.a", "cond_stage_model.model.token_embedding.weight"), "is SD2.x"),
        (_unet_of("model.diffusion_model.joint_blocks.0.x"), "is SD3"),
        (_unet_of("model.diffusion_model.double_blocks.0.img_attn.x"), "is Flux"),
        (_unet_of("lora_unet_a.lora_down.weight"), "is a LoRA"),
        (_unet_of("something.else"), "no Stable Diffusion checkpoint"),
        ({**XL_KEYS, "edm_mean": (4,)}, "Playground v2.5"),
        ({**XL_KEYS, "edm_vpred.sigma_max": ()}, "CosXL"),
        ({**XL_KEYS, "model.diffusion_model.input_blocks.0.0.weight": (320, 9, 3, 3)}, "inpainting"),
        ({key: XL_KEYS[key] for key in list(XL_KEYS)[:3]}, "lacks a VAE"),
        (_unet_of("model.diffusion_model.a"), "lacks text encoders, a VAE"),
    ],
)
def test_other_models_are_refused_by_name_from_the_header(
    tmp_path: Path, keys: dict[str, tuple[int, ...]], told: str
) -> None:
    assert told in _refusal(tmp_path / "model.safetensors", keys)


@pytest.mark.parametrize(
    ("index", "told"),
    [
        ('{"_class_name": "StableDiffusionPipeline"}', "is SD1.x or SD2.x"),
        ('{"_class_name": "StableDiffusion3Pipeline"}', "is SD3"),
        ('{"_class_name": "FluxPipeline"}', "is Flux"),
        ('{"_class_name": "WanPipeline"}', "is a WanPipeline"),
        ('{"_class_name": "StableDiffusionXLImg2ImgPipeline", "text_encoder": [null, null]}', "SDXL refiner"),
        ('{"_class_name": "StableDiffusionXLInpaintPipeline", "text_encoder": ["a", "b"]}', "inpainting"),
    ],
)
def test_other_folders_are_refused_by_name(tmp_path: Path, index: str, told: str) -> None:
    (tmp_path / "model_index.json").write_text(index)
    with pytest.raises(ModelLoadError, match=told):
        load_base(str(tmp_path), CPU)


def test_a_card_without_bf16_says_so(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eigenlorax.runtime.sdxl.has_bf16", lambda _: False)
    old = Hardware(torch.device("cpu"), torch.float16, "GTX 1080")
    with pytest.raises(ModelLoadError, match="GTX 1080 computes no bf16"):
        load_base(str(tiny_model), old, LoadOptions(precision=Precision.BF16))
