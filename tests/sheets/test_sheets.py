"""Sheets: values along axes, the request in each place, what is drawn once, kept, and laid out where it belongs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from eigenlorax.cases.recall import recall_file, restored
from eigenlorax.cli import app
from eigenlorax.dials import Dials
from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.jobs.job import Job, State
from eigenlorax.jobs.sheeting import seconds_for
from eigenlorax.recipe import Canvas, GenerationRequest
from eigenlorax.sheets.axes import NO_STYLE, Axis, AxisKind, axis
from eigenlorax.sheets.draw import draw_sheet, missing
from eigenlorax.sheets.paper import GAP, cell_size, paper
from eigenlorax.sheets.plan import Column, SheetPlan, SheetWish, planned
from eigenlorax.studio import Studio

REQUEST = GenerationRequest("a cat", "", 7, 2, 3.0, 64, 64, {"neon": 0.5}, dials={"neon": Dials(style=0.5)})
STYLES = axis(AxisKind.STYLE, [NO_STYLE, "neon", "chalk"])
STRENGTHS = axis(AxisKind.STRENGTH, ["0.5", "1"])


@pytest.fixture(scope="module")
def studio(styled_studio: Studio) -> Studio:
    return styled_studio


@pytest.mark.parametrize(
    ("kind", "told", "values"),
    [
        (AxisKind.SEED, ["1-4", "9"], ["1", "2", "3", "4", "9"]),
        (AxisKind.STEPS, ["10-30 (+10)", "20"], ["10", "20", "30"]),
        (AxisKind.SEED, ["3-1"], ["3", "2", "1"]),
        (AxisKind.STRENGTH, ["0.2-1 [5]"], ["0.2", "0.4", "0.6", "0.8", "1"]),
        (AxisKind.STRENGTH, ["-1-1 [3]", "0.50"], ["-1", "0", "1", "0.5"]),
        (AxisKind.GUIDANCE, ["3, 5.5", " 7 "], ["3", "5.5", "7"]),
        (AxisKind.PROMPT, ["a cat, sitting", "a 1-4"], ["a cat, sitting", "a 1-4"]),
    ],
)
def test_values_are_read_as_a1111_reads_them(kind: AxisKind, told: list[str], values: list[str]) -> None:
    assert axis(kind, told) == Axis(kind, tuple(values))


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (AxisKind.SEED, ["x"]), (AxisKind.SEED, ["1.5"]), (AxisKind.SEED, ["1-100000"]), (AxisKind.STEPS, ["1-9 (+0)"]),
        (AxisKind.STRENGTH, ["nan"]), (AxisKind.STRENGTH, ["1e999"]), (AxisKind.SAMPLER, ["Magic"]), (AxisKind.STYLE, []),
        (AxisKind.STYLE, [" "]), (AxisKind.STRENGTH, ["0-1 [1]"]),
    ],
)  # fmt: skip
def test_values_that_are_none_are_refused_by_name(kind: AxisKind, told: list[str]) -> None:
    with pytest.raises(InvalidRequestError):
        axis(kind, told)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=20))
def test_numbers_come_back_as_they_were_given(numbers: list[float]) -> None:
    found = axis(AxisKind.STRENGTH, [repr(number) for number in numbers])
    assert {float(value) for value in found.values} == set(numbers)


def test_styles_by_strengths_have_one_base_column(studio: Studio) -> None:
    prompts = axis(AxisKind.PROMPT, ["a cat", "a dog"])
    plan = planned(SheetWish(REQUEST, STYLES, prompts, STRENGTHS), studio.styles)
    assert plan.columns == (
        Column(NO_STYLE), Column("neon", "0.5"), Column("neon", "1"), Column("chalk", "0.5"), Column("chalk", "1"),
    )  # fmt: skip
    assert [request.styles for request in plan.cells[0]] == [
        {}, {"neon": 0.25}, {"neon": 0.5}, {"chalk": 0.5}, {"chalk": 1.0},
    ]  # fmt: skip
    assert [request.prompt.partition(",")[0] for request in plan.cells[1]] == ["a dog"] * 5
    assert [bool(request.dials) for request in plan.cells[0]] == [False, True, True, False, False]
    assert len(plan.requests) == 10


def test_each_style_brings_its_own_words_and_equal_pictures_are_drawn_once(studio: Studio) -> None:
    words = {name: style.trigger_words for name, style in studio.styles.items()}
    plan = planned(SheetWish(REQUEST, STYLES, STRENGTHS), studio.styles)
    assert all(plan.cells[row][1].prompt == ", ".join(["a cat", *words["neon"]]) for row in range(2))
    assert plan.cells[0][0] == plan.cells[1][0]  # no style, whatever the strength
    assert len(plan.requests) == 5
    bare = planned(SheetWish(REQUEST, STYLES, add_triggers=False), studio.styles)
    assert {request.prompt for request in bare.requests} == {"a cat"}


@pytest.mark.parametrize(
    "wish",
    [
        SheetWish(REQUEST, STYLES, axis(AxisKind.STYLE, ["neon"])),
        SheetWish(replace(REQUEST, styles={}), STRENGTHS),
        SheetWish(replace(REQUEST, steps=0), STYLES),
        SheetWish(replace(REQUEST, canvas=Canvas(Image.new("RGB", (8, 8)))), STYLES),
        SheetWish(REQUEST, axis(AxisKind.SEED, ["1-100"]), axis(AxisKind.STEPS, ["1-50"])),
        SheetWish(REQUEST, axis(AxisKind.STEPS, ["400"])),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_is(studio: Studio, wish: SheetWish) -> None:
    with pytest.raises(InvalidRequestError):
        planned(wish, studio.styles)


def test_a_sheet_goes_on_where_it_was_stopped_and_draws_nothing_twice(studio: Studio) -> None:
    wish = SheetWish(replace(REQUEST, seed=21), STYLES, axis(AxisKind.SEED, ["21-22"]))
    plan, work, shown = planned(wish, studio.styles), draw_sheet(studio, wish), 0
    for event in work:
        shown += event.sheet is not None
        if shown == 2:
            break
    work.close()
    assert len(missing(studio, plan)) == 4
    made = drain(draw_sheet(studio, wish))
    assert (made.drawn, made.kept) == (4, 2)
    again = drain(draw_sheet(studio, wish))
    assert (again.drawn, again.cells) == (0, made.cells)
    assert again.path == made.path  # a sheet that is there is not written twice
    assert made.path.relative_to(studio.library.root).parts[:2] == ("outputs", "txt2img-grids")
    made.cells[1][2].unlink()
    assert missing(studio, plan) == [plan.cells[1][2]]

    found = restored(studio, recall_file(again.path))
    assert found.request == plan.cells[0][0]
    assert found.recalled.unread["X Values"] == f"{NO_STYLE}, neon, chalk"
    alone = drain(studio.generate(plan.cells[0][1])).image
    with Image.open(made.cells[0][1]) as cell:
        assert np.array_equal(np.asarray(cell), np.asarray(alone))
    with Image.open(made.path) as sheet:  # the cell lies where its labels say, untouched
        right, below = sheet.width - 18 - 64 - (64 + GAP), sheet.height - 18 - 2 * 64 - GAP
        assert np.array_equal(
            np.asarray(sheet.crop((right, below, right + 64, below + 64))), np.asarray(alone)
        )


def test_cells_that_are_not_drawn_are_grey_and_long_labels_fit() -> None:
    plan = SheetPlan((Column("a" * 400, "0.5"), Column("b")), ("word " * 200, "x"), ((REQUEST,) * 2,) * 2)
    sheet = paper("title " * 100, plan, (96, 64), {(0, 0): Image.new("RGB", (96, 64), "red")})
    colours = {tuple(colour) for colour in np.asarray(sheet).reshape(-1, 3)}
    assert (255, 0, 0) in colours
    assert (232, 229, 222) in colours
    assert sheet.width < 500


@given(st.integers(8, 4096), st.integers(8, 4096), st.integers(1, 100), st.integers(1, 100))
def test_no_sheet_is_larger_than_a_viewer_takes(width: int, height: int, columns: int, rows: int) -> None:
    found = cell_size((width, height), columns, rows)
    assert max(columns * (found[0] + GAP), rows * (found[1] + GAP)) <= 12_000 + 100 * 16


def done(kind: str, seconds: float, total: int = 0, **result: int) -> Job:
    asked = {"request": {"steps": 10, "width": 64, "height": 64, "batch": 2}}
    return Job(
        1, kind, "", asked, State.DONE, total=total, started=100.0, ended=100.0 + seconds, result=result
    )


def test_time_is_told_as_the_last_pictures_went_and_not_without_any() -> None:
    assert seconds_for([REQUEST], []) is None
    assert seconds_for([REQUEST], [done("compress", 9.0), done("sheet", 5.0, 0, drawn=0)]) is None
    assert seconds_for([REQUEST] * 3, [done("generate", 20.0)]) == pytest.approx(
        3 * 2 * 1.0
    )  # 1 s a step of 64 x 64
    assert seconds_for([REQUEST], [done("sheet", 20.0, 40, drawn=4)]) == pytest.approx(2 * 0.5)
    larger = replace(REQUEST, width=128)
    assert seconds_for([larger], [done("generate", 20.0)]) == pytest.approx(4.0)


def test_the_command_draws_a_sheet_and_says_what_is_no_axis(studio: Studio, tiny_model: Path) -> None:
    given = [
        "sheet",
        "a cat",
        "--data-dir",
        str(studio.library.root),
        "--model",
        str(tiny_model),
        "--steps",
        "2",
    ]
    run = CliRunner().invoke(app, [*given, "--columns", "style=no style;neon", "--rows", "seed=1-2"])
    assert run.exit_code == 0, run.output
    assert "4 drawn, 0 there already" in run.output
    assert next(Path(line) for line in run.output.splitlines() if line.endswith(".png")).is_file()
    wrong = CliRunner().invoke(app, [*given, "--columns", "colour=red"])
    assert wrong.exit_code == 1
    assert "is no axis" in wrong.output
