"""Figures of pictures stay with the very numbers they were measured of."""

from dataclasses import replace
from pathlib import Path

from eigenlorax.library.figures import figures_path, keep_figure, load_figures
from eigenlorax.likeness import StyleLikeness
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.kept_cores import KeptCores
from eigenlorax.subspace.style import Style

FIGURE = StyleLikeness(0.1, 0.2, 0.9, 0.3, ("a cat", "a dog"), (1, 2), 20)


def _style(name: str, kept: float = 0.9) -> Style:
    return Style(name, KeptCores(), "home", Fidelity(kept, "", 1.0, 0, 10), source_sha256=name)


def test_they_come_back_for_the_same_style_on_the_same_base_only(tmp_path: Path) -> None:
    path = figures_path(tmp_path, "0123456789abcdef")
    assert load_figures(path, {"a": _style("a")}, "base") == {}
    keep_figure(path, _style("a"), "base", FIGURE)
    keep_figure(path, _style("b"), "base", replace(FIGURE, rms=0.3))
    keep_figure(path, _style("b"), "base", replace(FIGURE, rms=0.4))
    assert path.parent == tmp_path / "subspaces" / "0123456789ab"
    found = load_figures(path, {"a": _style("a"), "b": _style("b"), "c": _style("c")}, "base")
    assert found == {"a": FIGURE, "b": replace(FIGURE, rms=0.4)}
    assert load_figures(path, {"a": _style("a")}, "other base") == {}
    changed = {
        "a": replace(_style("a"), notes={"calibrated": "50 steps"}), "b": _style("b", 0.8),
        "c": replace(_style("a"), subspace="elsewhere"),
    }  # fmt: skip
    assert load_figures(path, changed, "base") == {}


def test_a_damaged_file_holds_none_and_is_mended(tmp_path: Path) -> None:
    path = figures_path(tmp_path, "x" * 20)
    keep_figure(path, _style("a"), "base", FIGURE)
    whole = path.read_text()
    for damaged in (
        whole[:40],
        "[1]",
        '{"styles": 3}',
        whole.replace('"rms"', '"no"'),
        whole.replace("0.9", '"x"'),
    ):
        path.write_text(damaged)
        assert load_figures(path, {"a": _style("a")}, "base") == {}
    keep_figure(path, _style("a"), "base", FIGURE)
    assert load_figures(path, {"a": _style("a")}, "base") == {"a": FIGURE}
