"""generate, morph, compare and bench on the tiny model."""

from pathlib import Path

import pytest
from PIL import Image

from eigenlorax.cases.recall import recall_file
from eigenlorax.studio import Studio
from tests.cli.conftest import Run, Tell

SHORT = ["--steps", "1", "--seed", "3"]


def test_a_tag_wears_a_style_and_the_picture_says_so_as_the_pages_does(tell: Tell, tmp_path: Path) -> None:
    out = tmp_path / "a.png"
    told = tell(
        "generate",
        "a cat <lora:neon:0.5>",
        *SHORT,
        "--style",
        "chalk=-0.25",
        "--out",
        str(out),
        "--no-triggers",
    )
    assert told["styles"] == {"neon": 0.5, "chalk": -0.25}
    assert (told["prompt"], told["steps"]) == ("a cat", 1)
    (picture,) = told["pictures"]
    with Image.open(out) as drawn, Image.open(picture["path"]) as kept:
        assert drawn.info["parameters"] == kept.info["parameters"] == picture["parameters"]
        assert drawn.tobytes() == kept.tobytes()
    read = recall_file(out)
    assert [(lora.name, lora.strength) for lora in read.loras] == [("neon", 0.5), ("chalk", -0.25)]
    assert (read.prompt, read.settings.seed, read.settings.steps) == ("a cat", 3, 1)


def test_the_same_seed_draws_the_same_and_a_batch_gets_numbers(tell: Tell, tmp_path: Path) -> None:
    one = tell("generate", "a cat", *SHORT, "--out", str(tmp_path / "one.png"), "--size", "64x128")
    two = tell(
        "generate", "a cat", *SHORT, "--batch", "2", "--out", str(tmp_path / "two.png"), "--size", "64x128"
    )
    assert [Path(path).name for path in two["copies"]] == ["two-1.png", "two-2.png"]
    assert [picture["seed"] for picture in two["pictures"]] == [3, 4]
    with Image.open(one["copies"][0]) as single, Image.open(two["copies"][0]) as first:
        assert single.size == (64, 128)
        assert single.tobytes() == first.tobytes()


def test_presets_wildcards_dials_and_a_picture_to_start_from(
    tell: Tell, styled_studio: Studio, tmp_path: Path
) -> None:
    Image.new("RGB", (40, 40), "red").save(tmp_path / "red.png")
    folder = styled_studio.library.root / "wildcards"
    folder.mkdir(exist_ok=True)
    (folder / "animal.txt").write_text("dog\n")
    tell("presets", "keep", "big", "--prompt", "{prompt}, huge", "--negative", "small", model=False)
    told = tell(
        "generate", "a __animal__", *SHORT, "--preset", "big", "--style", "neon=1", "--dial", "neon:detail=0.5",
        "--dial", "neon:curve=0:1,1:0", "--image", str(tmp_path / "red.png"), "--denoise", "1", "--no-triggers",
    )  # fmt: skip
    assert told["prompt"] == "a dog, huge"
    text = told["pictures"][0]["parameters"]
    assert "Negative prompt: small" in text and "Denoising strength: 1" in text and "Eigen dials" in text


def test_an_original_lora_is_drawn_for_comparison(tell: Tell) -> None:
    told = tell("generate", "a cat", *SHORT, "--original", "neon=0.75")
    assert "<lora:neon:0.75>" in told["pictures"][0]["parameters"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a cat <lora:neno:1>"], "no style named neno; there is neon"),
        (["a cat", "--style", "nobody=1"], "no style named nobody; there are chalk, neon"),
        (["a cat", "--style", "neon=much"], "is no NAME=STRENGTH"),
        (["a cat", "--preset", "none"], "no preset named none"),
        (["a __nothing__"], "no wildcard file nothing.txt"),
        (["a cat", "--size", "big"], "--size is 'big'"),
        (["a cat", "--size", "64x64", "--width", "64"], "give one of them"),
        (["a cat", "--steps", "0"], "steps is 0"),
        (["a cat", "--sampler", "Nope"], "no sampler named Nope"),
        (["a cat", "--dial", "neon:hue=1"], "is no dial"),
        (["a cat", "--image", "/nowhere.png"], "/nowhere.png cannot be read"),
        (["a cat", "--image", __file__], "is not a picture"),
        (["a cat", "--mask", __file__], "--mask needs --image"),
        (["a cat", "--control", "x/y"], "needs both"),
        (["a cat", "--out", "x.jpg"], "let it end in .png"),
        (["a cat", "--original", "neon", "--style", "neon"], "leave --style out"),
        (["a cat", "--original", "nobody"], "no usable LoRA named nobody"),
        (["  "], "the prompt is empty"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(run: Run, arguments: list[str], words: str) -> None:
    told = run("generate", *arguments)
    assert told.exit_code == 1
    assert words in told.stderr
    assert told.stderr.count("\n") == 1 and told.stdout == ""


def test_a_morph_goes_from_style_to_style(tell: Tell, run: Run) -> None:
    told = tell("morph", "a cat", "--stop", "neon=1", "--stop", "chalk=1,neon=0.5", "--pictures", "3", *SHORT)
    assert len(told["pictures"]) == 3 and Path(told["animation"]).is_file()
    assert len({Path(path).read_bytes() for path in told["pictures"]}) == 3
    refused = run("morph", "a cat", "--stop", "neon=1", *SHORT)
    assert refused.exit_code == 1 and "at least two blends" in refused.stderr


def test_styles_stand_beside_their_loras(tell: Tell, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "sheet.webp"
    told = tell("compare", "--name", "neon", "--prompt", "a cat", "--steps", "1", "--out", str(out))
    assert told["styles"].keys() == {"neon"} and told["styles"]["neon"]["relative"] >= 0.0
    with Image.open(out) as sheet:
        assert sheet.format == "WEBP"
    assert "no style named nobody" in run("compare", "--name", "nobody").stderr


def test_bench_measures_with_and_without_styles(tell: Tell, run: Run) -> None:
    told = tell("bench", "--steps", "1", "--pictures", "1", "--switches", "1")
    bare, one = told["rows"]
    assert (bare["styles"], bare["switch_ms"], one["styles"]) == ([], None, ["chalk"])
    assert one["switch_ms"] > 0.0 and one["pictures_per_second"] == pytest.approx(1 / one["seconds"])
    assert "pictures is 0" in run("bench", "--pictures", "0").stderr
