"""Everything that makes a new version of the current subspace, for page, command line and API alike."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from eigenlorax.errors import InvalidRequestError, UnknownStyleError
from eigenlorax.formats.relations import Relations, relate, sketch
from eigenlorax.library.budget import numbers_within
from eigenlorax.library.files import moved
from eigenlorax.originals import Originals
from eigenlorax.runtime.engine import Engine
from eigenlorax.subspace.fit import FitProgress, Goal, fit
from eigenlorax.subspace.grow import place, room_for
from eigenlorax.subspace.style import Style
from eigenlorax.subspaces.current import CurrentSubspace

DEFAULT_RETAIN = 0.95


@dataclass(frozen=True)
class Compressed:
    """The result of compressing.

    Attributes:
        styles: With true sizes.
        original_bytes: Of the LoRA files.
        stored_bytes: Of bases and styles, headers included.
        relations: Duplicates and shared random starts, which make a subspace look better than it is.
        sharing: In how many modules shared columns paid for their bytes, and how many modules there are.
    """

    styles: dict[str, Style]
    original_bytes: int
    stored_bytes: int
    relations: Relations = field(default_factory=Relations)
    sharing: tuple[int, int] = (0, 0)


class SubspaceDesk:
    """Makes, grows and shrinks the current subspace; every method holds the studio's lock.

    Args:
        engine: Knows the base model.
        originals: The LoRAs that styles are made from.
        current: What is open; each method ends with its new version.
        lock: The studio's.
    """

    def __init__(self, engine: Engine, originals: Originals, current: CurrentSubspace, lock: Lock) -> None:
        self._engine, self._originals, self._lock = engine, originals, lock
        self.current = current

    def compress(
        self, names: Sequence[str] | None = None, retain: float = DEFAULT_RETAIN, budget: int | None = None
    ) -> Generator[FitProgress, None, Compressed]:
        """Fit one shared subspace to LoRAs of the library; the LoRA files stay as they are.

        Args:
            names: Which ones; by default every usable one.
            retain: Mean share of squared Frobenius norm to keep, in (0, 1]; of no account with a budget.
            budget: Most bytes on disk for the subspace and all styles, headers included.

        Raises:
            InvalidRequestError: none of the names is usable, `retain` is out of range, or the budget does not
                even hold the headers.
        """
        with self._lock:
            chosen = self._originals.usable(names)
            loras = [self._originals.open(report) for report in chosen]
            sizes = {report.name: report.file_bytes for report in chosen}
            modules = {path for lora in loras for path in lora.layers}
            goal = Goal(retain=retain)
            if budget is not None:
                goal = Goal(number_bytes=numbers_within(budget, modules, len(loras)))
            importance = self._engine.importance(modules)
            result = yield from fit(loras, sizes, self._engine.base.layout_hash, goal, importance)
            made = replace(result.subspace, base=self._engine.fingerprint(result.subspace.bases))
            self.current.save(made, result.styles({report.name: report.trigger_words for report in chosen}))
            return Compressed(
                dict(self.current.styles),
                sum(sizes.values()),
                self.current.stored_bytes,
                relate({lora.name: sketch(lora) for lora in loras}),
                self.current.sharing,
            )

    def add(self, name: str, retain: float = DEFAULT_RETAIN) -> Style:
        """Bring one more LoRA of the library into the current subspace; every other style stays bit for bit.

        Raises:
            InvalidRequestError: there is no subspace yet, or no such usable LoRA.
        """
        with self._lock:
            if self.current.subspace is None:
                raise InvalidRequestError("there is no subspace yet: press Compress first")
            report = self._originals.named(name)
            lora = self._originals.open(report)
            grown = room_for(self.current.subspace, lora, self._engine.base.layout)
            grown = replace(grown, base=self._engine.fingerprint(grown.bases))
            importance = self._engine.importance(lora.layers)
            style = place(
                lora, grown, Goal(retain=retain), importance, report.file_bytes, report.trigger_words
            )
            others = {other: moved(own, grown) for other, own in self.current.styles.items()}
            self.current.save(grown, others | {name: style})
            return self.current.styles[name]

    def remove(self, name: str) -> None:
        """Take a style out of the current subspace; its LoRA and all other styles stay.

        Raises:
            UnknownStyleError: the subspace has no such style.
        """
        with self._lock:
            subspace, styles = self.current.subspace, self.current.styles
            if subspace is None or name not in styles:
                raise UnknownStyleError(f"no style named {name}; there are {', '.join(sorted(styles))}")
            self.current.save(subspace, {other: styles[other] for other in styles if other != name})
