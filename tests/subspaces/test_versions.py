"""The bases are fitted anew while pictures are drawn; versions come and go."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from eigenlorax.errors import InvalidRequestError, NotWrittenError
from eigenlorax.events import drain, retold
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import Wish
from tests.subspaces.cases import REQUEST, bring, difference, picture, relatives


def test_a_refit_is_advised_when_relatives_have_joined_and_brings_all_along(
    studio: Studio, tmp_path: Path, base: BaseModel
) -> None:
    bring(studio, tmp_path, *relatives(base, "pqr", 500))
    for name in ("p", "q", "r"):
        added = studio.growth.add(name, 0.95)
    assert set(added.advice.joined) >= {"p", "q", "r"}
    gone = next((tmp_path / "data" / "loras").glob("own.safetensors"))
    gone.unlink()
    before = studio.stored_bytes
    own = picture(studio, "own")
    refitted = drain(studio.growth.refit(0.95))
    assert set(refitted.fitted) == {"a", "b", "c", "p", "q", "r"}
    assert set(refitted.moved) == {"own"}
    assert (refitted.bytes_before, refitted.bytes_after) == (before, studio.stored_bytes)
    assert refitted.moved["own"].original_error is None
    assert refitted.moved["own"].moved_error < 0.15
    plain = drain(studio.generate(replace(REQUEST, styles={}))).image
    assert difference(picture(studio, "own"), own) < difference(plain, own)
    assert "own had no LoRA at hand" in refitted.words
    assert "moved" in studio.styles["own"].notes
    subspace = studio.growth._bench.open_now().subspace
    assert set(subspace.sources) == {"a", "b", "c", "own", "p", "q", "r"}


def test_pictures_are_drawn_while_a_refit_runs(studio: Studio) -> None:
    before = picture(studio).tobytes()
    versions = len(studio.growth.versions())
    work = studio.growth.refit(0.8)
    next(work)
    assert picture(studio).tobytes() == before  # in between, with the old version
    drawing = studio.generate(REQUEST)
    next(drawing)  # a picture is being drawn: the lock is taken
    done: list[str] = []
    thread = threading.Thread(target=lambda: done.append(drain(work).words))
    thread.start()
    assert drain(drawing).image.tobytes() == before
    thread.join(timeout=60)
    assert len(done) == 1
    assert len(studio.growth.versions()) == versions + 1
    assert picture(studio).tobytes() != before


def test_a_cancelled_refit_changes_nothing(studio: Studio) -> None:
    before, versions = picture(studio).tobytes(), studio.growth.versions()
    work = studio.growth.refit(0.8)
    next(work)
    work.close()
    assert studio.growth.versions() == versions
    assert picture(studio).tobytes() == before


def test_who_joins_or_leaves_during_a_refit_is_there_or_not_there_afterwards(studio: Studio) -> None:
    work = studio.growth.refit(0.9)
    next(work)
    studio.growth.add("later", 0.95)
    studio.growth.remove("b")
    refitted = drain(work)
    assert studio.styles.keys() == {"a", "c", "own", "later"}
    assert set(refitted.moved) == {"later"}
    assert refitted.moved["later"].original_error is not None
    assert drain(studio.generate(replace(REQUEST, styles={"later": 1.0}))).image is not None


def test_a_refit_that_the_disk_refuses_leaves_the_old_version(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = picture(studio).tobytes()

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(studio.library, "save", refuse)
    with pytest.raises(NotWrittenError, match="disk is full"):
        drain(studio.growth.refit(0.8))
    assert picture(studio).tobytes() == before


def test_versions_are_listed_and_gone_back_to(studio: Studio) -> None:
    first = studio.growth.versions()
    assert [version.is_open for version in first] == [True]
    before = picture(studio).tobytes()
    drain(studio.growth.refit(0.6))
    assert picture(studio).tobytes() != before
    listed = studio.growth.versions()
    assert len(listed) == 2
    assert [v.name for v in listed if not v.is_open] == [first[0].name]
    used = studio.growth.use(first[0].name)
    assert used.is_open
    assert used.styles == ("a", "b", "c", "own")
    assert picture(studio).tobytes() == before
    assert "4 styles" in used.words
    with pytest.raises(InvalidRequestError, match="there is no version nope"):
        studio.growth.use("nope")


def test_a_version_of_the_same_bases_draws_with_its_own_coefficients(studio: Studio) -> None:
    """Strangers share nothing: their bases are empty whatever they are, and so alike in every version."""
    for name in ("own", "b", "c"):
        studio.growth.remove(name)
    drain(studio.growth.refit(0.99))
    fine, versions = picture(studio).tobytes(), studio.growth.versions()
    drain(studio.growth.refit(0.5))
    assert picture(studio).tobytes() != fine
    studio.growth.use(next(version.name for version in versions if version.is_open))
    assert picture(studio).tobytes() == fine
    drain(studio.subspaces.compress(["a", "own"], Wish(retain=0.3)))
    coarse = picture(studio).tobytes()
    drain(studio.subspaces.compress(["a", "own"], Wish(retain=0.99)))
    assert picture(studio).tobytes() != coarse


def test_styles_migrate_to_the_bases_of_another_version(studio: Studio) -> None:
    first = studio.growth.versions()[0].name
    bases = studio.growth._bench.open_now().subspace.bases
    studio.growth.remove("own")
    drain(studio.growth.refit(0.7))
    studio.growth.add("later", 0.9)
    work, seen = studio.growth.migrate(first, 0.99), []
    moved = drain(retold(work, seen.append))
    assert [(one.done, one.total) for one in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {one.style for one in seen} == {"a", "b", "c", "later"}
    assert set(moved) == studio.styles.keys() == {"a", "b", "c", "later"}
    for migrated in moved.values():
        assert migrated.moved_error < 0.1 + 1e-3
        assert migrated.original_error is not None
    here = studio.growth._bench.open_now().subspace.bases
    assert all(torch.equal(here[path].out, basis.out) for path, basis in bases.items())
