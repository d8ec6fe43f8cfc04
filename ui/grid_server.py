"""What the grid asks the server while it is looked at, each in a few milliseconds: no event, no queue."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eigenlorax.errors import StudioError
from eigenlorax.studio import Studio
from ui.thumbs import thumbnail_folder, thumbnail_url

_MOST_THUMBNAILS = 40
_MOST_ALIKE = 8
_SHOWN_ABOVE = ("Verdict", "Title", "Trigger words", "Tags", "Advised strength")

Answer = Mapping[str, Any]


def server_functions(studio: Studio) -> list[Callable[[Any], Answer]]:
    """The functions by which the grid's script calls them; each takes one JSON value.

    A refusal comes back as `{"error": words}`: the script shows it where it asked.
    """

    def thumbnails(names: Sequence[str]) -> Answer:
        """Name -> address of its thumbnail, for those that come into sight; "" where there is none."""
        wanted, folder = set(names[:_MOST_THUMBNAILS]), thumbnail_folder(studio)
        previews = {entry.report.name: entry.preview for entry in studio.entries()}
        for name, style in studio.styles.items():
            previews.setdefault(name, studio.collection.style_cover(style) if name in wanted else None)
        return {name: thumbnail_url(previews[name], folder) for name in wanted & previews.keys()}

    def details(name: str) -> Answer:
        """All facts of a LoRA as [label, words] pairs, and the styles that are like it, likest first."""
        return _answered(lambda: {"facts": _facts(studio, name), "alike": _alike(studio, name)})

    def note(asked: Mapping[str, Any]) -> Answer:
        """Keep what the user says: `name`, and `changes` by attribute."""
        return _answered(lambda: _written(studio, str(asked["name"]), asked["changes"]))

    def likeness(name: str) -> Answer:
        """Style -> cosine with the chosen one."""
        return _answered(lambda: {"alike": dict(_likeness(studio, name))})

    def relations(_: object) -> Answer:
        """Groups of LoRAs with the same weights, and pairs of styles that are nearly the same."""
        return _answered(
            lambda: {
                "twins": [list(group) for group in studio.collection.duplicates()],
                "near": [[one, other] for one, other, _ in _near(studio)],
            }
        )

    return [thumbnails, details, note, likeness, relations]


def _answered(ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except StudioError as error:
        line = " ".join(str(error).split())
        return {"error": line[:1].upper() + line[1:]}


def _facts(studio: Studio, name: str) -> list[list[str]]:
    known = {entry.report.name for entry in studio.entries()}
    facts = studio.collection.facts(name) if name in known else []
    return [[label, words] for label, words in facts if label not in _SHOWN_ABOVE]


def _written(studio: Studio, name: str, changes: Mapping[str, Any]) -> Answer:
    studio.collection.write_note(name, changes)
    return {}


def _likeness(studio: Studio, name: str) -> Mapping[str, float]:
    return studio.blending.likeness(name) if name in studio.styles else {}


def _near(studio: Studio) -> Sequence[tuple[str, str, float]]:
    return studio.blending.near_copies() if studio.styles else ()


def _alike(studio: Studio, name: str) -> list[list[Any]]:
    return [[other, cosine] for other, cosine in list(_likeness(studio, name).items())[:_MOST_ALIKE]]
