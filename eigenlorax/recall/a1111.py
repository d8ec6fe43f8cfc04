"""A1111's infotext, and what Forge, SD.Next, Fooocus, Civitai and this program make of it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from eigenlorax.dials import StyleDials
from eigenlorax.recall.bounded import MOST_TEXT, listed, mapping, number, text, unread, whole
from eigenlorax.recall.control_text import control_from
from eigenlorax.recall.dials_text import dials_from
from eigenlorax.recall.recalled import (
    Own,
    Recalled,
    RecalledControl,
    RecalledHires,
    RecalledLora,
    Settings,
    hashed,
    hex_of,
    stem_of,
)
from eigenlorax.recall.sizes import size_of
from eigenlorax.recall.tags import hashes_from, lora_tags, split_tags

NEGATIVE = "Negative prompt:"
OWN_PROGRAM = "EigenLoRAx Studio"
_LEAST_PAIRS = 3
_KEY = re.compile(r"\w[\w \-/]+")
_QUOTED = re.compile(r'"(?:\\.|[^\\"])+"')
_DECODER = json.JSONDecoder()


def pairs_of(line: str) -> Iterator[tuple[str, str]]:
    """The pairs of a line of settings, in time that grows with its length alone.

    A bare key, which A1111 writes where key and value are the same, gives itself. Values are quoted as JSON,
    or JSON as Civitai has them, or end at the next comma.

    Source: AUTOMATIC1111, modules/infotext_utils.py (re_param).
    """
    place, end, patient = 0, len(line), True
    while place < end:
        comma = _comma(line, place)
        colon = line.find(":", place, comma)
        if colon < 0:
            if (bare := line[place:comma].strip()) and _KEY.fullmatch(bare):
                yield bare, bare
            place = comma + 1
            continue
        key, start = line[place:colon].strip(), colon + 1
        while start < end and line[start] == " ":
            start += 1
        value, place, patient = _value(line, start, patient)
        if _KEY.fullmatch(key):
            yield key, value


def _value(line: str, start: int, patient: bool) -> tuple[str, int, bool]:
    """A value, where the next pair begins, and whether JSON is still worth a try: broken JSON is met once."""
    value, stop = "", -1
    if match := _QUOTED.match(line, start):
        stop = match.end()
        try:
            value = json.loads(match.group())
        except ValueError:
            value = match.group()
    elif patient and line[start : start + 1] in ("[", "{"):
        try:
            stop = _DECODER.raw_decode(line, start)[1]
            value = line[start:stop]
        except (ValueError, RecursionError):
            patient = False
    comma = _comma(line, max(start, stop))
    if stop < 0 or line[stop:comma].strip():
        comma = _comma(line, start)
        value = line[start:comma].strip()
    return value, comma + 1, patient


def _comma(line: str, start: int) -> int:
    """Where the next comma is, or the end."""
    place = line.find(",", start)
    return len(line) if place < 0 else place


def looks_like_infotext(words: str) -> bool:
    """Whether a text holds settings, as the last line of an infotext does."""
    return bool(_split(words[:MOST_TEXT])[2])


def read_a1111(words: str) -> Recalled:
    """An infotext; a text without settings is a prompt.

    Args:
        words: At most MOST_TEXT characters of it are read.
    """
    prompt, negative, line = _split(words[:MOST_TEXT])
    pairs = dict(pairs_of(line))
    left = dict(pairs)
    size, hires = _settings_sizes(left)
    settings = Settings(
        steps=whole(left.pop("Steps", None)),
        sampler=left.pop("Sampler", ""),
        schedule=_schedule(left),
        guidance=number(left.pop("CFG scale", None)),
        seed=whole(left.pop("Seed", None)),
        width=size[0],
        height=size[1],
        clip_skip=whole(left.pop("Clip skip", None)),
        variation_seed=whole(left.pop("Variation seed", None)),
        variation_strength=number(left.pop("Variation seed strength", None)),
        guidance_rescale=number(left.pop("CFG Rescale", left.pop("CFG rescale", None))),
        # A picture of a batch is drawn again by its own seed alone.
        batch=None if left.pop("Batch pos", None) else whole(left.pop("Batch size", None)),
        denoise=number(left.pop("Denoising strength", None)),
        mask_blur=whole(left.pop("Mask blur", None)),
        mask_fill=left.pop("Masked content", ""),
        hires=hires,
    )
    source = _source(left)
    own, control = _own(left), _control(left)
    prompt, loras = _loras(prompt, left, own.dials)
    return Recalled(
        source,
        split_tags(left.pop("Raw prompt", ""))[0] or prompt,
        left.pop("Raw negative prompt", negative),
        settings,
        loras,
        stem_of(left.pop("Model", "")),
        hex_of(left.pop("Model hash", "")),
        unread(left),
        own,
        control,
    )


def parameters_of(words: str) -> dict[str, str]:
    """An infotext by A1111's own keys, prompts and the two sides of each size among them.

    Source: AUTOMATIC1111, modules/infotext_utils.py (parse_generation_parameters).

    Args:
        words: As `read_a1111`.
    """
    prompt, negative, line = _split(words[:MOST_TEXT])
    found = {"Prompt": prompt, "Negative prompt": negative} if words.strip() else {}
    for key, value in pairs_of(line):
        if sides := size_of(value):
            found |= {f"{key}-1": str(sides[0]), f"{key}-2": str(sides[1])}
        else:
            found[key] = value
    return found


def _split(words: str) -> tuple[str, str, str]:
    """Prompt, negative prompt and the line of settings, each stripped."""
    lines = words.strip().replace("\r\n", "\n").split("\n")
    # Some programs break the settings into several lines.
    starts = [place for place, line in enumerate(lines) if re.match(r"\s*Steps: ?\d", line)]
    place = starts[-1] if starts else len(lines) - 1
    settings = " ".join(line.strip() for line in lines[place:])
    lines, settings = (lines[:place], settings) if _is_settings(settings) else (lines, "")
    begin = next((at for at, line in enumerate(lines) if line.lstrip().startswith(NEGATIVE)), len(lines))
    negative = "\n".join(lines[begin:]).strip().removeprefix(NEGATIVE).strip()
    return "\n".join(lines[:begin]).strip(), negative, settings


def _is_settings(line: str) -> bool:
    return sum(1 for key, value in pairs_of(line) if key != value) >= _LEAST_PAIRS


def _settings_sizes(left: dict[str, str]) -> tuple[tuple[int | None, int | None], RecalledHires | None]:
    size, resized = size_of(left.pop("Size", "")), size_of(left.pop("Hires resize", ""))
    if first := size_of(left.pop("First pass size", "")):
        # Before 2023 the size was that of the second pass.
        size, resized = first, size
    scale = number(left.pop("Hires upscale", None))
    steps, upscaler = whole(left.pop("Hires steps", None)), left.pop("Hires upscaler", "")
    if scale is None and not resized and not upscaler:
        return size or (None, None), None
    width, height = resized or (None, None)
    return size or (None, None), RecalledHires(scale, width, height, steps, upscaler)


def _schedule(left: dict[str, str]) -> str:
    return left.pop("Schedule type", "") or left.pop("Scheduler", "")


def _source(left: dict[str, str]) -> str:
    """The program, by what it says of its version."""
    version, app = left.pop("Version", ""), left.pop("App", "")
    if version.startswith(OWN_PROGRAM):
        return OWN_PROGRAM
    if app:
        return app
    if version.startswith("Fooocus"):
        return "Fooocus"
    if re.match(r"f\d|neo", version):
        return "Forge"
    if version == "ComfyUI":
        return version
    return "Civitai" if "Civitai resources" in left else "A1111"


def _own(left: dict[str, str]) -> Own:
    """What only this program writes; dials that cannot be meant stay unread."""
    dials = dials_from(left.get("Eigen dials", ""))
    if dials:
        left.pop("Eigen dials")
    return Own(left.pop("Eigen sampler", "") != "", hex_of(left.pop("Eigen basis", "")), dials)


def _control(left: dict[str, str]) -> RecalledControl | None:
    """The first ControlNet that can be read; further ones stay unread."""
    for key in sorted(key for key in left if key.startswith("ControlNet")):
        if found := control_from(left[key]):
            left.pop(key)
            return found
    return None


def _strengths(words: str) -> dict[str, float] | None:
    told = _json(words)
    if not isinstance(told, dict):
        return None
    found = {name: strength for name, value in told.items() if (strength := number(value)) is not None}
    return found if len(found) == len(told) else None


def _json(words: str) -> Any:
    try:
        return json.loads(words)
    except (ValueError, RecursionError):
        return None


def _loras(prompt: str, left: dict[str, str], dials: StyleDials) -> tuple[str, tuple[RecalledLora, ...]]:
    hashes = {name: hex_of(digest) for name, digest in hashes_from(left.pop("Lora hashes", "")).items()}
    styles = _strengths(left.get("Eigen styles", ""))
    if styles is not None and prompt.endswith(tail := lora_tags(styles, dials)):
        left.pop("Eigen styles")
        told = tuple(RecalledLora(name, strength) for name, strength in styles.items())
        return prompt[: len(prompt) - len(tail)], hashed(told, hashes)
    prompt, loras = split_tags(prompt)
    return prompt, hashed(loras or _listed(left, hashes), hashes)


def _listed(left: dict[str, str], hashes: Mapping[str, str]) -> tuple[RecalledLora, ...]:
    """LoRAs that stand among the settings, not in the prompt: Fooocus, SD.Next, Civitai."""
    if weights := left.pop("Lora weights", ""):
        told = hashes_from(weights)
        return tuple(RecalledLora(stem_of(name), number(told[name]) or 0.0) for name in told)
    if networks := left.pop("LoRA networks", ""):
        parts = (part.strip().split(":") for part in networks.split(","))
        return tuple(
            RecalledLora(stem_of(part[0]), s if len(part) > 1 and (s := number(part[1])) is not None else 1.0)
            for part in parts
            if part[0]
        )
    resources = [mapping(one) for one in listed(_json(left.get("Civitai resources", "")))]
    found = tuple(
        RecalledLora(text(one.get("modelName")), 1.0 if (w := number(one.get("weight"))) is None else w)
        for one in resources
        if one.get("type") in ("lora", "lycoris") and text(one.get("modelName"))
    )
    return found or tuple(RecalledLora(name, 1.0) for name in hashes)
