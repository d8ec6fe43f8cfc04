"""The few-shot comparison is fair: each form is what it claims, and TEST decides nothing."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from eigenlorax.module_path import ModulePath
from eigenlorax.runtime.live import LiveInjection
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.training.teach_settings import TeachSettings
from tests import tiny
from tests.benchmarks.fewshot_contenders import CONTENDERS, Contender, contenders
from tests.benchmarks.fewshot_forms import PaperStudent, adapters, components, cores, private
from tests.benchmarks.fewshot_ground import Ground
from tests.benchmarks.fewshot_runs import Row, Run, perform, rows_of
from tests.benchmarks.fewshot_summary import bars, best_lora, cells, kept_so_far, races, report
from tests.benchmarks.training import tuned

QUICK = TeachSettings(steps=2, rows=1, check=1, mixing=1, blocks=1, patience=0)
FORMS = (
    Contender("ours", "teach", (0.1,), {"columns": 4}),
    Contender("cores", "cores", (0.1,), {"columns": 4, "mean": True, "whiten": False}),
    Contender("paper", "paper", (0.1,), {"components": 4, "rank": 2, "published": False}),
    Contender("LoRA r=2", "lora", (0.01,), {"rank": 2}),
)


def style(folder: Path, seed: int) -> Path:
    """Six pictures to learn from, the same for every seed, and two of the seed to test on."""
    for part, count, start in (("train", 6, 0), ("test", 2, 100 * (1 + seed))):
        (folder / part).mkdir(parents=True)
        for number in range(count):
            pixels = np.random.default_rng(start + number).integers(
                0, 255, (tiny.SIDE, tiny.SIDE, 3), np.uint8
            )
            Image.fromarray(pixels).save(folder / part / f"{number}.webp", lossless=True)
            (folder / part / f"{number}.txt").write_text(f"{'abcdef'[number]}, x\n")
    return folder


@pytest.fixture(scope="module")
def ground(base: BaseModel) -> Iterator[Ground]:
    donors = {lora.name: lora.layers for lora in tiny.relatives(base.layout, ["a", "b", "c"])}
    with LiveInjection(base.modules) as live:
        yield Ground(base, live, donors)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("styles")
    return [style(root / f"style-{seed}", seed) for seed in range(2)]


def test_the_papers_components_are_those_of_the_centred_raw_factors(ground: Ground) -> None:
    path, (out, into) = next(iter(components(ground.donors, 2, torch.device("cpu")).items()))
    own = [layers[path] for layers in ground.donors.values()]
    for rows, axes in ((torch.cat([x.up.mT for x in own]), out), (torch.cat([x.down for x in own]), into)):
        centred = (rows - rows.mean(0)).double()
        leading = torch.linalg.eigh(centred.mT @ centred)[1][:, -2:]
        torch.testing.assert_close((axes.mT @ axes).double(), leading @ leading.mT, rtol=0, atol=1e-4)


@pytest.mark.parametrize("published", [False, True])
def test_the_papers_form_against_dense_matrices(ground: Ground, published: bool) -> None:
    frames = ground.components(4)
    student = PaperStudent(frames, 2, published=published, seed=3)
    beta, alpha = student.parameters()[:2]
    path, (out, into) = next(iter(frames.items()))
    update = student.updates()[path]
    dense = out.mT @ beta @ alpha @ into
    torch.testing.assert_close(update.up @ update.down, dense)
    assert bool(dense.any()) == published  # LoRA's start does nothing yet, the published one does
    assert alpha.shape == (2, into.shape[0]) and beta.shape == (out.shape[0], 2)


def test_a_fresh_lora_is_the_base_and_a_learnt_one_its_product(ground: Ground, folders: list[Path]) -> None:
    exam, paths = ground.examination(folders[0]), list(ground.shapes)
    with adapters(ground.base, paths, 2, seed=1) as worn:
        assert exam.error({}) == exam.base
        names = {name: p for name, p in ground.base.pipeline.unet.named_parameters() if "lora" in name}
        assert len(names) == len(worn.parameters()) == 2 * len(paths)
        chance, same = torch.Generator().manual_seed(5), {}
        with torch.no_grad():
            for path in paths:
                down, up = (names[f"{path.name}.lora_{side}.peer.weight"] for side in "AB")
                up.copy_(0.3 * torch.randn(up.shape, generator=chance))
                same[path] = private(up.clone(), down.clone())
        learnt = exam.error({})
    assert abs(learnt - exam.base) > 1e-4
    assert exam.error(same) == pytest.approx(learnt, rel=1e-5)  # alpha = r: nothing scales it
    assert exam.error({}) == exam.base  # the UNet is as it was
    assert not any("lora" in name for name, _ in ground.base.pipeline.unet.named_parameters())


def test_cores_begin_at_nothing_or_the_mean(ground: Ground) -> None:
    donors = ground.stacked(4)
    path: ModulePath = next(iter(donors))
    assert not cores(donors, mean=False, whiten=True).updates()[path].cores.any()
    update = cores(donors, mean=True, whiten=True).updates()[path]
    dense = sum(layers[path].up @ layers[path].down for layers in ground.donors.values()) / 3
    torch.testing.assert_close(
        update.out @ update.cores[0] @ update.into.mT, dense, rtol=0, atol=1e-3
    )  # columns are kept in fp16


@pytest.mark.parametrize("contender", FORMS, ids=lambda one: one.form)
def test_test_pictures_decide_nothing(ground: Ground, folders: list[Path], contender: Contender) -> None:
    rows = [perform(ground, Run(contender, folder, 6, 0, contender.rates[0]), QUICK) for folder in folders]
    held = [[(step, error) for step, _, error, _ in row["curve"]] for row in rows]
    tests = [[test for *_, test in row["curve"]] for row in rows]
    assert held[0] == held[1]
    assert all(a != b for a, b in zip(*tests, strict=True))
    for row in rows:
        kept = row["kept"]
        assert kept["held"] == min(error for _, _, error, _ in row["curve"])
        # What is worn at the end is what was measured at the kept step.
        assert kept["test"] == next(t for step, _, _, t in row["curve"] if step == kept["step"])
        assert row["bytes"] == 2 * row["numbers"] and row["optimizer_bytes"] == 8 * row["numbers"]


def test_all_contenders_are_tuned_with_equal_effort() -> None:
    assert len({len(one.rates) for one in CONTENDERS}) == 1
    with pytest.raises(ValueError, match="no contender nobody"):
        contenders(["nobody"], None)


def row(name: str, form: str, seed: int, curve: list[list[float]], rate: float = 0.1) -> Row:
    step, seconds, held, test = min(curve, key=lambda point: point[2])
    return {
        "contender": name, "form": form, "style": "s", "shots": 8, "seed": seed, "rate": rate,
        "curve": curve, "kept": {"step": step, "seconds": seconds, "held": held, "test": test},
        "base_test": 1.0, "numbers": 1, "bytes": 2, "optimizer_bytes": 8,
    }  # fmt: skip


MINE = row("ours", "teach", 0, [[4, 1, 0.9, 0.8], [8, 2, 0.95, 0.5], [12, 3, 0.7, 0.6]])
LORAS = [
    row("big", "lora", 0, [[0, 0, 1.0, 1.0], [20, 2, 0.8, 0.75]]),
    row("small", "lora", 0, [[0, 0, 1.0, 1.0], [40, 4, 0.7, 0.7]]),
]


def test_what_would_be_kept_follows_held_out_error_alone() -> None:
    assert [test for *_, test in kept_so_far(MINE)] == [0.8, 0.8, 0.6]


def test_the_mark_is_the_best_lora_and_ours_is_timed_to_it() -> None:
    rows = [MINE, *LORAS]
    assert best_lora(rows, 8, "s") == "small"
    (race,) = races(rows, "ours")
    assert (race.mark, race.theirs, race.ours) == ("small", (40, 4), (12, 3))
    assert (race.ratio(), race.ratio(race.searched)) == (0.3, 0.2)
    (alone,) = races(rows, "ours", {"ours": 0.5, "small": 2.0})
    assert (alone.theirs, alone.ours) == ((40, 80.0), (12, 6.0))
    lines = bars(rows, "ours", None)
    assert lines[0].startswith("MISSED") and "1 of 1" in lines[0]  # three styles are asked for
    assert lines[1].startswith("reached") and "0.30" in lines[1]
    assert "| ours |" in report(rows, "ours")
    assert cells(rows)[8, "s", "ours"].mean == 0.6


def test_the_rate_is_that_of_the_least_test_error(capsys: pytest.CaptureFixture[str]) -> None:
    one = Contender("ours", "teach", (0.1, 0.2, 0.3))
    rows = [
        row("ours", "teach", 0, [[1, 1, 1.0, test]], rate)
        for rate, test in ((0.1, 0.5), (0.2, 0.4), (0.3, 0.6))
    ]
    assert tuned(rows, [one]) == {"ours": 0.2}
    assert "edge" not in capsys.readouterr().out


def test_a_line_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    file.write_text('{"key": "a"}\n{"key": "b')
    assert rows_of(file) == [{"key": "a"}]
