"""A subspace lives on after its fit: LoRAs join and leave, versions come and go, pictures stay."""

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from eigenlorax.cli import app
from eigenlorax.errors import InvalidRequestError, NotWrittenError, UnknownStyleError
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import Component, ModelLayout
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.showcase import drain
from eigenlorax.studio import Studio
from eigenlorax.subspace.join import Way
from eigenlorax.subspaces.growth import Source
from eigenlorax.subspaces.wish import Wish
from tests import tiny
from tests.conftest import CPU

REQUEST = GenerationRequest("a cat", seed=3, steps=2, width=64, height=64, styles={"a": 1.0})
#: Old columns come out of a widened basis to a rounding of float32, so 8-bit pixels differ by at most this.
PIXEL_TOLERANCE = 1


def few(layout: ModelLayout) -> ModelLayout:
    """The middle of the UNet and the first text encoder's first layer: enough to see, and quick."""
    return {p: shape for p, shape in layout.items() if "mid_block" in p.name or "layers.0" in p.name}


def relatives(base: BaseModel, names: str, seed: int) -> list[LoRA]:
    return tiny.relatives(few(base.layout), names, 4, seed)


def bring(studio: Studio, folder: Path, *loras: LoRA) -> None:
    for lora in loras:
        studio.import_paths([tiny.write_lora(folder / f"{lora.name}.safetensors", lora)])


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, base: BaseModel) -> Path:
    """A data folder with a, b, c and own compressed, and later as a LoRA only."""
    folder = tmp_path_factory.mktemp("kept")
    studio = Studio(str(tiny_model), folder / "data", CPU)
    bring(studio, folder, *relatives(base, "abc", 1), tiny.lora(few(base.layout), "own", 8, 7, strength=0.3))
    drain(studio.subspaces.compress(wish=Wish(retain=0.9)))
    bring(studio, folder, tiny.lora(few(base.layout), "later", 4, 20, components=tuple(Component)))
    return folder / "data"


@pytest.fixture
def studio(kept: Path, tmp_path: Path, tiny_model: Path) -> Studio:
    shutil.copytree(kept, tmp_path / "data")
    return Studio(str(tiny_model), tmp_path / "data", CPU)


def half_known(base: BaseModel) -> LoRA:
    """The relatives' output sides with input sides of its own: columns on one side are all it needs."""
    known = relatives(base, "a", 1)[0]
    generator = torch.Generator().manual_seed(77)
    layers = {
        path: LoRALayer(layer.up, torch.randn(layer.down.shape, generator=generator))
        for path, layer in known.layers.items()
    }
    return LoRA("half", layers)


def picture(studio: Studio, name: str = "a") -> Image.Image:
    return drain(studio.generate(replace(REQUEST, styles={name: 1.0}))).image


def difference(one: Image.Image, other: Image.Image) -> int:
    """Largest difference of two 8-bit pixels."""
    pixels = [torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).int() for image in (one, other)]
    return int((pixels[0] - pixels[1]).abs().max())


def test_a_lora_added_later_leaves_the_others_bit_for_bit(
    studio: Studio, tmp_path: Path, tiny_model: Path
) -> None:
    before = picture(studio).tobytes()
    files = {path.name: path for path in (tmp_path / "data").rglob("styles/*.safetensors")}
    added = studio.growth.add("later", retain=0.95)
    assert added.decision.way is Way.RESIDUAL
    assert added.style.fidelity.energy_kept > 0.9
    assert studio.styles.keys() == {"a", "b", "c", "own", "later"}
    assert picture(studio).tobytes() == before
    styled = picture(studio, "later").tobytes()
    again = Studio(str(tiny_model), tmp_path / "data", CPU)
    assert again.notice == ""
    assert picture(again).tobytes() == before
    assert picture(again, "later").tobytes() == styled
    assert all(path.exists() for path in files.values())  # the earlier version stays on disk


def test_new_columns_leave_coefficients_as_they_are_and_pictures_within_the_tolerance(
    studio: Studio, tmp_path: Path, base: BaseModel
) -> None:
    bring(studio, tmp_path, half_known(base))
    studio.growth.remove("own")
    drain(studio.growth.refit(0.9999))  # now all of the relatives' frames are shared
    old, styles = {name: picture(studio, name) for name in "abc"}, studio.styles
    added = studio.growth.add("half", retain=0.99)
    assert added.decision.way in (Way.COLUMNS, Way.BOTH)
    assert added.decision.added_bytes < added.decision.residual_bytes
    for name, image in old.items():
        assert difference(picture(studio, name), image) <= PIXEL_TOLERANCE
        for path, core in styles[name].cores.items():
            wide = studio.styles[name].cores[path]
            assert torch.equal(wide[: core.shape[0], : core.shape[1]], core)
            assert int(wide.count_nonzero()) == int(core.count_nonzero())
    original = drain(studio.generate_with_lora(REQUEST, "half")).image
    near = torch.tensor(list(picture(studio, "half").tobytes())).float()
    far = torch.tensor(list(old["a"].tobytes())).float()
    exact = torch.tensor(list(original.tobytes())).float()
    assert float((near - exact).abs().mean()) < 0.3 * float((far - exact).abs().mean())


