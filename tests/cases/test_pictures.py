"""Looking at styles beside their LoRAs, with a tiny model: figures are those of the pictures themselves."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from eigenlorax.cases.census import census_of
from eigenlorax.cases.pictures import Looking, compare_pictures, draw_components, known_figures
from eigenlorax.errors import InvalidRequestError, UnknownStyleError
from eigenlorax.events import drain
from eigenlorax.likeness import distance
from eigenlorax.module_path import Component
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import Wish
from tests import tiny
from tests.conftest import CPU

LOOKING = Looking(("a cat", "a dog"), (3,), steps=2, guidance=3.0)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, base: BaseModel) -> Studio:
    """Three styles, one of which was cut hard, and one LoRA that is no style."""
    folder = tmp_path_factory.mktemp("pictures")
    for number, name in enumerate(("s0", "s1", "s2")):
        lora = tiny.lora(base.layout, name, 4, number, tuple(Component), strength=2.0)
        words = {"modelspec.trigger_phrase": f"look {number}"}
        tiny.write_lora(folder / "in" / f"{name}.safetensors", lora, metadata=words)
    studio = Studio(str(tiny_model), folder / "data", CPU)
    studio.import_paths([folder / "in"])
    drain(studio.subspaces.compress(wish=Wish(retain=0.9)))
    return studio


def test_figures_are_those_of_the_pictures_and_come_back_tomorrow(studio: Studio, tiny_model: Path) -> None:
    events = list(compare_pictures(studio, ["s1", "s0"], LOOKING))
    assert [event.done for event in events] == list(range(1, 2 * 2 * 3 * 2 + 1))
    assert {event.total for event in events} == {24}
    compared = drain(compare_pictures(studio, ["s1"], LOOKING))
    requests = [GenerationRequest(f"{p}, look 1", "", 3, 2, 3.0, 64, 64) for p in LOOKING.prompts]
    near, far = [], []
    for request in requests:
        original = drain(studio.generate_with_lora(request, "s1")).image
        near.append(distance(original, drain(studio.generate(replace(request, styles={"s1": 1.0}))).image))
        far.append(distance(original, drain(studio.generate(request)).image))
    figure = compared.figures["s1"]
    assert figure.rms == pytest.approx((near[0].rms + near[1].rms) / 2)
    assert figure.base_rms == pytest.approx((far[0].rms + far[1].rms) / 2)
    assert figure.ssim == pytest.approx((near[0].ssim + near[1].ssim) / 2)
    assert figure.base_ssim == pytest.approx((far[0].ssim + far[1].ssim) / 2)
    assert figure.relative is not None and 0.0 < figure.relative < 1.0
    assert compared.trios["s1"].original.size == (64, 64) and compared.sheet.height > 3 * 160
    again = Studio(str(tiny_model), studio.library.root, CPU)
    assert known_figures(again).keys() == {"s0", "s1"} and known_figures(again)["s1"] == figure
    pictures = len(list(studio.library.outputs.rglob("*.png")))
    drain(compare_pictures(studio, ["s2"], LOOKING))
    assert len(list(studio.library.outputs.rglob("*.png"))) == pictures  # nothing lands among the user's own


def test_a_cancel_keeps_what_was_measured_and_frees_the_lock(
    tmp_path: Path, tiny_model: Path, base: BaseModel
) -> None:
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    for number, name in enumerate("ab"):
        lora = tiny.lora(base.layout, name, 2, number)
        studio.import_paths([tiny.write_lora(tmp_path / f"{name}.safetensors", lora)])
    drain(studio.subspaces.compress())
    events = compare_pictures(studio, looking=replace(LOOKING, prompts=("a cat",)))
    for _ in range(8):  # six steps of the first style, two of the second
        next(events)
    events.close()
    assert known_figures(studio).keys() == {"a"}
    drain(studio.generate(GenerationRequest("a cat", steps=2, width=64, height=64)))


def test_components_are_drawn_to_both_sides_of_the_base(studio: Studio) -> None:
    taken = drain(census_of(studio))
    loras = studio.originals()
    drawn = drain(draw_components(studio, taken.census, loras, LOOKING, count=2))
    assert len(drawn) == 2
    base = drain(studio.generate(GenerationRequest("a cat", "", 3, 2, 3.0, 64, 64))).image
    for one in drawn:
        assert one.base.tobytes() == base.tobytes()
        assert len({one.minus.tobytes(), one.base.tobytes(), one.plus.tobytes()}) == 3
        assert sum(load**2 for load in one.component.loads.values()) == pytest.approx(1.0)
    again = drain(draw_components(studio, taken.census, loras, LOOKING, count=1))
    assert again[0].plus.tobytes() == drawn[0].plus.tobytes()


def test_what_cannot_be_looked_at(studio: Studio, tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(InvalidRequestError, match="no style that has its LoRA"):
        drain(compare_pictures(studio, ["nobody"], LOOKING))
    for change in ({"prompts": ()}, {"seeds": ()}, {"steps": 0}, {"guidance": 99.0}, {"prompts": (" ",)}):
        with pytest.raises(InvalidRequestError):
            drain(compare_pictures(studio, ["s0"], replace(LOOKING, **change)))
    request = GenerationRequest("a cat", "", 3, 2, 3.0, 64, 64, {"nobody": 1.0})
    with pytest.raises(UnknownStyleError):
        drain(studio.easel.styled(request))
    empty = Studio(str(tiny_model), tmp_path / "data", CPU)
    with pytest.raises(InvalidRequestError, match="press Compress"):
        drain(empty.easel.styled(request))
    with pytest.raises(InvalidRequestError):
        drain(compare_pictures(empty, looking=LOOKING))


def test_a_style_whose_lora_is_gone_is_told(tmp_path: Path, tiny_model: Path, base: BaseModel) -> None:
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    for number, name in enumerate("ab"):
        lora = tiny.lora(base.layout, name, 2, number)
        studio.import_paths([tiny.write_lora(tmp_path / f"{name}.safetensors", lora)])
    drain(studio.subspaces.compress())
    (tmp_path / "data" / "loras" / "b.safetensors").unlink()
    compared = drain(compare_pictures(studio, looking=replace(LOOKING, prompts=("a cat",))))
    assert compared.missing == ("b",) and compared.figures.keys() == {"a"}
    assert isinstance(compared.sheet, Image.Image)
