"""Teaching as a user meets it: pictures in, a style in the rack, the others as they were; stopped and resumed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from eigenlorax.cli import app
from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.studio import Studio
from eigenlorax.subspaces.teaching import TaughtStyle, TeachRequest
from eigenlorax.training.captions import Wording
from eigenlorax.training.teach import TeachingStep
from eigenlorax.training.teach_settings import TeachSettings
from tests.subspaces.cases import PIXEL_TOLERANCE, difference, picture

QUICK = TeachSettings(steps=4, rows=2, check=2, mixing=2, patience=0)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    chance = torch.Generator().manual_seed(1)
    for number, word in enumerate(["red apple", "green tree", "blue car", "grey cat", "old house"]):
        colour = tuple(torch.randint(256, (3,), generator=chance).tolist())
        Image.new("RGB", (80 + 8 * number, 80), colour).save(folder / f"{word}.png")
    (folder / "notes.pdf").write_bytes(b"%PDF")
    return folder


def request(pictures: Path, name: str = "mine") -> TeachRequest:
    return TeachRequest(name, [pictures], Wording("zyx"), QUICK, columns=4, sample_every=0)


def test_a_taught_style_is_in_the_rack_and_the_others_draw_what_they_drew(
    studio: Studio, pictures: Path
) -> None:
    before = picture(studio)
    made: TaughtStyle = drain(studio.growth.teach(request(pictures)))
    assert made.pictures == (4, 1)
    assert [one.path.name for one in made.left_out] == ["notes.pdf"]
    assert made.taught.after <= made.taught.before
    style = studio.styles["mine"]
    assert style.trigger_words == ("zyx",)
    assert "held-out error" in style.notes["teaching"]
    assert style.fidelity.style_bytes > 0
    assert difference(picture(studio), before) <= PIXEL_TOLERANCE
    if any(kept.core.abs().sum() for kept in style.cores.kept.values()):
        assert difference(picture(studio, "mine"), before) > 0
    drawn = picture(studio, "mine")
    compressed = drain(studio.subspaces.compress())
    assert compressed.carried == ("mine",)
    assert {"a", "b", "c", "own", "mine"} <= set(studio.styles)
    assert difference(picture(studio, "mine"), drawn) <= 6
    again = drain(studio.growth.teach(request(pictures, "other")))
    once_more = drain(studio.growth.teach(request(pictures, "third")))  # the columns are there already
    assert once_more.style.subspace == again.style.subspace


def test_stopped_it_goes_on_where_it_was_and_the_version_stays(studio: Studio, pictures: Path) -> None:
    names, going, seen = set(studio.styles), studio.growth.teach(request(pictures)), []
    for event in going:
        if isinstance(event, TeachingStep):
            seen.append(event)
            if event.reached is not None:
                break
    going.close()
    assert set(studio.styles) == names
    events = list(studio.growth.teach(request(pictures)))
    steps = [event for event in events if isinstance(event, TeachingStep) and event.what == "learning"]
    assert [step.done - steps[0].done for step in steps] == [0, 1]  # two of four were done
    assert "mine" in studio.styles


def test_what_cannot_be_taught_is_refused(studio: Studio, pictures: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    asked = request(pictures)
    for wrong, said in (
        (replace(asked, name="a"), "a style named a already"),
        (replace(asked, name=" "), "has no name"),
        (replace(asked, sources=[empty]), "no picture"),
        (replace(asked, settings=replace(QUICK, steps=0)), "steps is 0"),
        (replace(asked, wording=Wording("")), "trigger"),
    ):
        with pytest.raises(InvalidRequestError, match=said):
            drain(studio.growth.teach(wrong))
    assert "mine" not in studio.styles


def test_the_command(studio: Studio, pictures: Path, tiny_model: Path) -> None:
    arguments = ["train", str(pictures), "--name", "mine", "--trigger", "zyx", "--steps", "2", "--rows", "2"]
    arguments += [
        "--columns",
        "4",
        "--data-dir",
        str(studio.library.root),
        "--model",
        str(tiny_model),
        "--json",
    ]
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout[told.stdout.index("{") :])
    assert found["pictures"] == [4, 1]
    assert found["after"] <= found["start"]
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 1
    assert "already" in refused.output
