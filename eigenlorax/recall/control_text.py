"""A ControlNet as it stands in a picture's text, in the words of A1111's extension."""

import re

from eigenlorax.recall.bounded import number
from eigenlorax.recall.recalled import RecalledControl, stem_of
from eigenlorax.recall.tags import exact
from eigenlorax.recipe import ControlHint

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_DIFFUSERS = "diffusion_pytorch_model"
_HASH = re.compile(r"\s*\[[0-9a-fA-F]+\]$")
_SPAN = re.compile(r"starting/ending: \(([\d.]+), ?([\d.]+)\)", re.IGNORECASE)


def control_text(hint: ControlHint) -> str:
    """What a ControlNet did; the model by its name, so that no folder of one's own is told.

    Source: Mikubill/sd-webui-controlnet, scripts/infotext.py and internal_controlnet/external_code.py.
    """
    return (
        f"Module: none, Model: {_plain(control_name(hint.model))}, Weight: {exact(hint.scale)}, Resize Mode: "
        f"Just Resize, Guidance Start: {exact(hint.start)}, Guidance End: {exact(hint.end)}, "
        "Control Mode: Balanced"
    )


def control_name(model: str) -> str:
    """What a ControlNet is called elsewhere too: a hub id as it is, of a file its name alone.

    A file that has diffusers' usual name is called as its folder.
    """
    if is_hub_id(model):
        return model
    name, folder = stem_of(model), stem_of(model.replace("\\", "/").rpartition("/")[0])
    return folder if folder and name.startswith(_DIFFUSERS) else name


def is_hub_id(model: str) -> bool:
    """Whether this names a model of a hub, by its form."""
    return bool(_HUB_ID.fullmatch(model)) and not model.endswith(".safetensors") and model[0] not in "./~"


def control_from(words: str) -> RecalledControl | None:
    """What a text of the extension tells, old or new; None where it names no model."""
    model = _HASH.sub("", _part(words, "Model"))
    if not model or model.lower() == "none":
        return None
    module = _part(words, "Module") or _part(words, "preprocessor")
    span = _SPAN.search(words)
    start, end = (number(one) for one in span.groups()) if span else (None, None)
    return RecalledControl(
        model,
        _number(words, "Weight", 1.0),
        _number(words, "Guidance Start", 0.0) if start is None else start,
        _number(words, "Guidance End", 1.0) if end is None else end,
        "" if module.lower() == "none" else module,
    )


def _part(words: str, name: str) -> str:
    match = re.search(rf"(?:^|, ){re.escape(name)}: ([^,]*)", words, re.IGNORECASE)
    return match[1].strip() if match else ""


def _number(words: str, name: str, usual: float) -> float:
    found = number(_part(words, name))
    return usual if found is None else found


def _plain(name: str) -> str:
    """Commas end a value in the extension's grammar."""
    return name.replace(",", " ")
