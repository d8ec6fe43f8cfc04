"""Golden files of each program, read back: what they say, and what is left unread."""

from pathlib import Path
from typing import Any

import pytest

from eigenlorax.recall.a1111 import OWN_PROGRAM, looks_like_infotext, pairs_of, read_a1111
from eigenlorax.recall.read import recall, recall_text
from eigenlorax.recall.recalled import RecalledHires, RecalledLora
from eigenlorax.recall.tags import split_tags

FOLDER = Path(__file__).parent.parent / "fixtures" / "recall"
NEON = RecalledLora("neon_v2", 0.8, "1234567890ab")
CHALK = RecalledLora("chalk", 1.0, "fedcba987654", 0.5)
A1111: dict[str, Any] = {
    "source": "A1111", "prompt": "a red apple, (shiny:1.2) on a table\nsecond line", "negative": "blurry,\nlow quality",
    "steps": 25, "sampler": "DPM++ 2M", "schedule": "Karras", "guidance": 6.5, "seed": 3735928559, "width": 832,
    "height": 1216, "clip_skip": 2, "variation_seed": 77, "variation_strength": 0.15, "denoise": 0.45,
    "hires": RecalledHires(1.5, steps=12, upscaler="Latent (bicubic)"), "loras": (NEON, CHALK),
    "model": "sd_xl_base_1.0", "model_hash": "31e35c80fc",
    "unread": {"VAE hash", "VAE", "ADetailer model", "ADetailer prompt"},
}  # fmt: skip
FOOOCUS: dict[str, Any] = {
    "source": "Fooocus", "prompt": "a castle", "steps": 30, "sampler": "dpmpp_2m_sde_gpu", "schedule": "karras",
    "guidance": 4.0, "seed": 42, "width": 1152, "height": 896, "clip_skip": 2,
    "loras": (RecalledLora("sd_xl_offset", 0.1, "4852686128"),), "model": "juggernautXL_v8",
    "model_hash": "aeb7e9e689", "unread": {"adm_guidance", "performance", "sharpness", "styles"},
}  # fmt: skip
SWARM: dict[str, Any] = {
    "source": "SwarmUI", "prompt": "a photo of a cat", "negative": "dog", "steps": 20, "sampler": "dpmpp_2m_sde_gpu",
    "schedule": "sgm_uniform", "guidance": 7.0, "seed": 1, "width": 1024, "height": 1024, "clip_skip": 2, "denoise": 0.3,
    "hires": RecalledHires(1.5, upscaler="pixel-lanczos"), "model": "sd_xl_base_1.0", "model_hash": "ab" * 32,
    "loras": (RecalledLora("paper", 0.9, "1234567890ab" + "cd" * 26), RecalledLora("watercolor", 0.4)),
    "unread": {"freeuapplyto"},
}  # fmt: skip
EFFICIENT: dict[str, Any] = {
    "source": "ComfyUI", "prompt": "a cup", "negative": "bad", "steps": 12, "sampler": "dpmpp_sde",
    "schedule": "karras", "guidance": 2.0, "seed": 42, "width": 768, "height": 512, "clip_skip": 2,
    "loras": (RecalledLora("one", 0.3), RecalledLora("ink", 0.7)), "model": "pony", "unread": {"node 4"},
}  # fmt: skip
GOLDEN: dict[str, dict[str, Any]] = {
    **{f"a1111{ending}": A1111 for ending in (".png", "-packed.png", ".jpg", ".webp", ".avif", ".gif", ".txt")},
    "a1111-unicode.png": {**A1111, "prompt": A1111["prompt"].replace("apple", "林檎")},
    "forge.png": {
        "source": "Forge", "prompt": "a fox", "steps": 8, "sampler": "Euler", "schedule": "Simple", "guidance": 1.0,
        "seed": 5, "width": 512, "height": 512, "loras": (RecalledLora("Pixel Art 16 bit"),), "model": "flux1-dev",
        "unread": {"RNG"},
    },
    "sdnext.jpg": {
        "source": "SD.Next", "prompt": "a boat", "negative": "people", "steps": 20, "sampler": "UniPC",
        "schedule": "Default", "guidance": 6.0, "seed": 1561296656, "width": 1024, "height": 768,
        "guidance_rescale": 0.7, "loras": (RecalledLora("outline_xl", 0.6),), "model": "hassakuXLIllustrious_v21fix",
        "model_hash": "847403d47a", "unread": {"Pipeline", "Operations"},
    },
    "civitai.png": {
        "source": "Civitai", "prompt": "a lamp", "negative": "dark", "steps": 30, "sampler": "Euler a", "guidance": 3.5,
        "seed": 1760020955, "width": 832, "height": 1216, "clip_skip": 2, "loras": (RecalledLora("Glow", 0.65),),
        "unread": {"Created Date", "Civitai resources", "Civitai metadata"},
    },
    "fooocus.png": FOOOCUS, "fooocus.jpg": FOOOCUS,
    "fooocus-a1111.png": {
        **{k: v for k, v in FOOOCUS.items() if k != "clip_skip"}, "sampler": "DPM++ 2M SDE Karras",
        "unread": {"Sharpness", "ADM Guidance", "Performance", "VAE"},
    },
    "invoke.png": {
        "source": "InvokeAI", "prompt": "a tree (tall)1.2", "negative": "cut", "steps": 30, "sampler": "dpmpp_2m_sde_k",
        "guidance": 7.5, "seed": 4019202, "width": 1024, "height": 768, "guidance_rescale": 0.2,
        "loras": (RecalledLora("ink", 0.75),), "model": "Juggernaut XL v9", "unread": {"positive_style_prompt"},
    },
    "invoke-3.json": {
        "source": "InvokeAI", "prompt": "landscape", "negative": "low", "steps": 50, "sampler": "dpmpp_2m",
        "schedule": "normal", "guidance": 7.5, "seed": 356120443, "width": 768, "height": 432, "clip_skip": 2,
        "loras": (RecalledLora("hills", 0.5),), "model": "amixx", "unread": {"vae"},
    },
    "swarm.png": SWARM, "swarm.jpg": SWARM,
    "novelai.png": {
        "source": "NovelAI", "prompt": "1girl, {{silver hair}}", "negative": "lowres", "steps": 28,
        "sampler": "k_euler_ancestral", "schedule": "native", "guidance": 5.0, "seed": 1234567890, "width": 832,
        "height": 1216, "guidance_rescale": 0.1, "model": "NovelAI Diffusion V4.5 4BDE2A90", "unread": {"n_samples"},
    },
    "draw-things.png": {
        "source": "Draw Things", "prompt": "a hill & a <house>", "negative": "fog", "steps": 22,
        "sampler": "DPM++ 2M Karras", "guidance": 7.0, "seed": 99, "width": 1024, "height": 768,
        "loras": (RecalledLora("mist_lora_f16", 0.6),), "model": "sd_xl_base_1.0_f16", "unread": set(),
    },
    "comfy.png": {
        "source": "ComfyUI", "prompt": "a red apple", "negative": "blurry", "steps": 25, "sampler": "dpmpp_2m",
        "schedule": "karras", "guidance": 6.5, "seed": 1125899906842624, "width": 832, "height": 1216, "clip_skip": 2,
        "denoise": 0.45, "hires": RecalledHires(1.5, steps=12, upscaler="Latent"),
        "loras": (RecalledLora("neon_v2", 0.8, "", 0.4), RecalledLora("chalk", 0.5, "", 0.0)), "model": "base",
        "unread": {"node 13"},
    },
    "comfy-efficient.png": EFFICIENT, "comfy.webp": EFFICIENT,
    "comfy-power.json": {
        "source": "ComfyUI", "prompt": "a wide sea\nwaves", "steps": 20, "sampler": "euler_ancestral",
        "schedule": "normal", "guidance": 5.0, "seed": 8, "denoise": 1.0, "model": "base", "unread": set(),
        "loras": (RecalledLora("c", 0.8, "", 0.2), RecalledLora("a", 1.25)),
    },
    "comfy-workflow.json": {
        "source": "ComfyUI", "prompt": "a bottle", "negative": "text, watermark", "steps": 20, "sampler": "euler",
        "schedule": "normal", "guidance": 8.0, "seed": 7, "width": 512, "height": 768,
        "loras": (RecalledLora("grain", 0.6),), "model": "v1-5", "unread": set(),
    },
}  # fmt: skip


