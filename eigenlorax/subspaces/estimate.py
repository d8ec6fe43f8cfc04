"""What a compression will take, before it: an estimate that says what it was measured on."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from eigenlorax.errors import InvalidRequestError
from eigenlorax.formats.tags import excluded_by
from eigenlorax.library.budget import header_bytes, numbers_within
from eigenlorax.library.listing import Listing
from eigenlorax.library.size_curves import load_size_curve, save_size_curve, size_curve_path
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.size_curve import SAMPLED, SizeCurve, size_curve
from eigenlorax.subspaces.bench import Bench
from eigenlorax.subspaces.wish import DEFAULT_NUMBERS, Wish

#: LoRAs that are looked at; of a larger collection these are taken evenly, by name.
MOST_LORAS = 64
#: Modules below which a figure would mislead.
_FEWEST = 16


@dataclass(frozen=True)
class SizeEstimate:
    """What a compression is likely to take.

    Attributes:
        stored_bytes: On disk, headers included; 0 while too little was measured.
        original_bytes: Of the LoRA files.
        quality: Mean share of each LoRA's effect that is kept.
        loras: That would be compressed.
        looked_at: How many of them were measured.
        measured: Modules that were measured.
        modules: That there are.
    """

    stored_bytes: int
    original_bytes: int
    quality: float
    loras: int
    looked_at: int
    measured: int
    modules: int

    @property
    def is_final(self) -> bool:
        """Whether nothing more is going to be measured."""
        return self.measured >= min(SAMPLED, self.modules)


class EstimateDesk:
    """Tells sizes beforehand; takes no lock of the studio, so it answers while pictures are drawn.

    A newer question ends an older one; what was measured for both is measured once, and kept.

    Args:
        bench: The open studio.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._lock, self._turn = Lock(), 0
        self._path = ""
        self._work: Generator[SizeCurve, None, SizeCurve] | None = None

    def estimate(
        self, names: Sequence[str] | None, wish: Wish
    ) -> Generator[SizeEstimate, None, SizeEstimate | None]:
        """Estimate what `compress` would take; outliers count as all others, styles without a LoRA not.

        LoRAs that can only be read against the base's own weights, such as a DoRA, count by their size.

        Args:
            names: Which LoRAs; by default every usable one.
            wish: How near or how small, and whom to leave out.

        Yields:
            The estimate so far.

        Returns:
            The last one; None when a newer question came.

        Raises:
            InvalidRequestError: there is nothing to measure, or the budget does not even hold the headers.
        """
        self._turn += 1
        turn, bench, told = self._turn, self._bench, None
        chosen, some, path, effects = self._asked(names, wish)
        if not some:
            raise InvalidRequestError("there is nothing to measure: choose at least one usable LoRA")
        if (known := load_size_curve(path)) is not None:
            yield (told := _told(known, chosen, some, wish))
            return told
        while turn == self._turn:
            with self._lock:
                if self._work is None or self._path != str(path):
                    loras = [bench.originals.open(listing) for listing in some]
                    self._work, self._path = size_curve(loras, effects, DEFAULT_NUMBERS), str(path)
                try:
                    curve = next(self._work)
                except StopIteration as end:
                    save_size_curve(end.value, path)
                    self._work = None
                    return told or _told(end.value, chosen, some, wish)
                except BaseException:
                    self._work = None
                    raise
            yield (told := _told(curve, chosen, some, wish))
        return None

    def known(self, names: Sequence[str] | None, wish: Wish) -> SizeEstimate | None:
        """The estimate, when it takes no measuring any more; None otherwise.

        Raises:
            InvalidRequestError: the budget does not even hold the headers.
        """
        chosen, some, path, _ = self._asked(names, wish)
        curve = load_size_curve(path) if some else None
        return None if curve is None else _told(curve, chosen, some, wish)

    def _asked(
        self, names: Sequence[str] | None, wish: Wish
    ) -> tuple[list[Listing], list[Listing], Path, dict[ModulePath, float]]:
        """Who would be compressed, who is measured, where the curve lies, and how much each module counts."""
        bench = self._bench
        asked = bench.originals.usable(names)
        named = excluded_by(wish.exclude, asked)
        chosen = [listing for listing in asked if listing.name not in named]
        some = self._readable(_evenly(chosen))
        effects = bench.engine.facts.importance(bench.engine.base.layout)
        return chosen, some, size_curve_path(bench.library.root, some, effects, DEFAULT_NUMBERS), effects

    def _readable(self, listings: Sequence[Listing]) -> list[Listing]:
        return [one for one in listings if not self._bench.originals.report(one.path).needs_base]


def _evenly(listings: Sequence[Listing]) -> list[Listing]:
    ordered = sorted(listings, key=lambda listing: listing.name)
    count = min(MOST_LORAS, len(ordered))
    return [ordered[place * len(ordered) // count] for place in range(count)]


def _told(curve: SizeCurve, chosen: Sequence[Listing], some: Sequence[Listing], wish: Wish) -> SizeEstimate:
    """The estimate for all, from those that were measured: in proportion to the bytes of their weights."""
    share = sum(one.file_bytes for one in some) / sum(one.file_bytes for one in chosen)
    names = header_bytes(curve.modules, len(chosen))
    if wish.budget is not None:
        quality = curve.kept(round(share * numbers_within(wish.budget, curve.modules, len(chosen))))
        stored = min(wish.budget, round(curve.points[-1][1] / share) + names)
    else:
        stored, quality = round(curve.number_bytes(wish.retain) / share) + names, wish.retain
    enough = curve.measured >= min(_FEWEST, len(curve.modules))
    return SizeEstimate(
        stored if enough else 0,
        sum(one.file_bytes for one in chosen),
        quality,
        len(chosen),
        len(some),
        curve.measured,
        len(curve.modules),
    )
