"""How a subspace lives on after its fit: LoRAs join and leave, others merge in, versions come and go."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import torch

from eigenlorax.errors import InvalidRequestError, UnknownStyleError
from eigenlorax.library.bundle import is_bundle, load_bundle
from eigenlorax.library.versions import Version, load_version, use_version, versions_of
from eigenlorax.subspace.advice import RefitAdvice, advise
from eigenlorax.subspace.augment import first_of, gaussian, padded, weight_driven, with_floor
from eigenlorax.subspace.fit import FitProgress, Goal
from eigenlorax.subspace.grow import room_for
from eigenlorax.subspace.join import Decision, join
from eigenlorax.subspace.merge import Merged, Part, merge
from eigenlorax.subspace.migrate import Migrated, MigrationProgress, migrate, room_for_all
from eigenlorax.subspace.peers import users, with_peers
from eigenlorax.subspace.style import Style
from eigenlorax.subspaces.bench import Bench
from eigenlorax.subspaces.calibrating import CalibratedStyles, calibrated
from eigenlorax.subspaces.learning_room import style_driven
from eigenlorax.subspaces.refit import Refitted, refit
from eigenlorax.subspaces.teaching import Making, TaughtStyle, TeachRequest, taught
from eigenlorax.subspaces.wish import DEFAULT_RETAIN
from eigenlorax.training.calibrate import CalibrationProgress, CalibrationSettings
from eigenlorax.training.crew import ALONE, Crew

_SEED = 0
_USUAL = CalibrationSettings()


class Source(StrEnum):
    """Where new columns come from."""

    GAUSSIAN = "gaussian"
    WEIGHT = "weight"
    STYLES = "styles"


@dataclass(frozen=True)
class Added:
    """A LoRA that has joined.

    Attributes:
        style: With its true size.
        decision: Whether it brought columns or keeps private ranks, and why.
        advice: Whether to fit anew, and why.
    """

    style: Style
    decision: Decision
    advice: RefitAdvice


@dataclass(frozen=True)
class Augmented:
    """What a floor of columns has added.

    Attributes:
        columns: Over all modules and both sides.
        bytes_before: Of the version before, on disk.
        bytes_after: Of the new version, on disk.
    """

    columns: int
    bytes_before: int
    bytes_after: int


class GrowthDesk:
    """Makes new versions of the open subspace; each is a folder of its own, and old ones stay.

    Args:
        bench: The open studio.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def add(self, name: str, retain: float = DEFAULT_RETAIN) -> Added:
        """Bring one more LoRA in, by new columns or private ranks, whichever takes fewer bytes.

        The other styles keep their coefficients number for number.

        Args:
            name: Of a usable LoRA.
            retain: Share of its weighted squared norm to keep, in (0, 1].

        Raises:
            InvalidRequestError: there is no subspace yet, or no such usable LoRA.
            NotWrittenError: the disk refused; the open version stays.
        """
        bench = self._bench
        with bench.lock:
            part = bench.open_now()
            report = bench.originals.named(name)
            Goal(retain=retain).check()
            lora = bench.originals.open(report)
            others = {other: style for other, style in part.styles.items() if other != name}
            room = room_for(part.subspace, lora, bench.engine.base.layout)
            importance = bench.engine.facts.importance(room.bases)
            here = {other: padded(style, part.subspace, room) for other, style in others.items()}
            joined = join(lora, room, here, retain, importance, report.file_bytes, report.trigger_words)
            style, styles = joined.styles[name], joined.styles
            told = with_peers(style, lora, joined.subspace, importance, users(styles))
            bench.swap(joined.subspace, {**styles, name: replace(style, fidelity=told)})
            now = bench.open_now()
            return Added(now.styles[name], joined.decision, advise(now.subspace, now.styles, importance))

    def remove(self, name: str) -> None:
        """Take a style out; its LoRA and all other styles stay.

        Raises:
            UnknownStyleError: the subspace has no such style.
        """
        with self._bench.lock:
            part = self._bench.open_now()
            if name not in part.styles:
                raise UnknownStyleError(f"no style named {name}; there are {', '.join(sorted(part.styles))}")
            self._bench.swap(part.subspace, {n: s for n, s in part.styles.items() if n != name})

    def merge(self, other: str, retain: float) -> Generator[FitProgress, None, Merged]:
        """Merge a bundle, or another version, into the open subspace.

        Args:
            other: Path of a bundle, or name of a version.
            retain: Mean share of what each style is now to keep, in (0, 1].

        Raises:
            InvalidRequestError: there is no subspace, no such other, or both have a style of one name.
            WrongBaseError: the other was made for another base.
            InvalidFileError: the other is damaged.
        """
        bench = self._bench
        with bench.lock:
            one, two = bench.open_now(), self._part(other)
            importance = bench.engine.facts.importance([*one.subspace.bases, *two.subspace.bases])
        merged = yield from merge(one, two, Goal(retain=retain), importance)
        with bench.lock:
            if bench.open_now().subspace.hash != one.subspace.hash:
                raise InvalidRequestError("the open subspace changed meanwhile: merge again")
            bench.swap(merged.subspace, merged.styles)
        return merged

    def refit(
        self, retain: float = DEFAULT_RETAIN, budget: int | None = None
    ) -> Generator[FitProgress, None, Refitted]:
        """Fit anew from the LoRAs while pictures are drawn with the old version; see `refit`."""
        return refit(self._bench, retain, budget)

    def calibrate(
        self, names: Sequence[str] | None = None, settings: CalibrationSettings = _USUAL
    ) -> Generator[CalibrationProgress, None, CalibratedStyles]:
        """Let styles learn to predict what their LoRAs predict; see `calibrated`."""
        return calibrated(self._bench, names, settings)

    def teach(self, request: TeachRequest, crew: Crew = ALONE) -> Generator[Making, None, TaughtStyle]:
        """Teach a new style from pictures; see `taught`."""
        return taught(self._bench, request, crew)

    def migrate(
        self, version: str, retain: float
    ) -> Generator[MigrationProgress, None, Mapping[str, Migrated]]:
        """Bring every style of the open version into the bases of another one, which becomes the open one.

        Args:
            version: Its name, or the start of it.
            retain: Share of each style, weighted and squared, to keep, in (0, 1].

        Raises:
            InvalidRequestError: there is no subspace, or no such version.
        """
        bench = self._bench
        with bench.lock:
            now, target = bench.open_now(), load_version(bench.library, bench.layout, version)
            home = room_for_all(target.subspace, now.styles, now.subspace, bench.engine.base.layout)
            importance, goal = bench.engine.facts.importance(home.bases), Goal(retain=retain)
            moved: dict[str, Migrated] = {}
            for done, (name, style) in enumerate(now.styles.items(), start=1):
                original = bench.original(style)
                moved[name] = migrate(style, now.subspace, home, goal, importance, original)
                yield MigrationProgress(done, len(now.styles), name)
            bench.swap(home, {name: one.style for name, one in moved.items()})
            return moved

    def augment(
        self, count: int, source: Source = Source.GAUSSIAN, seed: int = _SEED
    ) -> Generator[FitProgress, None, Augmented]:
        """Give every module at least `count` columns on both sides, orthogonal to those there are.

        Styles stay as they are. A style that is taught later has these columns to learn in, and takes only
        cores; with `Source.STYLES` they are those that each lesson would be lent.

        Args:
            count: Columns per side.
            source: Where new columns come from.
            seed: Of their random numbers.

        Raises:
            InvalidRequestError: there is no subspace, or `count` is not positive.
        """
        bench = self._bench
        with bench.lock:
            part, before = bench.open_now(), bench.current.stored_bytes
            generator = torch.Generator().manual_seed(seed)
            directions = gaussian(generator)
            if source is Source.WEIGHT:
                directions = first_of(weight_driven(bench.engine.facts.pristine, generator), directions)
            elif source is Source.STYLES:
                directions = first_of(style_driven(part), directions)
            wide = yield from with_floor(part.subspace, {}, count, directions)
            columns = sum(sum(basis.core_shape) for basis in wide.bases.values())
            columns -= sum(sum(basis.core_shape) for basis in part.subspace.bases.values())
            styles = {name: padded(s, part.subspace, wide) for name, s in part.styles.items()}
            bench.swap(wide, styles)
            return Augmented(columns, before, bench.current.stored_bytes)

    def versions(self) -> list[Version]:
        """Every version that is kept for the loaded base's layout, the newest first."""
        return versions_of(self._bench.library, self._bench.layout)

    def use(self, version: str) -> Version:
        """Go back, or forth, to a version; the one that is open stays in its folder.

        Raises:
            InvalidRequestError: there is no such version.
            InvalidFileError: it is damaged; the open one stays.
        """
        bench = self._bench
        with bench.lock:
            chosen = use_version(bench.library, bench.layout, version)
            bench.current.open()
            return chosen

    def _part(self, other: str) -> Part:
        path = Path(other).expanduser()
        if path.is_file():
            if not is_bundle(path):
                raise InvalidRequestError(f"{path.name} is no bundle: export one from the other studio first")
            bundle = load_bundle(path)
            return Part(bundle.subspace, bundle.styles)
        return load_version(self._bench.library, self._bench.layout, other)
