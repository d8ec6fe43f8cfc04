"""What a taught style costs: itself alone, and as few private ranks as held-out pictures allow."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from eigenlorax.events import drain
from eigenlorax.library.card_content import CardKind
from eigenlorax.library.style_card import pack_card
from eigenlorax.library.style_file import style_parts
from eigenlorax.lora import LoRALayer, joined
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.studio import Studio
from eigenlorax.subspace.augment import gaussian, with_floor
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.kept_cores import KeptCores, core_bytes, keep_core
from eigenlorax.subspace.migrate import StyleUpdates, as_lora
from eigenlorax.subspace.numbers import Numbers, bytes_of, rank_bytes
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.subspaces.growth import Source
from eigenlorax.subspaces.learning_room import learning_subspace
from eigenlorax.subspaces.settling import ALLOWED, most_error, settled
from eigenlorax.subspaces.teaching import TaughtStyle, TeachRequest
from eigenlorax.training.captions import Wording
from eigenlorax.training.teach import Taught
from eigenlorax.training.teach_settings import TeachSettings
from tests.headers import sdxl_layout
from tests.subspaces.cases import picture

QUICK = TeachSettings(steps=4, rows=2, check=2, mixing=2, blocks=0, patience=0, rate=0.3)
PATHS = [ModulePath.parse(f"unet.block{number}") for number in range(6)]
EVEN = dict.fromkeys(PATHS, 1.0)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, word in enumerate(["red apple", "green tree", "blue car", "grey cat"]):
        Image.new("RGB", (64, 64), (60 * number, 250 - 50 * number, 90)).save(folder / f"{word}.png")
    return folder


def files(studio: Studio) -> Mapping[str, Path]:
    folder = studio._current.folder
    assert folder is not None
    return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*.safetensors"))}


def same(one: Path, other: Path) -> bool:
    """Number for number; in words, a style's note of its own size may differ."""
    mine, theirs = load_file(one), load_file(other)
    near = abs(one.stat().st_size - other.stat().st_size) <= 16
    return near and mine.keys() == theirs.keys() and all(torch.equal(mine[n], theirs[n]) for n in mine)


def teach(studio: Studio, pictures: Path, name: str, columns: int) -> TaughtStyle:
    asked = TeachRequest(name, [pictures], Wording("zyx"), QUICK, columns=columns, sample_every=0)
    made: TaughtStyle = drain(studio.growth.teach(asked))
    return made


@pytest.fixture
def learnt() -> tuple[Style, Subspace, Subspace]:
    """A style of eight lent columns, its cores of falling spectrum; where it learnt, and where it stays."""
    chance = torch.Generator().manual_seed(3)
    home = drain(
        with_floor(Subspace({}, "layout", {}, 1.0), dict.fromkeys(PATHS, (60, 90)), 2, gaussian(chance))
    )
    home = replace(home, bases={path: home.bases[path] for path in PATHS})
    wide = drain(with_floor(home, {}, 8, gaussian(chance)))
    fall = torch.logspace(0, -3, 8)
    cores = {
        path: keep_core(torch.randn(8, 8, generator=chance) * fall * fall[:, None], 0, Numbers.FP16)
        for path in PATHS
    }
    return Style("mine", KeptCores(cores), wide.hash, Fidelity(1.0, "", 1.0, 0, 0)), wide, home


def test_a_taught_style_costs_itself_and_changes_nothing_else(studio: Studio, pictures: Path) -> None:
    before, drawn = files(studio), [picture(studio, name).tobytes() for name in "abc"]
    for name in ("mine", "second"):
        made = teach(studio, pictures, name, columns=12)
        now = files(studio)
        added = now.keys() - before.keys()
        assert added == {f"styles/{name}.safetensors"}
        assert all(same(now[file], before[file]) for file in before)  # the subspace and every other style
        assert now[added.pop()].stat().st_size == made.style.fidelity.style_bytes
        assert [picture(studio, old).tobytes() for old in "abc"] == drawn
        before = now


def test_where_the_columns_are_there_already_it_keeps_cores_alone(studio: Studio, pictures: Path) -> None:
    drain(studio.growth.augment(12, Source.STYLES))
    part = studio.growth._bench.open_now()
    lent = drain(learning_subspace(part, 12, QUICK.seed, texts=False))
    assert lent.hash == part.subspace.hash  # nothing has to be lent
    made = teach(studio, pictures, "mine", columns=12)
    assert not made.style.residuals.kept
    subspace = studio._current.needed()
    size = sum(core.nbytes for core in made.style.cores.kept.values())
    numbers = sum(
        k_out * k_in for k_out, k_in in (subspace.bases[path].core_shape for path in made.style.cores)
    )
    assert size <= 2 * numbers
    assert made.kept_error == pytest.approx(made.taught.after, rel=1e-3)


