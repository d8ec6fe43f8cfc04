"""The use case of drawing a picture again: what it says of itself, against the styles that are here."""

from dataclasses import replace
from pathlib import Path

from eigenlorax.errors import InvalidFileError
from eigenlorax.recall.carriers import MOST_BYTES
from eigenlorax.recall.read import recall, recall_text
from eigenlorax.recall.recalled import Recalled
from eigenlorax.recall.restore import Here, Restored, restore
from eigenlorax.recall.shelf import Shelved, digits_of
from eigenlorax.studio import Studio


def recall_file(path: Path) -> Recalled:
    """What a picture, or the text file beside one, says of how it was drawn.

    Raises:
        InvalidFileError: it cannot be read, or carries no settings.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InvalidFileError(f"{path.name} is larger than any picture: choose the picture itself")
        content = path.read_bytes()
    except OSError as error:
        raise InvalidFileError(f"{path} cannot be read ({error.strerror}): choose another file") from error
    return recall(content, path.name)


def restored(studio: Studio, recalled: Recalled) -> Restored:
    """The request that draws it again here, as far as the styles and samplers that are here allow."""
    found = here(studio)
    known = {one.name for one in found.shelf}
    derived = [
        Shelved(lora.name, True)
        for lora in recalled.loras
        if lora.name not in known and studio.blending.can_make(lora.name)
    ]
    return restore(recalled, replace(found, shelf=[*found.shelf, *derived]))


def here(studio: Studio) -> Here:
    """What a studio has to draw with. Nothing is hashed for it: what is known of files is looked up."""
    hashes, styles = studio.library.hashes, studio.styles
    reports = {entry.report.name: entry.report for entry in studio.entries()}
    shelf = [
        Shelved(
            name,
            True,
            (reports[name].title,) if name in reports else (),
            digits_of(hashes.of_sha256(style.source_sha256), style.source_sha256),
        )
        for name, style in styles.items()
    ]
    shelf += [
        Shelved(name, False, (report.title,), digits_of(hashes.known(report.path)))
        for name, report in reports.items()
        if name not in styles
    ]
    basis = next((style.subspace for style in styles.values()), "")
    controls = {name: str(path) for name, path in studio.controls.look().usable.items()}
    return Here(studio.base.name, studio.base.native_size, basis, shelf, controls)


__all__ = ["Recalled", "Restored", "here", "recall_file", "recall_text", "restored"]
