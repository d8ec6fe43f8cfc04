"""The current subspace, and how it is made; how it lives on is in `growth`."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from eigenlorax.errors import InvalidRequestError
from eigenlorax.formats.relations import Relations, relate, sketch
from eigenlorax.formats.tags import excluded_by
from eigenlorax.lora import LoRA
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.census import CensusProgress, take_census
from eigenlorax.subspace.fit import FitProgress, fit
from eigenlorax.subspace.outliers import outliers
from eigenlorax.subspace.peers import users, with_peers
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.style import moved as moved_to
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.subspaces.bench import Bench
from eigenlorax.subspaces.carrying import carried, homeless
from eigenlorax.subspaces.weighing import Weighing, weighed
from eigenlorax.subspaces.wish import Outliers, Wish

_USUAL = Wish()
Making = FitProgress | Weighing | CensusProgress
"""What compressing tells of while it goes on."""


@dataclass(frozen=True)
class Compressed:
    """The result of compressing.

    Attributes:
        styles: With true sizes.
        original_bytes: Of the LoRA files.
        stored_bytes: Of bases and styles, headers included.
        relations: Duplicates and shared random starts, which make a subspace look better than it is.
        sharing: In how many modules shared columns paid for their bytes, and how many modules there are.
        excluded: LoRA -> why the bases were fitted without it.
        carried: Styles without a LoRA in the library, taught ones among them, that came along.
    """

    styles: dict[str, Style]
    original_bytes: int
    stored_bytes: int
    relations: Relations = field(default_factory=Relations)
    sharing: tuple[int, int] = (0, 0)
    excluded: Mapping[str, str] = field(default_factory=dict)
    carried: tuple[str, ...] = ()


class SubspaceDesk:
    """Makes the current subspace; every method holds the studio's lock.

    Args:
        bench: The open studio; each method ends with a new version on it.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._engine, self._originals, self._lock = bench.engine, bench.originals, bench.lock
        self._library, self.current = bench.library, bench.current

    @property
    def excluded(self) -> dict[str, str]:
        """LoRA -> why the bases of the current subspace were fitted without it."""
        return dict(self.current.subspace.excluded) if self.current.subspace else {}

    def compress(
        self, names: Sequence[str] | None = None, wish: Wish = _USUAL
    ) -> Generator[Making, None, Compressed]:
        """Fit one shared subspace to LoRAs of the library; the LoRA files stay as they are.

        Args:
            names: Which ones; by default every usable one.
            wish: How near and how small.

        Raises:
            InvalidRequestError: none of the names is usable, all are excluded, `retain` is out of range, or
                the budget does not even hold the headers.
        """
        with self._lock:
            asked = self._originals.usable(names)
            named = excluded_by(wish.exclude, asked)
            chosen = [report for report in asked if report.name not in named]
            if asked and not chosen:
                raise InvalidRequestError("every LoRA is excluded by a word: take a word off the list")
            loras = [self._originals.open(report) for report in chosen]
            sizes = {report.name: report.file_bytes for report in chosen}
            modules = {path for lora in loras for path in lora.layers}
            goal = wish.goal(modules, len(loras))
            yield from weighed(self._engine, self._library)
            importance = self._engine.facts.importance(modules)
            outside: dict[str, str] = {}
            if wish.outliers is Outliers.APART:
                outside = outliers((yield from take_census(loras)))
            result = yield from fit(
                loras, sizes, self._engine.base.layout_hash, goal, importance, self._engine.device, outside
            )
            made = replace(
                result.subspace,
                base=self._engine.facts.fingerprint(result.subspace.bases),
                excluded=dict(result.subspace.excluded) | _words(named),
            )
            styles = result.styles({report.name: report.trigger_words for report in chosen})
            styles = yield from self._told(styles, loras, made, importance)
            made, moved = self._with_homeless(made, styles)
            self.current.save(made, {**{n: moved_to(s, made) for n, s in styles.items()}, **moved})
            return Compressed(
                dict(self.current.styles),
                sum(sizes.values()),
                self.current.stored_bytes,
                relate({lora.name: sketch(lora) for lora in loras}),
                self.current.sharing,
                self.excluded,
                tuple(moved),
            )

    def _with_homeless(
        self, made: Subspace, styles: Mapping[str, Style]
    ) -> tuple[Subspace, dict[str, Style]]:
        """The new subspace with the open version's styles that no LoRA of the library brings back."""
        if self.current.subspace is None:
            return made, {}
        now = self._bench.open_now()
        rest = {name: s for name, s in homeless(self._bench, now.styles).items() if name not in styles}
        wide, moved = carried(self._bench, now, made, rest)
        return wide, {name: one.style for name, one in moved.items()}

    def _told(
        self,
        styles: Mapping[str, Style],
        loras: Sequence[LoRA],
        subspace: Subspace,
        importance: Mapping[ModulePath, float],
    ) -> Generator[FitProgress, None, dict[str, Style]]:
        """The styles with what their bytes could have bought elsewhere.

        Yields the fit's last event for each, so that it can be cancelled here too.
        """
        told, sharers = dict(styles), users(styles)
        done, last = 2 * len(subspace.bases), list(subspace.bases)[-1]
        for lora in loras:
            fidelity = with_peers(styles[lora.name], lora, subspace, importance, sharers)
            told[lora.name] = replace(styles[lora.name], fidelity=fidelity)
            yield FitProgress(done, done, last)
        return told


def _words(named: Mapping[str, str]) -> dict[str, str]:
    return {name: f"excluded by the word {word!r}" for name, word in named.items()}
