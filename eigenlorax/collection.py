"""The use cases of knowing a collection: what there is, what the user says of it, what is there twice."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eigenlorax.errors import InvalidRequestError
from eigenlorax.formats.facts import Fact, facts
from eigenlorax.library.library import Library
from eigenlorax.library.listing import Listing
from eigenlorax.library.notes import SILENT, Note, Notes
from eigenlorax.library.rendered import rendered_cover
from eigenlorax.library.twins import Twins
from eigenlorax.originals import Originals, ScanProgress
from eigenlorax.subspace.style import Style
from eigenlorax.subspaces.current import CurrentSubspace


@dataclass(frozen=True)
class LibraryEntry:
    """One LoRA of the library as the page lists it.

    Attributes:
        report: What a scan said.
        preview: Its picture: the one drawn here, else the one beside it, else the one inside it.
        style: What it was compressed into; None before.
        note: What the user says of it.
    """

    report: Listing
    preview: Path | None
    style: Style | None
    note: Note = SILENT

    @property
    def favourite(self) -> bool:
        """The user's word, else LoRA Manager's."""
        return self.report.favourite if self.note.favourite is None else self.note.favourite

    @property
    def preferred_weight(self) -> float | None:
        """The strength to switch it on with: the user's, else the file's; None when nobody says."""
        own = self.note.preferred_weight
        return self.report.preferred_weight if own is None else own

    @property
    def trigger_words(self) -> tuple[str, ...]:
        """The user's, else the file's."""
        own = self.note.trigger_words
        return self.report.trigger_words if own is None else own

    @property
    def tags(self) -> tuple[str, ...]:
        """The user's, else the file's."""
        return self.report.tags if self.note.tags is None else self.note.tags


@dataclass(frozen=True)
class InPlace:
    """A folder in place as it is listed.

    Attributes:
        root: As the user named it.
        kind: Whose it is, such as "ComfyUI".
        loras: How many files are listed.
        foreign: How many files are no LoRAs, and are not.
        troubles: What was passed over and why, in words for the user.
    """

    root: Path
    kind: str
    loras: int
    foreign: int
    troubles: tuple[str, ...]


class Collection:
    """Everything that is known of LoRAs and styles.

    Args:
        library: Where the user's own lie, and what is kept of all.
        originals: The LoRAs.
        current: The styles.
    """

    def __init__(self, library: Library, originals: Originals, current: CurrentSubspace) -> None:
        self._library, self._originals, self._current = library, originals, current
        self._notes = Notes(library.root / "notes.json")
        self._twins = Twins(library.hashes)

    def entries(self) -> list[LibraryEntry]:
        """Every LoRA, the library's own and those in place."""
        styles, notes = self._current.styles, self._notes.all()
        return [
            LibraryEntry(one, self._picture(one), styles.get(one.name), notes.get(one.name, SILENT))
            for one in self._originals.listings()
        ]

    def styles(self) -> dict[str, Style]:
        """The styles of the current subspace by name, with the trigger words that the user gave them."""
        notes = self._notes.all()
        return {name: _worded(style, notes.get(name, SILENT)) for name, style in self._current.styles.items()}

    def style_cover(self, style: Style) -> Path | None:
        """A style's picture: the one drawn here, else the one that it brings."""
        return rendered_cover(self._library.root, style.name) or self._library.style_cover(style)

    def pictured(self) -> frozenset[str]:
        """Names of LoRAs and styles that have a picture of some kind."""
        styles = self._current.styles.items()
        own = {name for name, style in styles if self.style_cover(style) is not None}
        return frozenset(own | {entry.report.name for entry in self.entries() if entry.preview})

    def note(self, name: str) -> Note:
        """What the user says of a LoRA or a style."""
        return self._notes.of(name)

    def write_note(self, name: str, changes: Mapping[str, Any]) -> Note:
        """Change some attributes of what the user says of a LoRA or a style; its files stay as they are.

        Raises:
            InvalidRequestError: an attribute that there is not, or a value that it cannot have.
            NotWrittenError: the disk refused.
        """
        return self._notes.write(name, changes)

    def folders(self) -> list[InPlace]:
        """The folders that are looked at in place."""
        return [
            InPlace(
                found.root,
                found.place.kind,
                len(found.files) - (foreign := self._originals.left_out(found)),
                foreign,
                found.troubles,
            )
            for found in self._originals.places()
        ]

    def look_in(self, folder: Path) -> Path:
        """Look at a folder in place from now on; nothing in it is copied, moved or written.

        Raises:
            InvalidRequestError: it is no folder, or cannot be one that is looked at.
            NotWrittenError: the disk refused to remember it.
        """
        return self._originals.folders.approve(folder)

    def leave(self, root: Path) -> None:
        """Look at a folder in place no longer; styles that were made of its LoRAs stay.

        Raises:
            InvalidRequestError: it is not one of them.
            NotWrittenError: the disk refused to remember it.
        """
        self._originals.folders.forget(root)

    def scan(self) -> Generator[ScanProgress, None, None]:
        """Look through all folders in place again."""
        return self._originals.scan()

    def facts(self, name: str) -> list[Fact]:
        """(label, words) for everything that the header and the sidecars of a LoRA tell, read now.

        Raises:
            InvalidRequestError: there is no LoRA of this name.
        """
        for one in self._originals.listings():
            if one.name == name:
                hashes = self._library.hashes.known(one.path) if one.path.is_file() else None
                more = [("SHA-256", hashes.sha256), ("AutoV3", hashes.auto_v3)] if hashes else []
                return [*facts(self._originals.report(one.path)), *more, ("File", str(one.path))]
        raise InvalidRequestError(f"the library has no LoRA named {name}")

    def duplicates(self) -> list[tuple[str, ...]]:
        """Names of LoRAs that hold the same weights, whatever their files are called.

        Files whose sizes and samples agree are hashed, once.
        """
        return self._twins.groups(self._originals.listings())

    def _picture(self, listing: Listing) -> Path | None:
        drawn = rendered_cover(self._library.root, listing.name)
        if drawn is None and listing.preview is None and listing.has_cover and listing.path.is_file():
            return self._library.cover(listing.path)
        return drawn or listing.preview


def _worded(style: Style, note: Note) -> Style:
    return style if note.trigger_words is None else replace(style, trigger_words=note.trigger_words)
