"""The page when LoRAs join and bases are fitted anew: decisions, advice and refusals in words."""

import asyncio
from pathlib import Path

import gradio as gr
import pytest

from eigenlorax.events import drain
from eigenlorax.jobs.opening import open_jobs
from eigenlorax.jobs.server import JobServer
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import Wish
from tests import tiny
from tests.conftest import CPU
from ui import growing_text
from ui.build import build
from ui.growing import joined


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path, base: BaseModel) -> Studio:
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    few = {path: shape for path, shape in base.layout.items() if "mid_block" in path.name}
    loras = [*tiny.relatives(few, ("a", "b"), 4, 1), *tiny.relatives(few, ("x <i>", "y", "z"), 4, 400)]
    for lora in loras:
        studio.import_paths([tiny.write_lora(tmp_path / f"{lora.name}.safetensors", lora)])
    drain(studio.subspaces.compress(["a", "b"], Wish(retain=0.99)))
    return studio


def test_the_decision_and_the_advice_are_shown(studio: Studio) -> None:
    told = joined(studio, ["x <i>", "y", "z"], 0.95)
    assert told.count("The shared columns held") == 3
    assert "private ranks" in told
    assert "A refit is advised" in told
    assert "<i>" not in told and "x &lt;i&gt;" in told
    refitted = growing_text.refitted(drain(studio.growth.refit(0.95)), 1.5)
    assert refitted.startswith("5 styles were fitted anew")
    assert refitted.endswith("It took 1.5 s.")


def test_refusals_are_one_line(studio: Studio) -> None:
    # Outside of an event gradio has no page to show its toast on, and says so.
    with pytest.warns(UserWarning, match="Choose the LoRAs"):
        assert 'class="line bad"' in joined(studio, [], 0.9)
    with pytest.warns(UserWarning, match="nobody"):
        assert "no usable LoRA named nobody" in joined(studio, ["nobody"], 0.9)


def test_a_refit_leaves_the_model_to_others(studio: Studio) -> None:
    async def built(jobs: JobServer) -> gr.Blocks:
        return build(studio, jobs)

    with open_jobs(studio) as jobs:
        page = asyncio.run(built(jobs))
    events = {event.api_name: event for event in page.fns.values()}
    assert events["refit"].concurrency_id != events["generate"].concurrency_id
    assert events["grow"].concurrency_id == events["generate"].concurrency_id