def test_one_taken_out_leaves_the_others(studio: Studio) -> None:
    before = picture(studio).tobytes()
    studio.growth.remove("own")
    assert studio.styles.keys() == {"a", "b", "c"}
    assert picture(studio).tobytes() == before
    with pytest.raises(UnknownStyleError, match="own"):
        studio.growth.remove("own")
    with pytest.raises(InvalidRequestError, match="no usable LoRA named nobody"):
        studio.growth.add("nobody", 0.9)
    with pytest.raises(InvalidRequestError, match="retain"):
        studio.growth.add("later", 1.5)


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
    moved = studio.growth.migrate(first, 0.99)
    assert set(moved) == studio.styles.keys() == {"a", "b", "c", "later"}
    for migrated in moved.values():
        assert migrated.moved_error < 0.1 + 1e-3
        assert migrated.original_error is not None
    here = studio.growth._bench.open_now().subspace.bases
    assert all(torch.equal(here[path].out, basis.out) for path, basis in bases.items())


def test_a_bundle_of_another_studio_is_merged_in(
    studio: Studio, tmp_path: Path, tiny_model: Path, base: BaseModel
) -> None:
    other = Studio(str(tiny_model), tmp_path / "other", CPU)
    bring(other, tmp_path, *relatives(base, "xy", 300))
    drain(other.subspaces.compress(wish=Wish(retain=0.95)))
    other.exports.bundle(None, tmp_path / "theirs.safetensors")
    merged = drain(studio.growth.merge(str(tmp_path / "theirs.safetensors"), 0.98))
    assert studio.styles.keys() == {"a", "b", "c", "own", "x", "y"}
    assert merged.notice == ""
    squares = [one.moved_error**2 for one in merged.moved.values()]
    assert sum(squares) / len(squares) < 0.03
    with pytest.raises(InvalidRequestError, match="both subspaces have a style named x, y"):
        drain(studio.growth.merge(str(tmp_path / "theirs.safetensors"), 0.98))
    with pytest.raises(InvalidRequestError, match="is no bundle"):
        drain(studio.growth.merge(str(tmp_path / "x.safetensors"), 0.98))
    with pytest.raises(InvalidRequestError, match="there is no version nowhere"):
        drain(studio.growth.merge("nowhere", 0.98))


@pytest.mark.parametrize("source", list(Source))
def test_a_floor_of_columns_leaves_pictures_within_the_tolerance(studio: Studio, source: Source) -> None:
    old = {name: picture(studio, name) for name in ("a", "own")}
    augmented = studio.growth.augment(6, source)
    assert augmented.columns > 0
    assert augmented.bytes_after > augmented.bytes_before
    for basis in studio.growth._bench.open_now().subspace.bases.values():
        rows, columns = basis.out.shape[0], basis.into.shape[0]
        assert basis.core_shape >= (min(6, rows), min(6, columns))
        torch.testing.assert_close(
            basis.out.mT @ basis.out, torch.eye(basis.core_shape[0]), rtol=0, atol=1e-6
        )
    for name, image in old.items():
        assert difference(picture(studio, name), image) <= PIXEL_TOLERANCE
    again = studio.growth.augment(6, source)
    assert again.columns == 0


def test_nothing_grows_before_there_is_a_subspace(tmp_path: Path, tiny_model: Path) -> None:
    empty = Studio(str(tiny_model), tmp_path / "empty", CPU)
    assert empty.growth.versions() == []
    for work in (
        lambda: empty.growth.add("a", 0.9),
        lambda: empty.growth.remove("a"),
        lambda: empty.growth.augment(4),
        lambda: drain(empty.growth.refit(0.9)),
        lambda: empty.growth.migrate("x", 0.9),
    ):
        with pytest.raises(InvalidRequestError, match="press Compress first"):
            work()


def test_the_command_line_grows_and_goes_back(tmp_path: Path, tiny_model: Path, studio: Studio) -> None:
    studio.exports.bundle(["own"], tmp_path / "own.safetensors")

    def run(*arguments: str) -> str:
        where = ["--data-dir", str(tmp_path / "data"), "--model", str(tiny_model)]
        result = CliRunner().invoke(app, [*arguments, *where])
        assert result.exit_code == 0, result.output
        return result.output

    def told(*arguments: str) -> dict[str, Any]:
        return json.loads(run(*arguments, "--json"))

    (first,) = told("versions")
    added = told("add", "later")
    assert added["added"]["later"]["way"] == "residual"
    assert added["advice"]["joined"] == ["later"]
    assert "private ranks" in run("add", "later")  # once more is anew, not twice
    assert "later is out; 4 styles" in run("remove", "later")
    assert told("remove", "own")["styles"] == ["a", "b", "c"]
    merged = told("merge", str(tmp_path / "own.safetensors"), "--retain", "0.95")
    assert merged["styles"] == ["a", "b", "c", "own"]
    assert 0.0 < merged["moved"]["own"]["moved_error"] < 0.5
    assert told("augment", "3")["columns"] > 0
    refitted = told("refit", "--retain", "0.9")
    assert sorted(refitted["fitted"]) == ["a", "b", "c", "own"]
    moved = told("migrate", first["name"])
    assert all(0.0 < one["moved_error"] < one["original_error"] < 1.0 for one in moved["moved"].values()), (
        moved
    )
    assert "is the current version: 4 styles" in run("use", first["name"])
    listed = told("versions")
    assert [one["name"] for one in listed if one["is_open"]] == [first["name"]]
    assert len(listed) == 9
    failed = CliRunner().invoke(
        app, ["remove", "nobody", "--data-dir", str(tmp_path / "data"), "--model", str(tiny_model)]
    )
    assert failed.exit_code == 1
    assert "no style named nobody" in failed.output
