"""The Train tab's form as the request of a job."""

from collections.abc import Mapping
from typing import Any

from eigenlorax.errors import InvalidRequestError
from eigenlorax.studio import Studio
from eigenlorax.training.captions import Wording, worded
from ui import train_text
from ui.train_pictures import captions_from
from ui.train_settings import settings_from, whole


def asked_from(studio: Studio, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the job server's worker is given, as JSON.

    Raises:
        InvalidRequestError: there is no subspace to learn in, no picture, or no trigger word.
    """
    rows = captions_from(values["pictures"])
    if not studio.styles:
        raise InvalidRequestError(train_text.NO_SUBSPACE)
    if not rows:
        raise InvalidRequestError(train_text.NO_PICTURE)
    trigger, subject = values["trigger"] or "", values["subject"] or ""
    captions = worded(rows, Wording(trigger, subject))
    lines = (line.strip() for line in (values["samples"] or "").splitlines())
    return {
        "name": (values["name"] or "").strip(),
        "sources": [str(caption.file) for caption in captions],
        "trigger": trigger.strip(),
        "subject": subject.strip(),
        "preset": values["preset"],
        "settings": settings_from(values),
        "columns": whole("columns", values["columns"]),
        "mirrors": bool(values["mirrors"]),
        "captions": [{"file": str(caption.file), "text": caption.text} for caption in captions],
        "samples": [line for line in lines if line],
        "sample_every": whole("sample_every", values["sample_every"]),
    }
