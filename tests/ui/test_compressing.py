"""The compress journey's words and pieces: estimates, versions, the pair of pictures, the spectrum."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.jobs.asked import as_json
from eigenlorax.jobs.comparing import BESIDE
from eigenlorax.jobs.compressing import COMPRESS, CompressAsked
from eigenlorax.jobs.opening import open_jobs
from eigenlorax.jobs.server import JobServer
from eigenlorax.jobs.versioning import USE, UseAsked
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspaces.estimate import SizeEstimate
from eigenlorax.subspaces.spectrum import PartSpectrum, Spectrum
from eigenlorax.subspaces.wish import Wish
from tests import tiny
from tests.conftest import CPU
from tests.ui.working import done
from ui import compress_text, spectrum_text, versions_text
from ui.beside import comparable, neighbour, side_by_side
from ui.compress_estimate import estimate_line, wish_of
from ui.spectrum_plot import spectrum_plot
from ui.versions import versions_props

TOLD = SizeEstimate(41_234_567, 150_000_000, 0.991, loras=24, looked_at=24, measured=16, modules=794)


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path, base: BaseModel) -> Studio:
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    few = {path: shape for path, shape in base.layout.items() if "mid_block" in path.name}
    for lora in tiny.relatives(few, ("a", "b", "x <i>"), 4, 1):
        studio.import_paths([tiny.write_lora(tmp_path / f"{lora.name}.safetensors", lora)])
    return studio


@pytest.fixture
def jobs(studio: Studio) -> Iterator[JobServer]:
    with open_jobs(studio) as jobs:
        yield jobs


def test_an_estimate_says_that_it_is_one_and_what_it_rests_on() -> None:
    line, basis = compress_text.estimated(TOLD, by_size=False)
    assert line == "About 41 MB of 150.0 MB, 3.6× smaller"
    assert basis == "An estimate for 24 LoRAs, from 16 of 794 modules …"
    line, _ = compress_text.estimated(TOLD, by_size=True)
    assert line == "41.2 MB of 150.0 MB keep about 99.10% of each LoRA's effect"
    some = SizeEstimate(1000, 9000, 0.9, loras=500, looked_at=64, measured=40, modules=40)
    assert compress_text.estimated(some, by_size=False)[1].startswith("An estimate for 64 of 500 LoRAs")
    nothing = SizeEstimate(0, 9000, 0.9, loras=2, looked_at=2, measured=8, modules=40)
    assert compress_text.MEASURING in estimate_line(nothing, Wish())
    assert compress_text.MEASURING in estimate_line(None, Wish())
    assert compress_text.foretold(3_300_000, 3_000_000) == "Estimated 3.3 MB, true 3.0 MB (+10.0% off)."
    told = compress_text.foretold_quality(0.946, 0.9551)
    assert told == "Estimated 94.6% of each LoRA's effect, true 95.5%."


def test_the_form_becomes_a_wish() -> None:
    assert wish_of(0.9, 0, []) == Wish(0.9)
    assert wish_of(0.9, 2.5, ["gore", "a, b", " "]) == Wish(0.9, 2_500_000, ("gore", "a", "b"))


def test_versions_are_listed_with_what_made_them_and_gone_back_to(studio: Studio, jobs: JobServer) -> None:
    assert versions_props(studio, jobs)["versions"] == []
    done(jobs, COMPRESS, as_json(CompressAsked(("a", "b"), Wish(0.9))))
    assert versions_props(studio, jobs)["before"] is None
    first = studio.growth.versions()[0].name
    drain(studio.subspaces.compress(["a"], Wish(0.5)))
    props = versions_props(studio, jobs)
    assert props["before"]["name"] == first and props["before"]["told"].endswith(", 2 styles")
    newest, oldest = props["versions"]
    assert newest["open"] and not oldest["open"]
    assert oldest["told"].startswith("2 styles · ") and oldest["told"].endswith(" · Compression")
    found = done(jobs, USE, as_json(UseAsked(first)))
    assert list(studio.styles) == ["a", "b"]
    assert versions_text.used(found, 0.1).endswith("with 2 styles. The other one stays in the list.")
    after = versions_props(studio, jobs)
    assert [row["open"] for row in after["versions"]] == [False, True]
    assert after["before"] is None  # nothing is older than the first
    gone = jobs.wait(jobs.submit(USE, as_json(UseAsked("nowhere")), "use"), 60.0)
    assert "there is no version nowhere" in gone.error


def test_the_day_is_told_where_it_is_another() -> None:
    now = datetime(2026, 5, 4, 12, tzinfo=UTC)
    assert len(versions_text.when(now, now)) == len("14:02")
    assert versions_text.when(now - timedelta(days=2), now).startswith("2026-05-02 ")


def test_styles_are_looked_at_one_after_another(studio: Studio, jobs: JobServer) -> None:
    with pytest.raises(InvalidRequestError, match="press Compress first"):
        neighbour(comparable(studio), None, 1)
    drain(studio.subspaces.compress(["a", "x <i>"], Wish(0.9)))
    names = comparable(studio)
    assert names == ["a", "x <i>"]
    assert [neighbour(names, name, step) for name, step in [(None, 1), ("a", 1), ("a", -1), ("a", 0)]] == [
        "a", "x <i>", "x <i>", "a",
    ]  # fmt: skip
    asked = side_by_side(studio, "x <i>", "\n  a boat \n")
    request = asked.facts["request"]
    assert request["prompt"].startswith("a boat") and request["styles"] == {"x <i>": 1.0}
    quick = {**asked.facts, "request": {**request, "steps": 2}}
    sides = done(jobs, BESIDE, quick)["sides"]
    assert len({side["pictures"][0]["path"] for side in sides}) == 2


def test_the_spectrum_says_what_it_means_and_is_sound_svg() -> None:
    shared = PartSpectrum("middle", 8, 12, (0.5, 0.8, 0.95, 1.0), (0.2, 0.4, 0.7, 1.0))
    apart = PartSpectrum("up", 8, 72, (0.2, 0.4, 0.7, 1.0), (0.2, 0.4, 0.7, 1.0))
    spectrum = Spectrum((1, 2, 4, 8), (shared, apart))
    assert shared.reaches(spectrum.directions, 0.9) == 4
    assert shared.reaches(spectrum.directions, 0.4, by_chance=True) == 2
    told = spectrum_text.meaning(spectrum)
    assert "“UNet, middle”: 4 directions keep 90 %" in told and "strangers would need 7." in told
    assert "Nowhere do your styles share more" in spectrum_text.meaning(Spectrum((1, 2, 4, 8), (apart,)))
    plot = ElementTree.fromstring(spectrum_plot(spectrum))
    assert len(plot.findall(".//polyline")) == 4
    assert [figure.findtext("small") for figure in plot.findall(".//figure")] == [
        "8 of 12 modules", "8 of 72 modules",
    ]  # fmt: skip
