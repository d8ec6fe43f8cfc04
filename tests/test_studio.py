"""The use cases on a tiny model: import, compress, generate, compare, come back tomorrow."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from eigenlorax.cases.showcase import draw_showcase
from eigenlorax.dials import Dials
from eigenlorax.errors import InvalidRequestError, UnknownStyleError
from eigenlorax.events import drain
from eigenlorax.formats.report import Verdict
from eigenlorax.module_path import Component
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import Wish
from tests import tiny
from tests.conftest import CPU

REQUEST = GenerationRequest("a cat", seed=3, steps=3, width=64, height=64)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, base: BaseModel) -> Path:
    """A data folder with three LoRAs, the third of which changes text encoders too; to be copied."""
    folder = tmp_path_factory.mktemp("imported")
    for number, components in enumerate(((Component.UNET,), (Component.UNET,), tuple(Component))):
        lora = tiny.lora(base.layout, f"s{number}", 4, number, components=components, strength=2.0)
        metadata = {"modelspec.trigger_phrase": f"look {number}"}
        tiny.write_lora(folder / "dropped" / f"s{number}.safetensors", lora, metadata=metadata)
    Studio(str(tiny_model), folder / "data", CPU).import_paths([folder / "dropped"])
    return folder / "data"


@pytest.fixture(scope="module")
def compressed(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, imported: Path) -> Path:
    """The same with its three styles; to be copied."""
    folder = shutil.copytree(imported, tmp_path_factory.mktemp("compressed") / "data")
    drain(Studio(str(tiny_model), folder, CPU).subspaces.compress())
    return folder


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path, imported: Path) -> Studio:
    return Studio(str(tiny_model), shutil.copytree(imported, tmp_path / "data"), CPU)


@pytest.fixture
def styled(tmp_path: Path, tiny_model: Path, compressed: Path) -> Studio:
    return Studio(str(tiny_model), shutil.copytree(compressed, tmp_path / "data"), CPU)


def test_import_compress_generate(studio: Studio) -> None:
    assert [entry.report.verdict for entry in studio.entries()] == [Verdict.USABLE] * 3
    compressed = drain(studio.subspaces.compress(wish=Wish(retain=0.99999)))
    assert set(compressed.styles) == {"s0", "s1", "s2"}
    assert compressed.stored_bytes == studio.stored_bytes > 0
    assert compressed.styles["s1"].trigger_words == ("look 1",)
    plain = drain(studio.generate(REQUEST))
    styled = drain(studio.generate(replace(REQUEST, styles={"s2": 1.0})))
    original = drain(studio.generate_with_lora(REQUEST, "s2"))
    back = drain(studio.generate(replace(REQUEST, styles={"s2": 0.0})))
    assert plain.image.tobytes() == back.image.tobytes() != styled.image.tobytes()
    near, far = _distance(styled.image, original.image), _distance(plain.image, original.image)
    assert near < 0.1 * far


def test_the_second_use_of_a_blend_is_free_and_equal(styled: Studio) -> None:
    request = replace(REQUEST, styles={"s0": 0.7, "s2": -0.4})
    first, again = drain(styled.generate(request)), drain(styled.generate(request))
    assert first.switch_ms > 0.0 == again.switch_ms
    drain(styled.generate(replace(REQUEST, styles={"s1": 2.0})))
    assert drain(styled.generate(request)).image.tobytes() == first.image.tobytes() == again.image.tobytes()


def test_tomorrow_the_same_styles_draw_the_same(studio: Studio, tmp_path: Path, tiny_model: Path) -> None:
    drain(studio.subspaces.compress())
    request = replace(REQUEST, styles={"s0": 1.0})
    again = Studio(str(tiny_model), tmp_path / "data", CPU)
    assert set(again.styles) == set(studio.styles)
    assert again.styles["s0"].fidelity == studio.styles["s0"].fidelity
    today, tomorrow = drain(studio.generate(request)), drain(again.generate(request))
    assert today.image.tobytes() == tomorrow.image.tobytes()


def test_a_picture_carries_its_recipe(styled: Studio) -> None:
    finished = drain(styled.generate(replace(REQUEST, styles={"s0": 0.5}, negative_prompt="dog")))
    with Image.open(finished.path) as image:
        assert image.info["parameters"] == finished.parameters
    assert finished.parameters.startswith("a cat <lora:s0:0.5>\nNegative prompt: dog\nSteps: 3, ")
    assert "Seed: 3, Size: 64x64" in finished.parameters


def test_bad_files_are_left_out_with_a_reason_and_good_ones_go_in(studio: Studio, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "text.safetensors").write_text("I am no model")
    (bad / "empty.safetensors").touch()
    sd15 = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    save_file(
        {f"{sd15}.lora_down.weight": torch.zeros(4, 768), f"{sd15}.lora_up.weight": torch.zeros(640, 4)},
        bad / "sd15.safetensors",
    )
    save_file(
        {f"{sd15}.lora_down.weight": torch.zeros(4, 2048), f"{sd15}.lora_up.weight": torch.zeros(640, 4)},
        bad / "sdxl.safetensors",
    )
    outcomes = {outcome.name: outcome.report for outcome in studio.import_paths([bad, tmp_path / "nowhere"])}
    assert {name: report.verdict for name, report in outcomes.items()} == {
        "text.safetensors": Verdict.BROKEN,
        "empty.safetensors": Verdict.BROKEN,
        "sd15.safetensors": Verdict.OTHER_BASE,
        "sdxl.safetensors": Verdict.OTHER_BASE,
        "nowhere": Verdict.BROKEN,
    }
    assert all(report.reason and "\n" not in report.reason for report in outcomes.values())
    assert "--model" in outcomes["sdxl.safetensors"].reason
    names = {entry.report.name for entry in studio.entries()}
    assert names == {"s0", "s1", "s2", "sd15", "sdxl"}
    assert set(drain(studio.subspaces.compress()).styles) == {"s0", "s1", "s2"}


def test_requests_that_cannot_be_drawn(studio: Studio) -> None:
    with pytest.raises(InvalidRequestError, match="press Compress"):
        drain(studio.generate(replace(REQUEST, styles={"s0": 1.0})))
    drain(studio.subspaces.compress())
    with pytest.raises(UnknownStyleError, match="nope"):
        drain(studio.generate(replace(REQUEST, styles={"nope": 1.0})))
    with pytest.raises(InvalidRequestError, match="no usable LoRA"):
        drain(studio.generate_with_lora(REQUEST, "nope"))
    for change in (
        {"prompt": " "},
        {"steps": 0},
        {"guidance": 99.0},
        {"width": 65},
        {"height": 8},
        {"seed": -1},
    ):
        with pytest.raises(InvalidRequestError):
            drain(studio.generate(replace(REQUEST, **change)))
    drain(studio.generate(REQUEST))


def test_cancel_frees_the_lock_and_harms_nothing(styled: Studio) -> None:
    before = drain(styled.generate(REQUEST))
    events = styled.generate(replace(REQUEST, styles={"s0": 1.0}))
    next(events)
    events.close()
    fitting = styled.subspaces.compress(wish=Wish(retain=0.5))
    next(fitting)
    fitting.close()
    assert drain(styled.generate(REQUEST)).image.tobytes() == before.image.tobytes()


def test_a_damaged_subspace_is_told_and_mended_by_compressing(
    styled: Studio, tmp_path: Path, tiny_model: Path
) -> None:
    next((tmp_path / "data" / "subspaces").rglob("subspace.safetensors")).write_bytes(b"gone")
    again = Studio(str(tiny_model), tmp_path / "data", CPU)
    assert "Press Compress" in again.notice
    assert again.styles == {}
    assert set(drain(again.subspaces.compress()).styles) == {"s0", "s1", "s2"}


def test_showcase_draws_originals_above_styles(studio: Studio) -> None:
    compressed = drain(studio.subspaces.compress())
    events = list(draw_showcase(studio, compressed, ["s0", "s1"], prompts=("a cat",)))
    assert [event.done for event in events] == [1, 2, 3, 4, 5]
    showcase = drain(draw_showcase(studio, compressed, ["s0"], prompts=("a cat",)))
    assert showcase.sheet.width > showcase.sheet.height > 300
    assert showcase.switch_ms > 0.0


def test_a_batch_is_saved_with_a_recipe_for_each_picture(styled: Studio) -> None:
    request = replace(REQUEST, styles={"s0": 0.5}, batch=3)
    finished = drain(styled.generate(request))
    assert len({picture.path for picture in finished.pictures}) == 3
    assert (finished.image, finished.path, finished.parameters) == tuple(vars(finished.pictures[0]).values())
    for index, picture in enumerate(finished.pictures):
        with Image.open(picture.path) as image:
            assert image.tobytes() == picture.image.tobytes()
            assert image.info["parameters"] == picture.parameters
        own = request.of_picture(index)
        assert own.seed == 3 + index
        assert f"Seed: {3 + index}, " in picture.parameters
        assert picture.path.stem.endswith(str(own.seed))
        alone = drain(styled.generate(own))
        assert alone.parameters == picture.parameters
        assert _distance(alone.image, picture.image) < 0.1
    varied = drain(styled.generate(replace(REQUEST, batch=2, variation_seed=8, variation_strength=0.5)))
    assert ["Variation seed: 8," in p.parameters for p in varied.pictures] == [True, False]
    assert all("Seed: 3, " in picture.parameters for picture in varied.pictures)


def test_blends_and_turned_dials_land_in_the_text(styled: Studio) -> None:
    dials = {"s0": Dials(detail=0.5, curve=((0.0, 1.0), (1.0, 0.0))), "s1": Dials(), "s2": Dials(unet=2.0)}
    request = replace(REQUEST, steps=1, blends=({"s0": 1.0, "s1": 1.0}, {"s1": -0.5}), batch=2, dials=dials)
    first, second = drain(styled.generate(request)).pictures
    assert first.parameters.startswith("a cat <lora:s0:1> <lora:s1:1>\n")
    assert second.parameters.startswith("a cat <lora:s1:-0.5>\n")
    (told,) = re.findall(r'Eigen dials: "(.*?[^\\\\])"', first.parameters)
    assert json.loads(json.loads(f'"{told}"')) == {"s0": {"detail": 0.5, "curve": [[0.0, 1.0], [1.0, 0.0]]}}
    assert "Eigen dials" not in second.parameters  # s1's stand as they were, and s2 is not worn
    assert all(f"Eigen basis: {styled._current.needed().hash[:12]}" in p.parameters for p in (first, second))
    plain = drain(styled.generate(replace(REQUEST, steps=1, styles={"s0": 1.0, "s1": 1.0})))
    assert plain.image.tobytes() != first.image.tobytes()


def test_the_text_of_an_original_names_it_and_no_style(styled: Studio) -> None:
    request = replace(REQUEST, styles={"s0": 0.7}, dials={"s0": Dials(unet=2.0)})
    finished = drain(styled.generate_with_lora(request, "s2", -0.5))
    assert finished.parameters.startswith("a cat <lora:s2:-0.5>\n")
    assert "s0" not in finished.parameters
    assert not {"Eigen basis", "Eigen dials", "Eigen styles"} & set(
        re.findall(r"Eigen \w+", finished.parameters)
    )


def test_a_morph_goes_from_blend_to_blend_at_one_seed(
    styled: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eigenlorax.studio.MAX_BATCH", 2)
    stops, request = ({"s0": 1.0}, {"s2": -1.0}), replace(REQUEST, steps=2)
    work, events = styled.morph(request, stops, 5), []
    try:
        while True:
            events.append(next(work))
    except StopIteration as end:
        finished = end.value
    assert [(event.done, event.total) for event in events] == [(step, 6) for step in range(1, 7)]
    assert len(finished.pictures) == 5
    assert all("Seed: 3, " in picture.parameters for picture in finished.pictures)
    for share, picture in zip((0.0, 0.25, 0.5, 0.75, 1.0), finished.pictures, strict=True):
        alone = drain(styled.generate(replace(request, styles={"s0": 1.0 - share, "s2": -share})))
        assert _distance(alone.image, picture.image) < 0.1
        assert alone.parameters == picture.parameters
    assert len({picture.image.tobytes() for picture in finished.pictures}) == 5
    for events_taken in (1, 3):  # within the first turn and within the second
        work = styled.morph(request, stops, 5)
        for _ in range(events_taken):
            next(work)
        work.close()
        assert not styled._lock.locked()
    with pytest.raises(InvalidRequestError, match="at least two"):
        drain(styled.morph(request, stops[:1], 5))
    with pytest.raises(UnknownStyleError, match="nope"):
        drain(styled.morph(request, ({"s0": 1.0}, {"nope": 1.0}), 5))
    assert not styled._lock.locked()


@pytest.mark.parametrize("strength", [float("nan"), float("inf"), -10.5])
def test_strengths_that_cannot_be_meant(studio: Studio, strength: float) -> None:
    for changes in ({"styles": {"s0": strength}}, {"blends": ({}, {"s0": strength}), "batch": 2}):
        with pytest.raises(InvalidRequestError, match="s0: the strength is"):
            drain(studio.generate(replace(REQUEST, **changes)))


def _distance(a: Image.Image, b: Image.Image) -> float:
    """Mean absolute difference of 8-bit pixels."""
    pixels = [torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).float() for image in (a, b)]
    return float((pixels[0] - pixels[1]).abs().mean())


def test_compressing_tells_of_a_shared_start(studio: Studio, tmp_path: Path, base: BaseModel) -> None:
    first = tiny.lora(base.layout, "x", 4, 0)
    layers = {path: replace(layer, up=layer.up.flip(0)) for path, layer in first.layers.items()}
    studio.import_paths([tiny.write_lora(tmp_path / "again.safetensors", replace(first, layers=layers))])
    (group,) = drain(studio.subspaces.compress()).relations.seed_groups
    assert group.names == ("again", "s0")


@pytest.mark.parametrize("budget", [60_000, 120_000])
def test_a_budget_is_kept_to_with_headers_counted(studio: Studio, budget: int) -> None:
    assert drain(studio.subspaces.compress(wish=Wish(budget=budget))).stored_bytes <= budget


def test_a_budget_below_the_headers_is_refused(studio: Studio) -> None:
    with pytest.raises(InvalidRequestError, match="too few"):
        drain(studio.subspaces.compress(wish=Wish(budget=100)))
