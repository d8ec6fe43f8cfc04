"""Sizes told before a compression, against those it has afterwards."""

from collections.abc import Callable
from pathlib import Path

import pytest

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspaces.estimate import SizeEstimate
from eigenlorax.subspaces.wish import Wish
from tests import tiny
from tests.conftest import CPU
from tests.subspaces.cases import bring, relatives


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path, base: BaseModel) -> Studio:
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    layout = {path: shape for path, shape in base.layout.items() if "blocks" in path.name}
    bring(studio, tmp_path, *tiny.relatives(layout, "abcd", 4, 1))
    return studio


def estimate(studio: Studio, names: list[str] | None = None, wish: Wish | None = None) -> SizeEstimate:
    told = drain(studio.estimates.estimate(names, wish or Wish()))
    assert told is not None
    return told


def test_the_size_is_told_before(studio: Studio) -> None:
    told = estimate(studio, wish=Wish(0.9))
    made = drain(studio.subspaces.compress(None, Wish(0.9)))
    assert told.is_final
    assert told.stored_bytes == pytest.approx(made.stored_bytes, rel=0.1)
    assert (told.loras, told.original_bytes) == (4, made.original_bytes)


def test_a_size_limit_tells_the_quality_it_buys(studio: Studio) -> None:
    size = estimate(studio, wish=Wish(0.8)).stored_bytes
    assert estimate(studio, wish=Wish(budget=size)).quality == pytest.approx(0.8, abs=0.02)
    with pytest.raises(InvalidRequestError, match="100 bytes are too few"):
        studio.estimates.known(None, Wish(budget=100))
    assert estimate(studio, wish=Wish(budget=10**9)).stored_bytes < 10**6  # there is no more to store


def test_who_is_left_out_takes_no_room(studio: Studio) -> None:
    everything, two = estimate(studio), estimate(studio, ["a", "b"])
    assert two.stored_bytes < everything.stored_bytes
    assert estimate(studio, wish=Wish(exclude=("c", "d"))) == two
    with pytest.raises(InvalidRequestError, match="nothing to measure"):
        estimate(studio, wish=Wish(exclude=("a", "b", "c", "d")))


def test_what_was_measured_is_not_measured_again(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    told = estimate(studio)
    refuse: Callable[..., None] = lambda *_: pytest.fail("measured again")  # noqa: E731
    monkeypatch.setattr("eigenlorax.subspaces.estimate.size_curve", refuse)
    assert estimate(studio) == told
    kept = next((studio.library.root / "cache" / "sizes").iterdir())
    kept.write_text('{"points": [[0.5, -3]], "measured": 1, "modules": []}')
    with pytest.raises(pytest.fail.Exception, match="measured again"):
        estimate(studio)


def test_a_newer_question_ends_an_older_one(studio: Studio) -> None:
    older = studio.estimates.estimate(["a", "b"], Wish())
    assert next(older).measured == 8
    newer = studio.estimates.estimate(["a", "b"], Wish(0.5))
    assert next(newer).measured > 8  # it goes on where the older one was
    assert list(older) == []
    assert drain(newer) is not None


def test_of_many_some_stand_for_all(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = estimate(studio, wish=Wish(0.9)).stored_bytes
    monkeypatch.setattr("eigenlorax.subspaces.estimate.MOST_LORAS", 2)
    told = estimate(studio, wish=Wish(0.9))
    assert (told.looked_at, told.loras) == (2, 4)
    assert everything * 0.9 < told.stored_bytes < everything * 2  # columns are shared by more


def test_a_lora_that_needs_the_base_counts_by_its_size(
    studio: Studio, tmp_path: Path, base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = estimate(studio, ["a", "b"])
    bring(studio, tmp_path, *(lora for lora in relatives(base, "e", 9)))
    report = type(studio._originals.report(tmp_path / "a.safetensors"))
    monkeypatch.setattr(report, "needs_base", property(lambda self: self.path.stem == "e"))
    after = estimate(studio, ["a", "b", "e"])
    assert after.looked_at == 2 and after.loras == 3
    assert after.stored_bytes > before.stored_bytes
