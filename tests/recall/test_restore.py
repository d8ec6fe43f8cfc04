"""What was read, against what is here: hashes before names, and everything that differs is said."""

import pytest

from eigenlorax.dials import Dials
from eigenlorax.formats.hashes import FileHashes
from eigenlorax.recall.names import named
from eigenlorax.recall.recalled import Own, Recalled, RecalledHires, RecalledLora, Settings
from eigenlorax.recall.restore import Here, Missing, Restored, restore
from eigenlorax.recall.shelf import Match, Shelved, digits_of, find
from eigenlorax.recipe import SAMPLERS, Fill, Hires, Upscaler

SHA, ADDNET, EMBEDDED = "a1" * 32, "b2" * 32, "c3" * 32
HASHES = digits_of(FileHashes(SHA, ADDNET, EMBEDDED))
SHELF = (
    Shelved("chalk", False, ("Chalk Drawing",), digits_of(None, "d4" * 32)),
    Shelved("neon", True, ("Neon Nights",), HASHES),
    Shelved("Old Name", True),
)
HERE = Here("base", 1024, "", SHELF)


@pytest.mark.parametrize(
    "digits", [SHA, SHA[:10], SHA[:12], ADDNET[:12], EMBEDDED[:12], EMBEDDED, "0x" + ADDNET.upper()]
)
def test_any_of_a_files_hashes_finds_it_under_any_name(digits: str) -> None:
    found = find(RecalledLora("renamed", hash=digits), SHELF)
    assert found == (SHELF[1], Match.HASH)


@pytest.mark.parametrize("digits", ["e3b0c44298fc", "e3b0c44298fc1c149afbf4c8", SHA[:8], "", "ffffffffffff"])
def test_hashes_that_name_no_file_here_find_nothing(digits: str) -> None:
    void = Shelved("void", True, (), ("e3b0c44298fc",))
    assert find(RecalledLora("renamed", hash=digits), (*SHELF, void)) is None


@pytest.mark.parametrize(
    ("name", "wanted", "match"),
    [
        ("NEON", "neon", Match.NAME), ("neon nights", "neon", Match.NAME), ("sub/old name.safetensors", "Old Name", Match.NAME),
        ("Chalk Drawing", "chalk", Match.NAME),
    ],
)  # fmt: skip
def test_names_count_after_hashes_whatever_their_case(name: str, wanted: str, match: Match) -> None:
    found = find(RecalledLora(name), SHELF)
    assert found is not None
    assert (found[0].name, found[1]) == (wanted, match)


def test_a_hash_goes_before_a_name_and_a_name_with_another_hash_is_told() -> None:
    assert find(RecalledLora("Old Name", hash=SHA[:12]), SHELF) == (SHELF[1], Match.HASH)
    assert find(RecalledLora("neon", hash="f" * 12), SHELF) == (SHELF[1], Match.OTHER_FILE)


def told(*loras: RecalledLora, settings: Settings | None = None, **more: object) -> Restored:
    return restore(Recalled("A1111", "cat", "", settings or Settings(), loras, **more), HERE)  # type: ignore[arg-type]


def test_what_is_missing_is_named() -> None:
    found = told(
        RecalledLora("neon", 0.7), RecalledLora("chalk", 1.0), RecalledLora("gone", 1.0, "0123456789ab"),
        RecalledLora("lost"), RecalledLora("NEON", 0.1, "f" * 12),
    )  # fmt: skip
    assert found.request.styles == pytest.approx({"neon": 0.8})
    assert found.missing == (Missing("chalk", "", True), Missing("gone", "0123456789ab"), Missing("lost"))
    assert found.words == (
        "chalk is in the library but not compressed", "gone is not here (hash 0123456789ab)", "lost is not here",
        "the neon here comes from another file than that picture's NEON",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lora", "strength", "dials"),
    [
        (RecalledLora("neon", 0.8, text_encoder=0.8), 0.8, None),
        (RecalledLora("neon", 0.8, text_encoder=0.4), 0.8, Dials(text_encoder=0.5, text_encoder_2=0.5)),
        (RecalledLora("neon", 0.0, text_encoder=0.5), 0.5, Dials(unet=0.0)),
        (RecalledLora("neon", 0.5, text_encoder=0.0), 0.5, Dials(text_encoder=0.0, text_encoder_2=0.0)),
    ],
)  # fmt: skip
def test_text_encoders_with_a_strength_of_their_own(
    lora: RecalledLora, strength: float, dials: Dials | None
) -> None:
    request = told(lora).request
    assert request.styles == {"neon": strength}
    assert request.dials == ({"neon": dials} if dials else {})