def test_every_file_is_looked_at() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(GOLDEN)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_file_says_all_of_this_and_nothing_else(name: str) -> None:
    found = recall((FOLDER / name).read_bytes(), name)
    beside = {"source", "prompt", "negative", "loras", "model", "model_hash"}
    wanted = {"negative": "", "loras": (), "model": "", "model_hash": "", **GOLDEN[name]}
    assert {key: getattr(found, key) for key in beside} == {key: wanted[key] for key in beside}
    assert found.settings.told == {
        key: value for key, value in wanted.items() if key not in {*beside, "unread"}
    }
    assert set(found.unread) == wanted["unread"]


def test_pasted_json_and_pasted_words_are_read_alike() -> None:
    words = (FOLDER / "comfy-power.json").read_text(encoding="utf-8")
    assert recall_text(f'{{"prompt": {words}}}') == recall_text(words)
    plain = recall_text("only a prompt, with: a colon, and: two")
    assert (plain.prompt, plain.settings.told) == ("only a prompt, with: a colon, and: two", {})


def test_pairs_are_as_a1111_reads_them() -> None:
    line = (
        'Steps: 20, Tiling, Sampler: , Note: "a, b: \\"c\\"", Bad: "open, Zoom: {"a": [1, 2]}, x: 1, Last: y'
    )
    assert dict(pairs_of(line)) == {
        "Steps": "20", "Tiling": "Tiling", "Sampler": "", "Note": 'a, b: "c"', "Bad": '"open', "Zoom": '{"a": [1, 2]}',
        "Last": "y",
    }  # fmt: skip


