"""The LoRAs as their authors made them, the library's own and those in place, with what is known of each."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.formats.read import LoRAReader
from eigenlorax.formats.report import ImportReport
from eigenlorax.library.folders import Folders, Found, find
from eigenlorax.library.library import Library
from eigenlorax.library.listing import Listing, listing_of
from eigenlorax.library.names import Names
from eigenlorax.library.scan_book import ScanBook
from eigenlorax.library.walk import Seen
from eigenlorax.lora import LoRA

_AT_ONCE = 20


@dataclass(frozen=True)
class ScanProgress:
    """So many files looked at, of all in place; `what` names the folder or the file."""

    done: int
    total: int
    what: str


class Originals:
    """Finds and opens LoRAs; a file is looked at again only when it, or what lies beside it, has changed.

    The library's own folder is listed each time. Folders in place, which may lie on slow disks, are walked
    when they are first asked for and when `scan` is called.

    Args:
        library: Where the user's own lie.
        reader: Reads them for the loaded model.
        layout: Hash of that model's layout.

    Attributes:
        folders: Those in place.
    """

    def __init__(self, library: Library, reader: LoRAReader, layout: str) -> None:
        self._library, self._reader = library, reader
        self.folders = Folders(library.root)
        self._names = Names(library.root / "names.json")
        self._book = ScanBook(library.root / "cache", layout)
        self._found: list[Found] | None = None
        self._lock = Lock()

    def scan(self) -> Generator[ScanProgress, None, None]:
        """Walk the folders in place, and read the headers of what is new or has changed there.

        What was read stays known when this is closed early.
        """
        found = []
        for root in self.folders.roots():
            yield ScanProgress(0, 0, str(root))
            found.append(find(root))
        files = [seen for one in found for seen in one.files]
        for done in range(0, len(files), _AT_ONCE):
            part = files[done : done + _AT_ONCE]
            self._listed(part)
            yield ScanProgress(done + len(part), len(files), part[-1].path.name)
        self._found = found

    def places(self) -> list[Found]:
        """What the folders in place were found to hold."""
        with self._lock:
            if self._found is None or [one.root for one in self._found] != self.folders.roots():
                drain(self.scan())
            return list(self._found or ())

    def listings(self) -> list[Listing]:
        """One for every LoRA file, usable or not: the library's own, then those in place.

        What is in place and no LoRA at all, such as a checkpoint, is left out.
        """
        own = self._listed(self._library.lora_files())
        taken = {one.name for one in own}
        placed = {}
        for found in self.places():
            for listing in self._listed(found.files):
                if not listing.foreign:
                    placed[listing.path] = replace(listing, place=_within(listing.path, found))
        # Of two that are called alike, the one that lies less deep keeps the plain name.
        order = sorted(placed, key=lambda path: (len(path.parts), path))
        names = self._names.give(order, taken)
        return [*own, *(replace(listing, name=names[path]) for path, listing in placed.items())]

    def names_in_place(self) -> set[str]:
        """The names of those that do not lie in the library."""
        return {one.name for one in self.listings() if one.place}

    def left_out(self, found: Found) -> int:
        """How many files of a folder in place are no LoRAs at all."""
        return sum(listing.foreign for listing in self._listed(found.files))

    def usable(self, names: Iterable[str] | None = None) -> list[Listing]:
        """Those of these names that can be used, each once and in this order; by default all there are."""
        found = {one.name: one for one in self.listings() if one.usable}
        return [found[name] for name in dict.fromkeys(found if names is None else names) if name in found]

    def named(self, name: str) -> Listing:
        """The usable LoRA of this name.

        Raises:
            InvalidRequestError: the library has none.
        """
        for listing in self.usable([name]):
            return listing
        raise InvalidRequestError(f"the library has no usable LoRA named {name}")

    def open(self, listing: Listing) -> LoRA:
        """The LoRA that a listing is about; each layer is read when it is asked for.

        Raises:
            InvalidFileError: the file is gone, or has been damaged since.
        """
        return replace(self._reader.open(listing.path), name=listing.name)

    def report(self, path: Path) -> ImportReport:
        """Everything that a file's header and its sidecars tell, read now."""
        return self._reader.scan(path)

    def _listed(self, files: Iterable[Seen]) -> list[Listing]:
        listings, fresh = [], []
        for seen in files:
            if (known := self._book.known(seen)) is None:
                known = listing_of(self._reader.scan(seen.path), seen.changed / 1e9)
                fresh.append((seen, known))
            listings.append(known)
        self._book.keep(fresh)
        return listings


def _within(path: Path, found: Found) -> str:
    return f"{found.root.name}/{path.parent.relative_to(found.root).as_posix()}".removesuffix("/.")
