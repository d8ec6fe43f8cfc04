"""What ships is complete, small, legible to the app, and does the main job on real trained weights."""

import json
from itertools import combinations
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageChops, ImageStat
from safetensors import safe_open

from eigenlorax.events import drain
from eigenlorax.formats.header import read_header
from eigenlorax.formats.report import Verdict
from eigenlorax.home import DEMO_LORAS, DEMO_MODEL
from eigenlorax.module_path import Component
from eigenlorax.recipe import GenerationRequest
from eigenlorax.studio import Studio
from tests.conftest import CPU

DEMO = DEMO_MODEL.parent
SHARED_SEED = Path(__file__).parent.parent / "fixtures" / "shared_seed_loras"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(str(DEMO_MODEL), tmp_path_factory.mktemp("data"), CPU)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_the_model_is_small_and_of_sdxls_classes(studio: Studio) -> None:
    assert _bytes(DEMO_MODEL) <= 32_000_000
    assert max(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) <= 15_000_000
    pipeline = studio.base.pipeline
    classes = [
        type(getattr(pipeline, part)).__name__
        for part in ("unet", "vae", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2")
    ]
    assert classes == [
        "UNet2DConditionModel",
        "AutoencoderKL",
        "CLIPTextModel",
        "CLIPTextModelWithProjection",
        "CLIPTokenizer",
        "CLIPTokenizer",
    ]
    assert pipeline.unet.config.addition_embed_type == "text_time"
    assert (pipeline.vae_scale_factor, pipeline.vae.config.latent_channels, studio.base.native_size) == (
        8,
        4,
        128,
    )


def test_there_are_two_dozen_usable_loras_as_users_have_them(studio: Studio) -> None:
    entries = studio.entries()
    assert len(entries) >= 24
    assert _bytes(DEMO_LORAS) <= 15_000_000
    for entry in entries:
        assert entry.report.verdict is Verdict.USABLE, entry.report.reason
        assert entry.report.trigger_words, entry.report.name
        assert entry.preview is not None, entry.report.name
    headers = {entry.report.name: read_header(entry.report.path) for entry in entries}
    kohya = [
        name
        for name, header in headers.items()
        if any(key.startswith("lora_unet_") for key in header.tensors)
    ]
    assert len(entries) // 2 - 2 <= len(kohya) <= len(entries) // 2 + 2
    ranks = {int(rank) for entry in entries for rank in entry.report.rank_text.split("-")}
    assert ranks >= {4, 8, 16}
    touched = [{words.split()[0] for words in entry.report.module_text.split(", ")} for entry in entries]
    assert any(components == {component.value for component in Component} for components in touched)
    assert any(components == {Component.UNET.value} for components in touched)
    for header in headers.values():
        assert header.metadata["modelspec.architecture"] == "stable-diffusion-xl-v1-base/lora"


def _first_downs(folder: Path) -> dict[str, torch.Tensor]:
    """The flattened first attention down matrix of each LoRA, cut to rank 4."""
    downs = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            keys = sorted(
                k
                for k in read_header(path).tensors
                if "attn1" in k and "to_q" in k and k.endswith(("down.weight", "lora_A.weight"))
            )
            downs[path.stem] = file.get_tensor(keys[0]).float()[:4].flatten()
    return downs


def _cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(a, b, dim=0))


def test_each_lora_has_its_own_seed_and_the_fixtures_share_one() -> None:
    headers = [read_header(path) for path in DEMO_LORAS.glob("*.safetensors")]
    seeds = [header.metadata["ss_seed"] for header in headers if "ss_seed" in header.metadata]
    assert len(seeds) >= len(headers) // 2 - 2  # kohya's trainer writes its seed, the others do not
    assert len(set(seeds)) == len(seeds)
    for (_, a), (_, b) in combinations(_first_downs(DEMO_LORAS).items(), 2):
        if a.shape == b.shape:
            assert abs(_cosine(a, b)) < 0.5
    shared = list(_first_downs(SHARED_SEED).values())
    assert len(shared) >= 3
    assert min(_cosine(a, b) for a, b in combinations(shared, 2)) > 0.5


def test_few_shot_pictures_are_split_by_subject() -> None:
    styles = [folder for folder in (DEMO / "images").iterdir() if folder.is_dir()]
    assert len(styles) >= 4
    for style in styles:
        captions = {}
        for part in ("train", "test"):
            pictures = [p for p in (style / part).iterdir() if p.suffix in (".webp", ".png")]
            assert len(pictures) == 20
            captions[part] = {p.with_suffix(".txt").read_text(encoding="utf-8").strip() for p in pictures}
        assert len(captions["train"] & captions["test"]) == 0


def test_the_main_job_on_trained_weights(studio: Studio) -> None:
    compressed = drain(studio.subspaces.compress())
    assert compressed.stored_bytes < compressed.original_bytes
    name = max(compressed.styles, key=lambda n: compressed.styles[n].fidelity.energy_kept)
    trigger = ", ".join(compressed.styles[name].trigger_words)
    request = GenerationRequest(
        f"a red apple, {trigger}", seed=11, steps=8, guidance=4.0, width=128, height=128
    )
    plain = drain(studio.generate(request)).image
    styled = drain(studio.generate(GenerationRequest(**{**request.__dict__, "styles": {name: 1.0}}))).image
    original = drain(studio.generate_with_lora(request, name)).image
    assert _distance(styled, original) < 0.5 * _distance(plain, original)


def _distance(a: Image.Image, b: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(a, b)).mean)


def test_the_logs_hold_the_shipped_run() -> None:
    logs = DEMO.parent / "build" / "logs"
    vae = json.loads((logs / "vae_log.json").read_text(encoding="utf-8"))
    assert vae["summary"]["psnr_db"]["pooled"] >= 30.0