def test_settings_in_several_lines_and_words_that_only_look_like_them() -> None:
    told = read_a1111(
        "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler,\nCFG scale: 7, Seed: 1, Size: 512x512"
    )
    assert (told.prompt, told.negative, told.settings.seed, told.settings.width) == ("a cat", "dog", 1, 512)
    assert not looks_like_infotext("(cat:1.2), (dog:1.1), (fox:1.3)")
    assert looks_like_infotext("a cat\nSteps: 20, Seed: 1, Size: 64x64")


def test_the_old_way_of_hires_and_of_batches() -> None:
    told = read_a1111(
        "x\nSteps: 20, Seed: 9, Size: 1024x1536, First pass size: 512x768, Batch size: 4, Batch pos: 2"
    )
    assert (told.settings.width, told.settings.height) == (512, 768)
    assert told.settings.hires == RecalledHires(width=1024, height=1536)
    assert told.settings.batch is None


def test_tags_of_every_form() -> None:
    prompt = "a, <lora:one:0.5>, b <LORA:dir/two.safetensors>,<lyco:three:te=0.2:unet=0.9:dyn=4> <lora:four:x> <lora::1> <hypernet:h:1>"
    left, loras = split_tags(prompt)
    assert left == "a, b <lora:four:x> <lora::1> <hypernet:h:1>"
    assert loras == (
        RecalledLora("one", 0.5), RecalledLora("two", 1.0), RecalledLora("three", 0.9, text_encoder=0.2),
    )  # fmt: skip
    assert split_tags("<lora:a:1>, red") == ("red", (RecalledLora("a"),))
    assert split_tags(", red") == (", red", ())


def test_our_own_text_is_known_by_its_version() -> None:
    assert (
        read_a1111("x\nSteps: 1, Seed: 2, Size: 64x64, Version: EigenLoRAx Studio 0.1.0").source
        == OWN_PROGRAM
    )
