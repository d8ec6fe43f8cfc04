"""What is told of styles where a person meets them: at compressing, at joining, in JSON, report and table."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eigenlorax.cli import app
from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.library.figures import figures_path, keep_figure
from eigenlorax.likeness import StyleLikeness
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import Wish
from tests import tiny
from tests.conftest import CPU
from ui import markup
from ui.fidelity_words import fidelity_facts

HOSTILE = "<i>cat"
TAGS = {"ss_tag_frequency": json.dumps({"10_x": {"gore": 4}})}


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path, base: BaseModel) -> Studio:
    """Three relatives, and one LoRA whose training tags name gore."""
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    for lora in [
        *tiny.relatives(base.layout, ("a", "b", "my_Cat"), 4, 1),
        tiny.lora(base.layout, "red", 8, 7),
    ]:
        metadata = TAGS if lora.name == "red" else {}
        studio.import_paths([tiny.write_lora(tmp_path / f"{lora.name}.safetensors", lora, metadata=metadata)])
    return studio


def test_excluded_loras_are_no_styles_and_the_subspace_says_why(studio: Studio, tiny_model: Path) -> None:
    made = drain(
        studio.subspaces.compress(
            wish=Wish(
                exclude=(
                    "gore",
                    "cat",
                    "nothing",
                )
            )
        )
    )
    assert made.styles.keys() == {"a", "b"}
    assert made.excluded == {"my_Cat": "excluded by the word 'cat'", "red": "excluded by the word 'gore'"}
    again = Studio(str(tiny_model), studio.library.root, CPU)
    assert again.subspaces.excluded == made.excluded
    told = markup.current_subspace(again)
    assert "my_Cat (excluded by the word &#x27;cat&#x27;)" in told
    with pytest.raises(InvalidRequestError, match="every LoRA is excluded"):
        drain(again.subspaces.compress(["red"], Wish(exclude=("gore",))))
    assert again.styles.keys() == {"a", "b"}


def test_peers_are_measured_at_compressing_and_at_joining_and_kept(studio: Studio, tiny_model: Path) -> None:
    styles = drain(studio.subspaces.compress(["a", "b", "my_Cat"], Wish(retain=0.99))).styles
    for style in styles.values():
        f = style.fidelity
        assert f.own_error is not None and f.alone_error is not None and f.shared_kept is not None
        assert f.random_kept is not None and f.shared_kept > 5 * f.random_kept
        assert f.own_error <= f.weight_error + 1e-4
        assert f.alone_error > 2 * f.weight_error and not f.loses  # relatives: sharing pays
    joined = studio.growth.add("red", retain=0.8).style
    assert joined.fidelity.alone_error is not None and joined.fidelity.alone_bytes > 0
    again = Studio(str(tiny_model), studio.library.root, CPU)
    assert {name: s.fidelity for name, s in again.styles.items()} == {
        name: s.fidelity for name, s in studio.styles.items()
    }
    events = studio.subspaces.compress(["a", "b", "my_Cat"])
    last = [event for event in events if event.done == event.total]
    assert len(last) == 1 + 3  # one more for each LoRA, so that a long collection can be cancelled there too


def test_the_table_shows_few_figures_and_the_rest_on_demand(studio: Studio, tiny_model: Path) -> None:
    drain(studio.subspaces.compress(wish=Wish(retain=0.9)))
    figure = StyleLikeness(0.05, 0.25, 0.9, 0.5, (HOSTILE,), (3,), 5)
    path = figures_path(studio.library.root, studio.base.layout_hash)
    keep_figure(path, studio.styles["a"], studio.base.name, figure)
    told = markup.current_subspace(Studio(str(tiny_model), studio.library.root, CPU))
    assert told.count('<td class="num">20%</td>') == 1 and told.count("<details>") == 4
    assert "&lt;i&gt;cat; seed 3; 5 steps" in told and HOSTILE not in told
    lost = replace(studio.styles["b"].fidelity, effect_error=0.5, alone_effect_error=0.4)
    row = markup.fidelity([replace(studio.styles["b"], fidelity=lost)], {})
    assert "<small>its own SVD at the same bytes is nearer</small>" in row
    labels = [label for label, _ in fidelity_facts(lost, figure)]
    assert labels[:2] == ["Verdict", "Its own SVD"] and "In pictures" in labels
    old = replace(
        lost, own_error=None, alone_error=None, shared_kept=None, random_kept=None, effect_error=None
    )
    assert [label for label, _ in fidelity_facts(old, None)] == ["Worst module", "LoRA file"]


def test_the_command_line_excludes_and_tells_every_figure(
    studio: Studio, tmp_path: Path, tiny_model: Path
) -> None:
    where = ["--data-dir", str(studio.library.root), "--model", str(tiny_model)]
    words = ["--exclude", "gore", "--exclude", "zebra"]
    result = CliRunner().invoke(app, ["compress", *where, *words])
    assert result.exit_code == 0, result.output
    assert "red: excluded by the word 'gore'" in result.output and "own bytes" in result.output
    content = json.loads(CliRunner().invoke(app, ["compress", *where, *words, "--json"]).stdout)
    assert content["excluded"] == {"red": "excluded by the word 'gore'"}
    assert content["styles"]["a"]["alone_error"] > content["styles"]["a"]["own_error"]


def test_the_report_tells_of_styles_and_draws_on_demand(
    studio: Studio, tmp_path: Path, tiny_model: Path
) -> None:
    drain(studio.subspaces.compress(wish=Wish(exclude=("gore",))))
    where = ["--data-dir", str(studio.library.root), "--model", str(tiny_model)]
    html = tmp_path / "r.html"
    common = ["report", *where, "--out", str(html)]
    result = CliRunner().invoke(app, common)
    assert result.exit_code == 0, result.output
    assert "red is outside of the subspace: excluded by the word 'gore'" in result.output
    content = json.loads(CliRunner().invoke(app, [*common, "--json"]).stdout)
    assert content["styles"].keys() == {"a", "b", "my_Cat"} and content["styles"]["a"]["pictures"] is None
    assert len(content["components"]) == 3 and content["outside"].keys() == {"red"}
    plain = html.read_text()
    assert "Each style against its LoRA" in plain and "<img" not in plain
    drawing = ["--pictures", "--prompt", "a cat", "--seed", "5", "--steps", "1"]
    result = CliRunner().invoke(app, [*common, *drawing, "--json"])
    assert result.exit_code == 0, result.output
    text = html.read_text()
    assert text.count("<img ") == 3 * 3 + 3 * 3 and "What the leading components look like" in text
    seen = json.loads(result.stdout)["styles"]["a"]["pictures"]
    assert (seen["prompts"], seen["seeds"], seen["steps"]) == (["a cat"], [5], 1)
    assert CliRunner().invoke(app, [*common, "--pictures", "--steps", "0"]).exit_code == 1