def test_numbers_out_of_range_are_brought_in_and_told() -> None:
    found = told(
        RecalledLora("neon", 25.0),
        settings=Settings(
            steps=500, guidance=0.0, seed=1 << 40, width=1001, height=4096, clip_skip=0, batch=64, guidance_rescale=7.0,
            hires=RecalledHires(scale=9.0, upscaler="4x-UltraSharp"), denoise=2.0,
        ),
    )  # fmt: skip
    request = found.request
    request.check()
    assert (request.steps, request.guidance, request.seed, request.width, request.height) == (
        150,
        1.0,
        0,
        1000,
        2048,
    )
    assert request.hires == Hires(2.0, 0, 1.0, Upscaler.LANCZOS)
    assert request.styles == {"neon": 10.0}
    assert len(found.words) == 12
    assert "seed 1099511627776 is out of range here: 0 is set, which gives other noise" in found.words


def test_a_picture_that_was_drawn_over_another_says_so() -> None:
    found = told(settings=Settings(denoise=0.6, mask_blur=8, mask_fill="latent noise"))
    assert (found.denoise, found.mask_blur, found.fill, found.request.canvas) == (0.6, 8, Fill.NOISE, None)
    assert found.words == ("it was drawn over a picture: put that one under Start from a picture",)


def test_another_model_another_subspace_and_other_tools_are_told() -> None:
    found = told(
        RecalledLora("neon"),
        model="pony",
        unread={"ControlNet 0": "x", "ADetailer model": "y", "Script": "X/Y/Z plot"},
        own=Own(basis="f" * 12),
    )
    assert found.words == (
        "it was made with the model pony, here is base",
        "the styles have been compressed anew since: the picture may come out a little other",
        "it is a sheet of several pictures: the settings of the first are set",
        "a ControlNet steered it: that is not restored",
        "ADetailer mended it afterwards: that is not restored",
    )
    assert told(model="BASE").words == ()


def test_hires_by_its_size() -> None:
    settings = Settings(
        width=832, height=1216, denoise=0.4, hires=RecalledHires(height=1824, upscaler="Latent")
    )
    assert told(settings=settings).request.hires == Hires(1.5, 0, 0.4, Upscaler.LATENT)


@pytest.mark.parametrize(
    ("sampler", "schedule", "wanted"),
    [
        ("DPM++ 2M Karras", "", ("DPM++ 2M", "Karras")), ("DPM++ 2M", "Automatic", ("DPM++ 2M", "Automatic")),
        ("DPM++ 2M SDE Exponential", "Automatic", ("DPM++ 2M SDE", "Exponential")), ("Euler a", "", ("Euler a", "Automatic")),
        ("dpmpp_2m_sde_gpu", "karras", ("DPM++ 2M SDE", "Karras")), ("euler_ancestral", "normal", ("Euler a", "Uniform")),
        ("dpmpp_2m", "normal", ("DPM++ 2M", "Simple")), ("dpmpp_2m_sde_k", "", ("DPM++ 2M SDE", "Karras")),
        ("kdpm_2_a_k", "", ("DPM2 a", "Karras")), ("euler_k", "", ("Euler", "Karras")), ("pndm", "", ("PLMS", "Automatic")),
        ("k_euler_ancestral", "native", ("Euler a", "Automatic")), ("k_dpmpp_2m", "exponential", ("DPM++ 2M", "Exponential")),
        ("uni_pc", "sgm_uniform", ("UniPC", "SGM Uniform")), ("DPM++ 3M SDE", "Beta", ("DPM++ 3M SDE", "Beta")),
        ("heun", "simple", ("Heun", "Simple")), ("lms_k", "", ("LMS", "Karras")),
    ],
)  # fmt: skip
def test_names_of_all_programs(sampler: str, schedule: str, wanted: tuple[str, str]) -> None:
    found = named(sampler, schedule)
    assert found[:2] == wanted
    assert found[2] == ()


def test_our_own_names_come_back() -> None:
    for sampler, known in SAMPLERS.items():
        for schedule in known:
            assert named(sampler, schedule) == (sampler, schedule, ())


@pytest.mark.parametrize(
    ("sampler", "schedule", "wanted", "words"),
    [
        ("DPM++ 2S a", "Karras", ("DPM++ SDE", "Karras"), "no sampler 'DPM++ 2S a' here: DPM++ SDE is the nearest"),
        ("euler_cfg_pp", "beta", ("Euler", "Beta"), "no sampler 'euler_cfg_pp' here: Euler is the nearest"),
        ("dpmpp_2mm", "", ("DPM++ 2M", "Automatic"), "no sampler 'dpmpp_2mm' here"),
        ("Euler", "Polyexponential", ("Euler", "Exponential"), "no schedule 'Polyexponential' here: Exponential is the"),
        ("Euler", "Wavy", ("Euler", "Automatic"), "no schedule 'Wavy' here: Automatic is the nearest"),
        ("LCM", "Karras", ("LCM", "Automatic"), "LCM has no schedule Karras here: it takes its own"),
    ],
)  # fmt: skip
def test_the_nearest_is_taken_and_told(
    sampler: str, schedule: str, wanted: tuple[str, str], words: str
) -> None:
    found = named(sampler, schedule)
    assert found[:2] == wanted
    assert found[2][0].startswith(words)
