"""The report says what the census found, of planted collections, and is one page that asks nobody for anything."""

import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from typer.testing import CliRunner

from eigenlorax.cli import app
from eigenlorax.events import drain
from eigenlorax.formats.relations import Relations, SeedGroup, relate, sketch
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.report.census_page import as_json, page
from eigenlorax.report.census_words import Verdict, notices, summary, verdict
from eigenlorax.report.svg import Line, heat_map, line_chart
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.census import Census, take_census
from tests import tiny

PATHS = [ModulePath(Component.UNET, f"block.{i}.attn1.to_q") for i in range(14)]
HOSTILE = '<script src="//evil.ex">&"\''
VOID = {"meta"}


def _lora(name: str, seed: int, start: int | None = None, size: int = 64) -> LoRA:
    """A LoRA of rank 2 whose down matrices are drawn from `start`, by default its own."""
    ups, downs = (torch.Generator().manual_seed(s) for s in (seed, seed + 500 if start is None else start))
    layers = {
        path: LoRALayer(torch.randn(size, 2, generator=ups), torch.randn(2, size, generator=downs))
        for path in PATHS
    }
    return LoRA(name, layers)


def _measured(loras: list[LoRA]) -> tuple[Census, Relations]:
    return drain(take_census(loras)), relate({lora.name: sketch(lora) for lora in loras})