def test_as_it_is_kept_it_predicts_what_it_learnt_to_predict(studio: Studio, pictures: Path) -> None:
    made = teach(studio, pictures, "mine", columns=12)
    assert made.style.residuals.kept  # what was lent went
    assert made.kept_error <= most_error(made.taught)
    assert f"error {made.kept_error:.4f}" in made.style.notes["teaching"]


@pytest.mark.parametrize(("allowed", "share"), [(1.0, 0.98), (0.0075, 0.995), (0.0, 0.999)])
def test_it_keeps_the_fewest_bytes_that_held_out_pictures_allow(
    learnt: tuple[Style, Subspace, Subspace], allowed: float, share: float
) -> None:
    style, wide, home = learnt
    exact = as_lora(style, wide).layers
    tried = []

    def missed(found: Style) -> float:
        tried.append(lost(found, home, exact))
        return tried[-1]

    kept, error = settled(style, wide, home, EVEN, missed, allowed)
    assert error == tried[-1] == lost(kept, home, exact)
    assert error <= 1.0 - share + 1e-4
    assert all(one > allowed for one in tried[:-1])
    assert tried == sorted(tried, reverse=True)
    assert kept.subspace == home.hash


def test_it_takes_far_less_than_the_columns_it_learnt_in(learnt: tuple[Style, Subspace, Subspace]) -> None:
    style, wide, home = learnt
    kept, _ = settled(style, wide, home, EVEN, lambda _: 0.0, 1.0)
    columns = size(lambda: pack_card(style, wide, CardKind.WHOLE))
    private = size(lambda: pack_card(kept, home, CardKind.WHOLE))
    assert private < 0.75 * columns
    assert sum(part.nbytes for part in style_parts(kept, home)[0].values()) < private


def test_what_a_taught_style_takes_of_full_size_sdxl() -> None:
    """The README's figures: cores alone, a private rank everywhere, and the columns that are lent."""
    shapes = [
        shape.matrix
        for path, shape in sdxl_layout().items()
        if path.component is Component.UNET and "attentions" in path.name and shape.kernel != (3, 3)
    ]
    assert (len(shapes), sum(map(sum, shapes))) == (722, 2_659_840)
    int8 = Numbers.INT8
    assert len(shapes) * core_bytes(16, 16, 16, int8) == 207_936
    assert sum(rank_bytes(*shape, int8) for shape in shapes) == 2_662_728
    assert sum(bytes_of(side, 16, int8) for shape in shapes for side in shape) == 42_603_648


def test_a_style_that_learnt_nothing_is_kept_as_nothing(learnt: tuple[Style, Subspace, Subspace]) -> None:
    style, wide, home = learnt
    nothing = KeptCores({path: keep_core(torch.zeros(8, 8), 0, Numbers.FP16) for path in PATHS})
    kept, _ = settled(replace(style, cores=nothing), wide, home, EVEN, lambda _: 1.0, 0.0)
    assert not kept.residuals.kept
    assert not any(core.any() for core in kept.cores.values())


def test_the_bound_is_a_share_of_what_was_gained() -> None:
    found = Taught({}, {}, base=0.3, before=0.25, after=0.2, losses=(), held=(), numbers=0)
    assert most_error(found) == pytest.approx(0.2 + ALLOWED * 0.1)
    assert most_error(replace(found, after=0.4)) == 0.4  # worse than without it: nothing to give away


def lost(style: Style, home: Subspace, exact: Mapping[ModulePath, LoRALayer]) -> float:
    """The share of the exact updates' squared norm that a style misses, from dense matrices."""
    found = StyleUpdates(style, home)
    wrong = sum(float(dense(joined([found[p], exact[p].scaled(-1.0)])).square().sum()) for p in exact)
    return wrong / sum(float(dense(exact[p]).square().sum()) for p in exact)


def dense(layer: LoRALayer) -> torch.Tensor:
    return layer.up.double() @ layer.down.double()


def size(content: Callable[[], bytes]) -> int:
    return len(content())
