"""A style leaves in a picture and is there again where the picture is dropped."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from eigenlorax.cli import app
from eigenlorax.errors import (
    InvalidFileError,
    InvalidRequestError,
    SubspaceMismatchError,
    UnknownStyleError,
    WrongBaseError,
)
from eigenlorax.events import drain
from eigenlorax.export.cards import CardExport
from eigenlorax.formats.report import Verdict
from eigenlorax.library.card_content import CardKind
from eigenlorax.library.style_card import pack_card, save_card
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspace.basis import stored_basis
from eigenlorax.subspace.kept_cores import KeptCores, keep_core
from eigenlorax.subspace.kept_residuals import KeptResiduals
from eigenlorax.subspace.style import Style
from eigenlorax.subspaces.taking import Into
from eigenlorax.subspaces.wish import Wish
from tests.conftest import CPU
from tests.subspaces.cases import PIXEL_TOLERANCE, bring, difference, picture, relatives

KINDS = pytest.mark.parametrize("kind", CardKind)


def _card(studio: Studio, path: Path, kind: CardKind = CardKind.LIGHT, name: str = "a") -> Path:
    request = CardExport(name, path, kind, prompts=("a cat",), steps=2)
    return drain(studio.cards.write(request)).path


def _equal(one: Style, other: Style) -> bool:
    return one.cores.keys() == other.cores.keys() and all(
        torch.equal(one.cores[path], other.cores[path]) for path in one.cores
    )


@pytest.fixture
def stranger(tmp_path: Path, tiny_model: Path, base: BaseModel) -> Studio:
    """A studio with another collection."""
    studio = Studio(str(tiny_model), tmp_path / "stranger", CPU)
    bring(studio, tmp_path, *relatives(base, "xy", 50))
    drain(studio.subspaces.compress(wish=Wish(retain=0.9)))
    return studio


@KINDS
def test_a_style_comes_back_number_for_number(studio: Studio, tmp_path: Path, kind: CardKind) -> None:
    path, before, style = _card(studio, tmp_path / "a.png", kind), picture(studio), studio.styles["a"]
    assert studio.cards.take(path).words == "a is in the rack already"
    studio.growth.remove("a")
    (taken,) = studio.import_paths([path])
    assert taken.report.verdict is Verdict.BUNDLE
    assert taken.report.reason == "a is in the rack, number for number as it was"
    back = studio.styles["a"]
    assert _equal(back, style)
    assert replace(back.fidelity, style_bytes=0) == replace(style.fidelity, style_bytes=0)
    assert (back.source_sha256, back.trigger_words) == (style.source_sha256, style.trigger_words)
    assert difference(picture(studio), before) == 0


def test_a_light_card_knows_the_versions_that_are_kept(studio: Studio, tmp_path: Path) -> None:
    path, style = _card(studio, tmp_path / "a.png"), studio.styles["a"]
    studio.growth.remove("a")
    studio.growth.augment(6)
    assert studio.cards.take(path).error == 0.0
    for module, core in style.cores.items():
        rows, columns = core.shape
        assert torch.equal(studio.styles["a"].cores[module][:rows, :columns], core)


def test_a_light_card_is_refused_where_its_subspace_is_not(
    studio: Studio, stranger: Studio, tmp_path: Path, tiny_model: Path
) -> None:
    path = _card(studio, tmp_path / "a.png")
    for other in (stranger, Studio(str(tiny_model), tmp_path / "empty", CPU)):
        before = other.styles
        with pytest.raises(SubspaceMismatchError, match=r"a\.png carries a for those.*ask for a whole card"):
            other.cards.take(path)
        (refused,) = other.import_paths([path])
        assert refused.report.verdict is Verdict.BROKEN
        assert other.styles == before


@pytest.mark.parametrize("into", Into)
def test_a_whole_card_goes_into_any_subspace_of_its_base(
    studio: Studio, stranger: Studio, tmp_path: Path, into: Into
) -> None:
    path, before, others = _card(studio, tmp_path / "a.png", CardKind.WHOLE), picture(studio), stranger.styles
    home = stranger._current.needed().hash
    taken = stranger.cards.take(path, into, keep=0.99999)
    assert taken.name == "a" and taken.error < 0.02
    assert difference(picture(stranger), before) <= 8
    assert stranger.styles["a"].source_sha256 == studio.styles["a"].source_sha256
    if into is Into.PRIVATE:
        assert stranger._current.needed().bases.keys() >= set(others["x"].cores)
        assert stranger.styles["a"].residuals.kept
    for name, style in others.items():
        for module, core in style.cores.items():
            rows, columns = core.shape
            now = stranger.styles[name].cores[module][:rows, :columns]
            # Lines of up to two numbers are in fp16, and in int8 once the core has grown wider.
            rounding = 0.01 * float(core.abs().max()) if min(core.shape) <= 2 else 0.0
            assert float((now - core).abs().max()) <= rounding
    assert not stranger.cards.take(path, into).is_new
    assert home != stranger._current.needed().hash or into is Into.PRIVATE


def test_a_whole_card_starts_a_rack(studio: Studio, tmp_path: Path, tiny_model: Path) -> None:
    path, before = _card(studio, tmp_path / "own.png", CardKind.WHOLE, "own"), picture(studio, "own")
    empty = Studio(str(tiny_model), tmp_path / "empty", CPU)
    empty.import_paths([path])
    assert list(empty.styles) == ["own"]
    assert difference(picture(empty, "own"), before) <= PIXEL_TOLERANCE


def test_another_style_of_that_name_keeps_it(studio: Studio, tmp_path: Path) -> None:
    subspace, own = studio._current.needed(), studio.styles["own"]
    save_card(pack_card(replace(own, name="a"), subspace), Image.new("RGB", (8, 8)), tmp_path / "x.png")
    studio.growth.remove("own")
    kept = studio.styles["a"]
    assert studio.cards.take(tmp_path / "x.png").name == "a-2"
    assert _equal(studio.styles["a"], kept) and _equal(studio.styles["a-2"], own)


def test_what_does_not_fit_the_base_is_refused(studio: Studio, tmp_path: Path) -> None:
    subspace, style, before = studio._current.needed(), studio.styles["a"], studio.styles
    path = next(iter(style.cores))
    strange = dict(subspace.bases)
    strange[path] = stored_basis(torch.eye(77)[:, :4], torch.eye(5)[:, :4], strange[path].numbers)
    assert subspace.base is not None
    foreign = replace(subspace.base, norms={p: 9 * n for p, n in subspace.base.norms.items()})
    for other, error in (
        (replace(subspace, layout="0" * 64), WrongBaseError),
        (replace(subspace, base=foreign), WrongBaseError),
        (replace(subspace, bases=strange), InvalidFileError),
    ):
        alone = replace(style, subspace=other.hash)
        if error is InvalidFileError:
            core = keep_core(torch.eye(4), 4, strange[path].numbers)
            alone = replace(alone, cores=KeptCores({path: core}), residuals=KeptResiduals())
        save_card(pack_card(alone, other, CardKind.WHOLE), Image.new("RGB", (8, 8)), tmp_path / "x.png")
        with pytest.raises(error):
            studio.cards.take(tmp_path / "x.png")
        assert studio.styles == before


def test_a_card_shows_what_it_carries(studio: Studio, tmp_path: Path) -> None:
    path = _card(studio, tmp_path / "a.png")
    with Image.open(path) as card:
        assert card.width == 1040
        text = card.info["parameters"]
    assert text.startswith("a cat <lora:a:1>\nSteps: 2") and "Seed: 7" in text
    (told,) = studio.inspect_paths([path])
    assert "light card of the style a" in told.report.reason and len(studio.styles) == 4
    shown = CardExport("a", tmp_path / "b.png", pictures=(path, path))
    written = drain(studio.cards.write(shown))
    assert written.carried_bytes < written.file_bytes == written.path.stat().st_size
    (tmp_path / "text.png").write_text("no picture")
    plain = tmp_path / "plain.png"
    Image.new("RGB", (8, 8)).save(plain)
    assert "carries no style" in studio.import_paths([plain])[0].report.reason
    for wrong, error in (
        (replace(shown, name="nobody", target=tmp_path / "c.png"), UnknownStyleError),
        (shown, InvalidRequestError),
        (replace(shown, target=tmp_path / "c.jpg"), InvalidRequestError),
        (replace(shown, target=tmp_path / "c.png", pictures=(path,) * 4), InvalidRequestError),
        (replace(shown, target=tmp_path / "c.png", pictures=(tmp_path / "text.png",)), InvalidFileError),
    ):
        with pytest.raises(error):
            drain(studio.cards.write(wrong))
    assert not (tmp_path / "c.png").exists()


def test_cards_by_command(kept: Path, tmp_path: Path, tiny_model: Path) -> None:
    shutil.copytree(kept, tmp_path / "data")
    rest = ["--data-dir", str(tmp_path / "data"), "--model", str(tiny_model), "--json"]
    out = tmp_path / "a.png"
    result = CliRunner().invoke(
        app, ["card", "a", "--out", str(out), "--whole", "--prompt", "cat", "--steps", "2", *rest]
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["kind"] == "whole"
    result = CliRunner().invoke(app, ["remove", "a", *rest])
    result = CliRunner().invoke(app, ["take", str(out), *rest])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)[0]["name"] == "a"
    result = CliRunner().invoke(app, ["take", str(tiny_model / "model_index.json"), *rest])
    assert result.exit_code == 1 and "is no PNG picture" in result.stderr
