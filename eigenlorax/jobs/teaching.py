"""Teaching a style as a job."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import retold
from eigenlorax.jobs.asked import as_json, fields_from_json, from_json
from eigenlorax.jobs.job import Facts, Told, Work, Worker
from eigenlorax.studio import Studio
from eigenlorax.subspace.fit import FitProgress
from eigenlorax.subspaces.teaching import Making, TaughtStyle, TeachRequest
from eigenlorax.training.captions import Caption, Origin, Wording
from eigenlorax.training.picture_set import Prepared
from eigenlorax.training.samples import Sampled
from eigenlorax.training.teach_settings import PRESETS, TeachSettings

TRAIN = "train"


@dataclass(frozen=True)
class CaptionAsked:
    """A caption in place of the one that would be made."""

    file: Path
    text: str
    origin: Origin = Origin.EDITED


@dataclass(frozen=True)
class TeachAsked:
    """A TeachRequest as a form has it.

    Attributes:
        name: Of the new style.
        sources: Picture files, or folders of them.
        trigger, subject, template: See Wording.
        preset: One of PRESETS.
        settings: Those that differ from the preset's.
        columns, mirrors, samples, sample_every: See TeachRequest.
        captions: Empty to make them.
    """

    name: str
    sources: tuple[Path, ...]
    trigger: str
    subject: str = ""
    template: str = ""
    preset: str = "style"
    settings: Mapping[str, object] = field(default_factory=dict)
    columns: int = TeachRequest.columns
    mirrors: bool = False
    captions: tuple[CaptionAsked, ...] = ()
    samples: tuple[str, ...] = ()
    sample_every: int = TeachRequest.sample_every


def teach_request(facts: Facts) -> TeachRequest:
    """What is asked for.

    Raises:
        InvalidRequestError: a field is missing, unknown, of another type or out of range; says which.
    """
    asked = from_json(TeachAsked, facts)
    if asked.preset not in PRESETS:
        raise InvalidRequestError(f"no preset is named {asked.preset!r}: choose from {', '.join(PRESETS)}")
    settings = replace(PRESETS[asked.preset], **fields_from_json(TeachSettings, asked.settings, "settings"))
    return TeachRequest(
        asked.name,
        asked.sources,
        Wording(asked.trigger, asked.subject, asked.template),
        settings,
        asked.columns,
        asked.mirrors,
        tuple(Caption(one.file, one.text, one.origin) for one in asked.captions),
        asked.samples,
        asked.sample_every,
    )


def teaching(studio: Studio) -> Worker:
    """Teaches a style; the curves are "train" and "held" over optimiser steps, pictures "step 50 · prompt".

    The result: `name`, `trigger`, held-out errors `base`, `before` and `after`, the step `best`, how many
    `numbers` and `bytes`, a `warning` or nothing, `words`, `left_out` as [file, reason], `pictures` as
    [learnt, held out], `mixture` as donor -> share, and `seconds` since it last began to run.
    """

    def check(facts: Facts) -> None:
        request = teach_request(facts)
        request.check()
        _ = request.wording.text  # refuses what cannot be filled in
        if request.name in studio.styles:
            raise InvalidRequestError(f"there is a style named {request.name} already: choose another name")
        if not request.sources:
            raise InvalidRequestError("there are no pictures to learn from: drop some")

    def run(facts: Facts) -> Work:
        request, began, what = teach_request(facts), time.monotonic(), ""

        def tell(event: Making) -> Told:
            nonlocal what
            told = _told(event, what)
            what = told.what
            return told

        made = yield from retold(studio.growth.teach(request), tell)
        return _result(made, request, time.monotonic() - began)

    return Worker(run, check, resumable=True)


def _told(event: Making, before: str) -> Told:
    """An event as everybody sees it; pictures are drawn in the middle of the part of the work before."""
    if isinstance(event, Prepared):
        return Told(event.done, event.total, "reading the pictures")
    if isinstance(event, FitProgress):
        return Told(event.done, event.total, "making room to learn in")
    if isinstance(event, Sampled):
        labelled = zip(event.prompts, event.images, strict=True)
        pictures = tuple((f"step {event.step} · {prompt}", image) for prompt, image in labelled)
        return Told(event.done, event.total, before, pictures=pictures)
    points = {}
    if event.step and event.loss is not None:
        points["train"] = (float(event.step), event.loss)
    if event.held is not None:
        points["held"] = (float(event.step), event.held)
    return Told(event.done, event.total, event.what, points)


def _result(made: TaughtStyle, request: TeachRequest, seconds: float) -> Facts:
    taught = made.taught
    best = min(taught.held, key=lambda point: point[1])[0] if taught.held else 0
    found: dict[str, Any] = as_json(
        {
            "name": request.name,
            "trigger": request.wording.trigger,
            "base": taught.base,
            "before": taught.before,
            "after": taught.after,
            "best": best if taught.after < taught.before else 0,
            "numbers": taught.numbers,
            "bytes": made.style.fidelity.style_bytes,
            "mixture": taught.start,
            "warning": taught.warning,
            "words": made.words,
            "left_out": [(one.path.name, one.reason) for one in made.left_out],
            "pictures": made.pictures,
            "seconds": seconds,
        }
    )
    return found