class _Page(HTMLParser):
    """Collects tags and checks that each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data + " "


@pytest.fixture(scope="module")
def trio() -> tuple[Census, Relations]:
    """Three LoRAs of one random start, three strangers (one of a hostile name), and a copy."""
    loras = [_lora(f"same-{i}", i, start=77) for i in range(3)]
    loras += [_lora("stranger", 10), _lora("other", 11), _lora(HOSTILE, 12)]
    copy = LoRA("copy", {path: layer.scaled(2.0) for path, layer in loras[3].layers.items()})
    return _measured([*loras, copy])


def test_one_random_start_is_told_and_lifts_the_input_side_alone(trio: tuple[Census, Relations]) -> None:
    census, relations = trio
    assert relations.seed_groups[0].names == ("same-0", "same-1", "same-2")
    lines = notices(census, relations)
    assert any("one random start" in line and "same-0, same-1, same-2" in line for line in lines)
    words = _Page(page(census, relations)).words
    assert "one random start with same-1, same-2" in words
    plain, _ = _measured([*(_lora(f"same-{i}", i, start=77) for i in range(3)), _lora("stranger", 10)])
    assert plain.into.kept[1] - plain.into.random[1] > 0.15
    assert plain.out.kept[1] - plain.out.random[1] < 0.03


def test_verdicts_tell_copies_strangers_and_kin(trio: tuple[Census, Relations]) -> None:
    words: Mapping[str, Verdict] = {member.name: verdict(member) for member in trio[0].members}
    assert words["stranger"] == words["copy"] == Verdict.COPY
    assert words["other"] == words[HOSTILE] == Verdict.ALONE
    assert trio[0].near_copies == (("stranger", "copy"),)
    assert any("stranger and copy are nearly one update" in line for line in notices(*trio))
    g = torch.Generator().manual_seed(3)
    up, down = torch.randn(64, 3, generator=g), torch.randn(3, 64, generator=g)
    kin = [LoRA(str(i), {PATHS[0]: LoRALayer(up @ torch.randn(3, 3, generator=g), down)}) for i in range(4)]
    assert {verdict(member) for member in _measured(kin)[0].members} == {Verdict.HELD}
    crowd = [_lora(str(i), i, size=4) for i in range(4)]
    assert {verdict(member) for member in _measured(crowd)[0].members} == {Verdict.UNTOLD}
    nothing = LoRA("nothing", {PATHS[0]: LoRALayer(torch.zeros(64, 2), torch.zeros(2, 64))})
    assert verdict(_measured([*kin, nothing])[0].members[-1]) is Verdict.NOTHING


def test_the_page_asks_nobody_for_anything_and_every_name_is_escaped(trio: tuple[Census, Relations]) -> None:
    text = page(*trio)
    parsed = _Page(text)
    assert parsed.open == []
    assert not parsed.tags & {"script", "link", "img", "iframe", "object", "image", "use"}
    assert not {name for name, _ in parsed.attributes} & {"src", "href", "xlink:href", "srcset", "onload"}
    assert not re.search(r"url\(|@import|<script", text)
    assert "http:" not in text and "https:" not in text
    assert "&lt;script src=" in text and HOSTILE not in text
    assert HOSTILE in parsed.words
    assert "prefers-color-scheme: dark" in text
    for name in (member.name for member in trio[0].members):
        assert name in parsed.words


def test_every_drawing_is_well_formed_and_has_a_title(trio: tuple[Census, Relations]) -> None:
    drawings = re.findall(r'<svg class="chart".*?</svg>', page(*trio), flags=re.DOTALL)
    assert len(drawings) == 5
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert root[0].tag == "title" and root[0].text


def test_figures_of_the_page_are_those_of_the_census(trio: tuple[Census, Relations]) -> None:
    census, relations = trio
    words = _Page(page(census, relations)).words
    for member in census.members:
        assert f"{member.coverage:.0%}" in words and f"{member.norm:.3g}" in words
    for value in (*census.saturation, *census.bound, *census.hosvd):
        assert f"{value:.1%}" in words
    assert str(census.certificates[0].module) in words


def test_json_holds_everything_and_survives_the_trip(trio: tuple[Census, Relations]) -> None:
    content = json.loads(json.dumps(as_json(*trio)))
    assert content["seed_groups"][0]["names"] == ["same-0", "same-1", "same-2"]
    assert content["members"][0]["verdict"] == verdict(trio[0].members[0]).value
    assert set(content["members"][0]["tails"]) == {"1", "2", "4", "8"}
    assert [one["module"] for one in content["certificates"]] == sorted(map(str, PATHS))
    assert content["cosines"][0][0] == pytest.approx(1.0)


def test_a_lora_that_dominates_is_named() -> None:
    big = LoRA("big", {PATHS[0]: LoRALayer(torch.ones(64, 1), torch.ones(1, 64))})
    wide = [
        LoRA(f"w{i}", {PATHS[0]: LoRALayer(torch.eye(64).roll(7 * i, 0)[:, :7], torch.eye(64).roll(7 * i, 1)[:7])})
        for i in range(4)
    ]  # fmt: skip
    census, relations = _measured([big, *wide])
    assert census.dominant == ("big",)
    assert any("big carries over half" in line for line in notices(census, relations))
    assert "class=big" in page(census, relations)


def test_one_lora_alone_makes_a_page_too() -> None:
    census, relations = _measured([_lora("only", 1)])
    text = page(census, relations)
    assert _Page(text).open == [] and "There is nothing to compare it with" in text
    assert "stands alone" in summary(census, relations)


def test_a_large_collection_is_not_drawn_as_a_map() -> None:
    loras = [LoRA(f"l{i}", {PATHS[0]: _lora("", i, size=8).layers[PATHS[0]]}) for i in range(121)]
    text = page(drain(take_census(loras)), Relations(seed_groups=(SeedGroup(("l0", "l1"), 42),)))
    assert "too large to draw" in text and "seed 42" in text


def test_a_chart_puts_its_points_where_they_belong() -> None:
    root = ElementTree.fromstring(
        line_chart("t & t", "x", [1, 2, 4], [Line("<a>", [0.0, 0.5, 1.0], "a")]).partition("</ul>")[2]
    )
    places = [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in root.iter("circle")]
    xs, ys = zip(*places, strict=True)
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=0.2)  # logarithmic
    assert ys[0] - ys[1] == pytest.approx(ys[1] - ys[2], abs=0.2) and ys[0] > ys[2]
    assert root[0].text == "t & t"


def test_a_map_tells_sign_and_size() -> None:
    root = ElementTree.fromstring(heat_map("t", ["a", "b"], [[1.0, -0.25], [-0.25, 1.0]]))
    cells = [
        (c.attrib["class"], c.attrib["fill-opacity"]) for c in root.iter("rect") if "fill-opacity" in c.attrib
    ]
    assert cells == [("more", "1.00"), ("less", "0.50"), ("less", "0.50"), ("more", "1.00")]
    assert (
        len(list(ElementTree.fromstring(heat_map("t", ["a", "b"], [[1.0, 0.0], [0.0, 1.0]])).iter("rect")))
        == 3
    )


def test_the_command_writes_the_page_and_changes_no_library(
    tmp_path: Path, tiny_model: Path, base: BaseModel
) -> None:
    for seed in range(3):
        tiny.write_lora(tmp_path / "in" / f"s{seed}.safetensors", tiny.lora(base.layout, "x", seed=seed))
    (tmp_path / "in" / "bad.safetensors").write_text("text")
    html = tmp_path / "out" / "r.html"
    common = ["report", "--out", str(html), "--model", str(tiny_model)]
    result = CliRunner().invoke(app, [*common, "--loras", str(tmp_path / "in")])
    assert result.exit_code == 0, result.output
    assert "bad.safetensors: bad.safetensors is not a safetensors file" in result.output
    told = CliRunner().invoke(app, [*common, "--loras", str(tmp_path / "in"), "--json"])
    assert {member["name"] for member in json.loads(told.stdout)["members"]} == {"s0", "s1", "s2"}
    assert "What 3 LoRAs share" in html.read_text()
    both = [*common, "--loras", str(tmp_path), "--data-dir", str(tmp_path / "data")]
    assert "give one of them" in CliRunner().invoke(app, both).stderr
    empty = CliRunner().invoke(app, [*common, "--data-dir", str(tmp_path / "data")])
    assert empty.exit_code == 1 and "nothing to compare" in empty.stderr


def test_the_lead_says_when_copies_and_starts_flatter_it(trio: tuple[Census, Relations]) -> None:
    assert "5 of them are copies or come from one random start" in summary(*trio).splitlines()[0]
    lines = notices(*trio)
    assert sum("stranger" in line for line in lines) == 1  # one line for the pair of copies, not three
    assert "flatters" not in summary(*_measured([_lora("a", 1), _lora("b", 2)]))
