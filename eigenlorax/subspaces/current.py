"""The subspace that a studio has open, as it lies in the library."""

from collections.abc import Mapping
from pathlib import Path

from eigenlorax.errors import InvalidRequestError, StudioError
from eigenlorax.library.atomic import told
from eigenlorax.library.library import Library
from eigenlorax.runtime.engine import Engine
from eigenlorax.subspace.fingerprint import compare
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace


class CurrentSubspace:
    """Opens from the library and saves to it; empty until `open` or `save` is called.

    It takes no lock: whoever changes it, or needs its parts to belong together, holds the studio's.

    Args:
        library: Where subspaces are kept.
        engine: Knows the base that it is for.

    Attributes:
        folder: Where it lies; None before the first compression, as `subspace` is.
        subspace: Ready to wear.
        styles: By name.
        derived: Styles made by name from those of the open version; never saved, gone with it.
        notice: What the user should know of it, or nothing.
    """

    def __init__(self, library: Library, engine: Engine) -> None:
        self._library, self._engine = library, engine
        self.folder: Path | None = None
        self.subspace: Subspace | None = None
        self.styles: dict[str, Style] = {}
        self.derived: dict[str, Style] = {}
        self.notice = ""

    @property
    def stored_bytes(self) -> int:
        """Bytes on disk of the subspace and its styles."""
        return self._library.stored_bytes(self.folder) if self.folder else 0

    @property
    def wearable(self) -> dict[str, Style]:
        """All that the model can wear: the styles, and those derived from them."""
        return {**self.derived, **self.styles}

    @property
    def sharing(self) -> tuple[int, int]:
        """In how many modules the subspace has shared columns, and how many modules it has."""
        bases = self.subspace.bases.values() if self.subspace else ()
        return sum(basis.core_shape[0] > 0 for basis in bases), len(bases)

    def needed(self) -> Subspace:
        """The subspace, for work that cannot do without one.

        Raises:
            InvalidRequestError: there is none yet.
        """
        if self.subspace is None:
            raise InvalidRequestError("there are no styles yet: press Compress first")
        return self.subspace

    def open(self) -> None:
        """Take up what the library holds for this base; a damaged one is told of in `notice`.

        The model takes off what it wears: with the same bases a style of one name may now be another one.
        """
        try:
            current = self._library.load_current(self._engine.base.layout_hash)
        except StudioError as error:
            self.notice = f"The last subspace could not be opened ({error}). Press Compress to make it anew."
            return
        if current is not None:
            self.folder, subspace, self.styles = current
            self.derived = {}
            self.subspace = subspace.ready()
            self._engine.wear_nothing()
            if subspace.base is not None and not self.notice:
                here = self._engine.facts.fingerprint(subspace.bases)
                self.notice = compare(subspace.base, here).notice(subspace.base.name)

    def save(self, subspace: Subspace, styles: Mapping[str, Style]) -> None:
        """Write a new version and open it; the earlier one stays on disk.

        It comes back from disk, so that today's pictures are made with exactly what tomorrow's will be.

        Raises:
            NotWrittenError: the disk refused; the earlier version is still the current one.
        """
        with told(self._library.root / "subspaces"):
            self._library.save(subspace, styles)
        self.open()
