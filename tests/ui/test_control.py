"""A ControlNet on the page: found, asked for, kept with the job, written, refused, recalled."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import ControlNetModel
from PIL import Image

from eigenlorax.cases.recall import recall_text, restored
from eigenlorax.errors import InvalidRequestError
from eigenlorax.jobs.asked import from_json
from eigenlorax.jobs.drawing import GENERATE, DrawAsked
from eigenlorax.jobs.job import State
from eigenlorax.jobs.opening import open_jobs
from eigenlorax.library.controls import Controls
from eigenlorax.studio import Studio
from tests.ui.asking import form
from ui.control import choices, told
from ui.flags import parse_flags
from ui.generate import asked_from
from ui.recall_form import form_of
from ui.recall_markup import told as told_of_recall

EDGES = Image.radial_gradient("L").resize((64, 64)).convert("RGB")


@pytest.fixture(scope="module")
def studio(styled_studio: Studio) -> Studio:
    return styled_studio


@pytest.fixture(scope="module")
def edges(studio: Studio) -> str:
    """A ControlNet whose way out is open, among the studio's own; the value of the list's entry."""
    net = ControlNetModel.from_unet(studio.base.pipeline.unet)
    chance = torch.Generator().manual_seed(7)
    for part in (
        *net.controlnet_down_blocks,
        net.controlnet_mid_block,
        net.controlnet_cond_embedding.conv_out,
    ):
        for parameter in part.parameters():
            parameter.data = torch.randn(parameter.shape, generator=chance) * 0.2
    net.save_pretrained(studio.controls.own / "edges & lines")
    (studio.controls.own / "<b>.safetensors").write_bytes(b"torn")
    return dict(choices(studio.controls.look()))["edges & lines"]


def test_without_one_the_page_tells_where_they_come_from(studio: Studio) -> None:
    empty = told(studio, Controls((), ()))
    assert str(studio.controls.own) in empty and "--controlnet-dir" in empty


def test_a_picture_is_followed_kept_and_written(studio: Studio, edges: str) -> None:
    shown = told(studio, studio.controls.look())
    assert "--controlnet-dir" not in shown
    assert "&lt;b&gt;" in shown and "<b>" not in shown
    steering = {"control_image": EDGES, "control_model": edges, "control_weight": 0.8, "control_end": 0.5}
    asked = asked_from(studio, form(**steering))
    facts = json.loads(json.dumps(asked.facts))
    kept = Path(facts["request"]["control"]["image"])
    assert kept.is_relative_to(studio.library.root / "drops")
    hint = from_json(DrawAsked, facts).request.control
    assert hint is not None and hint.image.tobytes() == EDGES.tobytes()
    with open_jobs(studio) as jobs:
        waiting = [jobs.submit(GENERATE, one.facts, "") for one in (asked, asked_from(studio, form()))]
        steered, free = (jobs.wait(id, 60.0) for id in waiting)
    assert steered.state is State.DONE, steered.error
    one, other = (job.result["pictures"][0] for job in (steered, free))
    drawn = [Image.open(picture["path"]).tobytes() for picture in (one, other)]
    assert drawn[0] != drawn[1]
    assert 'ControlNet 0: "Module: none, Model: edges & lines, Weight: 0.8,' in one["parameters"]
    assert "ControlNet" not in other["parameters"]
    found = restored(studio, recall_text(one["parameters"]))
    values = form_of(found)
    assert {name: values[name] for name in values if name.startswith("control")} == {
        "control_model": edges, "control_weight": 0.8, "control_start": 0.0, "control_end": 0.5,
    }  # fmt: skip
    assert "ControlNet edges &amp; lines" in told_of_recall(found, "p.png")
    assert "control_model" not in form_of(restored(studio, recall_text(other["parameters"])))


def test_what_cannot_be_meant_is_refused(studio: Studio, edges: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="needs a ControlNet"):
        asked_from(studio, form(control_image=EDGES, control_model=" "))
    with pytest.raises(InvalidRequestError, match="before it begins"):
        asked_from(studio, form(control_image=EDGES, control_model=edges, control_start=0.6, control_end=0.5))
    assert asked_from(studio, form(control_model=edges)).facts["request"]["control"] is None
    gone = asked_from(studio, form(control_image=EDGES, control_model=str(tmp_path / "gone.safetensors")))
    with open_jobs(studio) as jobs:
        job = jobs.wait(jobs.submit(GENERATE, gone.facts, ""), 60.0)
    assert job.state is State.FAILED and "there is no ControlNet at" in job.error
    with pytest.raises(SystemExit):
        parse_flags(["--controlnet-dir", str(tmp_path / "gone")])
    assert parse_flags(["--controlnet-dir", str(tmp_path)]).control_dir == tmp_path.resolve()
