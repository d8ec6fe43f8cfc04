"""LoRAs join and leave, others merge in, and pictures stay."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from eigenlorax.cli import app
from eigenlorax.errors import InvalidRequestError, UnknownStyleError
from eigenlorax.events import drain
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspace.join import Way
from eigenlorax.subspaces.growth import Source
from eigenlorax.subspaces.wish import Outliers, Wish
from tests import tiny
from tests.conftest import CPU
from tests.subspaces.cases import (
    PIXEL_TOLERANCE,
    REQUEST,
    bring,
    difference,
    few,
    half_known,
    picture,
    relatives,
)


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
    work = studio.growth.augment(6, source)
    first = next(work)
    assert (first.done, first.total) == (1, len(studio.growth._bench.open_now().subspace.bases))
    work.close()  # cancelled: nothing has changed, and the lock is free
    assert picture(studio, "own").tobytes() == old["own"].tobytes()
    augmented = drain(studio.growth.augment(6, source))
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
    again = drain(studio.growth.augment(6, source))
    assert again.columns == 0


def test_nothing_grows_before_there_is_a_subspace(tmp_path: Path, tiny_model: Path) -> None:
    empty = Studio(str(tiny_model), tmp_path / "empty", CPU)
    assert empty.growth.versions() == []
    for work in (
        lambda: empty.growth.add("a", 0.9),
        lambda: empty.growth.remove("a"),
        lambda: drain(empty.growth.augment(4)),
        lambda: drain(empty.growth.refit(0.9)),
        lambda: drain(empty.growth.migrate("x", 0.9)),
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
        where = ["--data-dir", str(tmp_path / "data"), "--model", str(tiny_model)]
        return json.loads(CliRunner().invoke(app, [*arguments, *where, "--json"]).stdout)

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
    words = run("augment", "3")
    assert "Augmenting" in words and "0 columns added" in words
    refitted = told("refit", "--retain", "0.9")
    assert sorted(refitted["fitted"]) == ["a", "b", "c", "own"]
    moved = told("migrate", first["name"])
    assert all(0.0 < one["moved_error"] < one["original_error"] < 1.0 for one in moved["moved"].values()), (
        moved
    )
    assert "is the current version: 4 styles" in run("use", first["name"])
    listed = told("versions")
    assert [one["name"] for one in listed if one["is_open"]] == [first["name"]]
    assert len(listed) == 10
    failed = CliRunner().invoke(
        app, ["remove", "nobody", "--data-dir", str(tmp_path / "data"), "--model", str(tiny_model)]
    )
    assert failed.exit_code == 1
    assert "no style named nobody" in failed.output


def test_an_outlier_of_a_family_is_kept_by_itself_and_survives_the_disk(
    tmp_path: Path, tiny_model: Path, base: BaseModel
) -> None:
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    bring(studio, tmp_path, *relatives(base, "abcd", 1), tiny.lora(few(base.layout), "own", 4, 7))
    made = drain(studio.subspaces.compress(wish=Wish(retain=0.99, outliers=Outliers.APART)))
    assert set(made.excluded) == {"own"}
    assert made.sharing[0] > 0
    again = Studio(str(tiny_model), tmp_path / "data", CPU)
    assert again.styles.keys() == {*"abcd", "own"}
    assert again.styles["own"].fidelity.effect_kept > 0.95
    original = drain(again.generate_with_lora(replace(REQUEST, styles={}), "own")).image
    none = drain(again.generate(replace(REQUEST, styles={}))).image
    assert difference(picture(again, "own"), original) < difference(none, original)
