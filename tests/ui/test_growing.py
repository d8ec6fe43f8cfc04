"""LoRAs that join and bases that are fitted anew: decisions, advice and refusals in words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.jobs.asked import as_json
from eigenlorax.jobs.growing import GROW, REFIT, GrowAsked, RefitAsked
from eigenlorax.jobs.opening import open_jobs
from eigenlorax.jobs.server import JobServer
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import Wish
from tests import tiny
from tests.conftest import CPU
from tests.ui.working import done
from ui import growing_text


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path, base: BaseModel) -> Studio:
    studio = Studio(str(tiny_model), tmp_path / "data", CPU)
    few = {path: shape for path, shape in base.layout.items() if "mid_block" in path.name}
    loras = [*tiny.relatives(few, ("a", "b"), 4, 1), *tiny.relatives(few, ("x <i>", "y", "z"), 4, 400)]
    for lora in loras:
        studio.import_paths([tiny.write_lora(tmp_path / f"{lora.name}.safetensors", lora)])
    drain(studio.subspaces.compress(["a", "b"], Wish(retain=0.99)))
    return studio


@pytest.fixture
def jobs(studio: Studio) -> Iterator[JobServer]:
    with open_jobs(studio) as jobs:
        yield jobs


def test_the_decision_and_the_advice_are_words(jobs: JobServer, studio: Studio) -> None:
    found = done(jobs, GROW, as_json(GrowAsked(("x <i>", "y", "z"), 0.95)))
    told = growing_text.grown(found["decisions"], found["stored_bytes"])
    assert told.count("The shared columns held") == 3
    assert "private ranks" in told
    assert "refit is advised" in found["advice"]
    assert found["stored_bytes"] == studio.stored_bytes
    refitted = growing_text.refitted(done(jobs, REFIT, as_json(RefitAsked(0.95))), 1.5)
    assert refitted.startswith("5 styles were fitted anew")
    assert refitted.endswith("It took 1.5 s.")


def test_refusals(jobs: JobServer) -> None:
    with pytest.raises(InvalidRequestError, match="choose the LoRAs"):
        jobs.submit(GROW, as_json(GrowAsked(())), "grow")
    with pytest.raises(InvalidRequestError, match=r"retain is 1\.5"):
        jobs.submit(REFIT, as_json(RefitAsked(1.5)), "refit")
    failed = jobs.wait(jobs.submit(GROW, as_json(GrowAsked(("nobody",))), "grow"), 60.0)
    assert "no usable LoRA named nobody" in failed.error
