"""Two pictures of one prompt and seed as a job: a style against its LoRA, or against no style."""

import time
from dataclasses import dataclass, replace

from eigenlorax.errors import InvalidRequestError
from eigenlorax.jobs.asked import from_json
from eigenlorax.jobs.drawing import drawn
from eigenlorax.jobs.job import Facts, Work, Worker
from eigenlorax.recipe import GenerationRequest
from eigenlorax.studio import Studio

COMPARE = "compare"
BESIDE = "beside"
"""The same, shown beside the library."""


@dataclass(frozen=True)
class CompareAsked:
    """What to draw twice.

    Attributes:
        request: Of one picture, with the styles on the right.
        lora: Whose original is drawn on the left, at the strength of its style; empty for the base model.
    """

    request: GenerationRequest
    lora: str = ""


def comparing(studio: Studio) -> Worker:
    """Draws and saves the left picture, then the right one.

    The result: `sides`, the two of them, each as `drawing_facts` with its `seconds`.
    """

    def run(facts: Facts) -> Work:
        asked = _read(facts)
        request, name = asked.request, asked.lora
        bare = replace(request, styles={}, dials={})
        if name:
            left = studio.generate_with_lora(request, name, request.styles[name])
        else:
            left = studio.generate(bare)
        sides = []
        for work, what in ((left, _left_words(name)), (studio.generate(request), "the styles")):
            began = time.monotonic()
            side: Facts = yield from drawn(work, request, what)
            sides.append({**side, "seconds": time.monotonic() - began})
        return {"sides": sides}

    return Worker(run, _read)


def _left_words(name: str) -> str:
    return f"the original LoRA {name}" if name else "no style"


def _read(facts: Facts) -> CompareAsked:
    asked = from_json(CompareAsked, facts)
    asked.request.check()
    if asked.lora and asked.lora not in asked.request.styles:
        raise InvalidRequestError(f"styles has no strength for {asked.lora}: give it one")
    if asked.request.batch != 1:
        raise InvalidRequestError("batch is not 1: two single pictures are compared")
    return asked
