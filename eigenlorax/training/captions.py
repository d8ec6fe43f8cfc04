"""What each picture is said to show: by a text beside it, its file's name or a template; editable."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Protocol, runtime_checkable

from PIL import Image

from eigenlorax.errors import InvalidRequestError
from eigenlorax.training.pictures import Taken, picture_of

_MOST_BYTES = 64 * 1024
_WITH_SUBJECT = "a picture of {subject}, {trigger}"
_WITHOUT_SUBJECT = "a picture, {trigger}"
#: What cameras, browsers and programs put at the ends of names.
_NOISE = frozenset({
    "img", "image", "imag", "imgp", "dsc", "dscn", "dscf", "dcim", "pxl", "mvimg", "gopr", "photo",
    "photos", "picture", "pictures", "pic", "pics", "screenshot", "screen", "shot", "scan", "untitled",
    "unnamed", "download", "downloads", "file", "copy", "of", "final", "new", "tmp", "temp", "whatsapp",
    "whats", "app", "signal", "telegram", "received", "comfyui", "wa", "vid", "frame", "snapchat", "fb", "at",
    "edited",
    "cropped", "resized", "original", "output", "grid", "jpg", "jpeg", "png", "webp", "gif", "version",
    "ver", "px", "hd", "hq", "uhd", "am", "pm",
})  # fmt: skip


class Origin(Enum):
    """Where a caption is from, in words for the user."""

    BESIDE = "the text beside it"
    CAPTIONER = "the captioner"
    NAME = "its file's name"
    TEMPLATE = "the template"
    EDITED = "edited"


@dataclass(frozen=True)
class Caption:
    """One row of the table of captions."""

    file: Path
    text: str
    origin: Origin


@dataclass(frozen=True)
class Wording:
    """How captions are made where nobody wrote one.

    Attributes:
        trigger: The word, or words, that stand for the style; part of every caption.
        subject: What all pictures show, such as "a dog"; empty where they show different things.
        template: With {trigger} and, if it likes, {subject}; empty for one that suits the subject.
    """

    trigger: str
    subject: str = ""
    template: str = ""

    @property
    def text(self) -> str:
        """The template filled in.

        Raises:
            InvalidRequestError: there is no trigger, or the template asks for a subject that is not given.
        """
        trigger, subject = _tidy(self.trigger), _tidy(self.subject)
        if not trigger:
            raise InvalidRequestError("a trigger word is missing: give a word that stands for the style")
        template = self.template or (_WITH_SUBJECT if subject else _WITHOUT_SUBJECT)
        if "{subject}" in template and not subject:
            raise InvalidRequestError("the template asks for {subject}: say what the pictures show")
        # In one pass: a subject that is itself written "{trigger}" stays what it is.
        given = {"{subject}": subject, "{trigger}": trigger}
        filled = re.sub(r"\{(?:subject|trigger)\}", lambda found: given[found.group()], template)
        return _with_trigger(_tidy(filled), trigger)


@runtime_checkable
class Captioner(Protocol):
    """A tagger or captioner of the user's own; none is built in, and none is asked unless it is given."""

    def describe(self, picture: Image.Image) -> str:
        """Words or comma-separated tags for an RGB picture; empty where it has none."""


def captions_of(
    pictures: Iterable[Taken], wording: Wording, captioner: Captioner | None = None
) -> tuple[Caption, ...]:
    """A caption for each picture: the text beside it, the captioner's, its name in words, or the template.

    Raises:
        InvalidRequestError: the wording cannot be used.
        InvalidFileError: a picture that the captioner is to see was changed.
    """
    return worded(own_words(pictures, captioner), wording)


def own_words(pictures: Iterable[Taken], captioner: Captioner | None = None) -> tuple[Caption, ...]:
    """The same before the trigger comes in, as a person edits it; empty where the template will speak.

    Raises:
        InvalidFileError: a picture that the captioner is to see was changed.
    """
    return tuple(_caption(taken, captioner) for taken in pictures)


def worded(captions: Iterable[Caption], wording: Wording) -> tuple[Caption, ...]:
    """Captions as they are learnt from: each with the trigger, the template in place of empty ones.

    Raises:
        InvalidRequestError: the wording cannot be used.
    """
    template, trigger = wording.text, _tidy(wording.trigger)

    def text(caption: Caption) -> str:
        words = _tidy(caption.text)
        return _with_trigger(words, trigger) if words else template

    return tuple(replace(caption, text=text(caption)) for caption in captions)


def name_in_words(path: Path) -> str:
    """A file's name as words; empty for names that cameras and programs make, and for hashes."""
    spaced = re.sub(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ][a-zß-ÿ])", " ", path.stem)
    tokens = [re.sub(r"(?<=[^\W\d_])\d{1,4}$", "", token) for token in re.split(r"[\W_]+", spaced) if token]
    if any(re.search(r"\d", token) and re.search(r"[^\W\d]", token) for token in tokens):
        return ""  # letters among digits: a hash, or a number that a program gave
    words = [token for token in tokens if not token.isdigit()]
    while words and words[0].lower() in _NOISE:
        words.pop(0)
    while words and words[-1].lower() in _NOISE:
        words.pop()
    if not any(_is_word(word) for word in words):
        return ""
    return " ".join(words)


def _is_word(token: str) -> bool:
    """Three letters or more, with a vowel where the script is Latin, and not cased like random letters."""
    if not token.isascii():
        return len(token) > 1
    shouted = len(re.findall(r"[a-z][A-Z]", token)) > 1
    return len(token) > 2 and re.search(r"[aeiouy]", token.lower()) is not None and not shouted


def _caption(taken: Taken, captioner: Captioner | None) -> Caption:
    if text := _beside(taken.caption_file):
        return Caption(taken.path, text, Origin.BESIDE)
    if captioner is not None and (text := _tags(captioner.describe(picture_of(taken)))):
        return Caption(taken.path, text, Origin.CAPTIONER)
    if text := name_in_words(taken.path):
        return Caption(taken.path, text, Origin.NAME)
    return Caption(taken.path, "", Origin.TEMPLATE)


def _beside(path: Path | None) -> str:
    """What a caption file says; empty for none, an empty one, and one that is too long or cannot be read."""
    if path is None:
        return ""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError:
        return ""
    return "" if len(content) > _MOST_BYTES else _tags(_text(content))


def _text(content: bytes) -> str:
    """As editors on any system write it; empty for what is no text."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content:
        return ""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _tags(text: str) -> str:
    r"""Lines joined; empty and repeated tags dropped; `long_hair` and `\(series\)` as they are prompted for.

    Source: kohya-ss/sd-scripts: underscores of tags of up to three characters belong to faces such as ^_^.
    """
    parts = (_tidy(part) for part in text.replace("\n", ",").split(","))
    plain = (re.sub(r"\\([()])", r"\1", part) for part in parts)
    words = (re.sub(r"(?<=\w)_(?=[\w(])", " ", part) if len(part) > 3 else part for part in plain)
    return ", ".join(dict.fromkeys(part for part in words if part))


def _tidy(text: str) -> str:
    return " ".join(text.split()).strip(" ,")


def _with_trigger(text: str, trigger: str) -> str:
    """The text with the trigger in it: in front, where no text encoder's limit cuts it off."""
    if re.search(rf"(?<!\w){re.escape(trigger)}(?!\w)", text, re.IGNORECASE):
        return text
    return f"{trigger}, {text}" if text else trigger
