"""The use cases of blending: numbers of a blend, new styles from old ones, a map of the collection."""

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

from eigenlorax.blending.balance import balanced
from eigenlorax.blending.combine import combined
from eigenlorax.blending.conflict import Conflict, conflict
from eigenlorax.blending.derived import MOST_DIRECTIONS, Derivation, can_derive, derivation, told
from eigenlorax.blending.gram import Grams, grams
from eigenlorax.blending.leading import Direction, directions
from eigenlorax.blending.map import StyleMap, style_map
from eigenlorax.blending.normalise import scales
from eigenlorax.dials import StyleDials
from eigenlorax.errors import InvalidRequestError
from eigenlorax.recipe import StyleBlend
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.subspaces.bench import Bench

_MOST_REMEMBERED = 64


class BlendDesk:
    """Answers while pictures are drawn: it takes the studio's lock only to keep a style.

    Inner products are computed once for each set of styles; strengths and dials only scale them.

    Args:
        bench: The open studio.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench, self._lock = bench, Lock()
        self._known: dict[tuple[int, ...], tuple[Sequence[Style], Grams]] = {}

    def conflict(self, strengths: StyleBlend, dials: StyleDials | None = None) -> Conflict:
        """How the styles of a blend lie to each other.

        Raises:
            UnknownStyleError: a strength names a style that the subspace lacks.
            InvalidRequestError: there is no subspace yet.
        """
        return conflict(self._worn(strengths, dials or {}), strengths)

    def balance(
        self, strengths: StyleBlend, locked: Sequence[str] = (), dials: StyleDials | None = None
    ) -> dict[str, float]:
        """Strengths that give every free style an equal share of the blended update; see `balanced`.

        Raises:
            UnknownStyleError, InvalidRequestError: as `conflict`, and as `balanced`.
        """
        return balanced(self._worn(strengths, dials or {}), strengths, locked)

    def scales(self) -> dict[str, float]:
        """Style -> factor on its strength that makes all compare; empty before the first compression."""
        return scales(self._collection()) if self._bench.current.styles else {}

    def map(self) -> StyleMap:
        """Where the styles lie to each other; without styles before the first compression."""
        return style_map(self._collection()) if self._bench.current.styles else StyleMap({}, 1.0)

    def directions(self, count: int = MOST_DIRECTIONS) -> list[Direction]:
        """The leading directions of the collection; none before the first compression."""
        return directions(self._collection(), count) if self._bench.current.styles else []

    def likeness(self, name: str) -> dict[str, float]:
        """Every other style -> the cosine of its update with this one's, the likest first.

        Raises:
            InvalidRequestError: there is no such style.
        """
        if name not in self._bench.current.styles:
            raise InvalidRequestError(f"no style named {name}: compress its LoRA first")
        found = self._collection()
        row = found.cosines[found.names.index(name)].tolist()
        others = [(other, cosine) for other, cosine in zip(found.names, row, strict=True) if other != name]
        return dict(sorted(others, key=lambda one: -one[1]))

    def near_copies(self, least: float = 0.98) -> list[tuple[str, str, float]]:
        """Pairs of styles whose updates have a cosine of at least `least`, the likest first."""
        if not self._bench.current.styles:
            return []
        found = self._collection()
        pairs = [
            (found.names[i], found.names[j], float(found.cosines[i, j]))
            for i, j in (found.cosines >= least).nonzero().tolist()
            if i < j
        ]
        return sorted(pairs, key=lambda pair: -pair[2])

    def derivation(self, name: str) -> Derivation:
        """What a derived style is made of.

        Raises:
            InvalidRequestError: it is not the name of one, or the collection has no such direction.
        """
        found = derivation(name, self._collection())
        if found is None:
            raise InvalidRequestError(f"{name} cannot be made from this collection: throw the dice again")
        return found

    def can_make(self, name: str) -> bool:
        """Whether a style is here, or can be made of those that are."""
        styles = self._bench.current.styles
        return name in styles or (len(styles) > 1 and can_derive(name))

    def make(self, names: Iterable[str]) -> None:
        """Make the derived styles among these names, so that they can be worn; a name that is none is left.

        Raises:
            InvalidRequestError: the collection is too small.
        """
        current = self._bench.current
        for name in names:
            if (
                name in current.styles
                or name in current.derived
                or not can_derive(name)
                or not current.styles
            ):
                continue
            if (found := derivation(name, self._collection())) is not None:
                subspace, styles = self._open()
                current.derived[name] = combined(name, subspace, styles, found.strengths, found.words)

    def keep(self, name: str, chosen_name: str) -> Style:
        """Keep a derived style under a name of its own in a new version of the subspace.

        Args:
            name: Such as "dice 17".
            chosen_name: A name that no style has yet.

        Raises:
            InvalidRequestError: there is no such derived style, or the new name is empty, taken or no name.
            NotWrittenError: the disk refused; the open version stays.
        """
        chosen_name = chosen_name.strip()
        found = self.derivation(name)
        with self._bench.lock:
            part = self._bench.open_now()
            _check_name(chosen_name, part.styles)
            words = f"{name}, {found.words}"
            style = combined(chosen_name, part.subspace, part.styles, found.strengths, words)
            self._bench.swap(part.subspace, {**part.styles, chosen_name: style})
            return self._bench.current.styles[chosen_name]

    def combine(self, strengths: StyleBlend, chosen_name: str) -> Style:
        """Keep a blend as a style of its own in a new version of the subspace.

        Args:
            strengths: Dimensionless; the trigger words of those above 0 become its own.
            chosen_name: A name that no style has yet.

        Raises:
            InvalidRequestError: nothing is worn, a style is not here, or the new name cannot be.
            NotWrittenError: the disk refused; the open version stays.
        """
        chosen_name, worn = chosen_name.strip(), {n: s for n, s in strengths.items() if s}
        if not worn:
            raise InvalidRequestError("the blend is empty: give a style a strength")
        self.make(worn)
        with self._bench.lock:
            part, derived = self._bench.open_now(), self._bench.current.derived
            _check_name(chosen_name, part.styles)
            styles = {**derived, **part.styles}
            if missing := sorted(worn.keys() - styles.keys()):
                raise InvalidRequestError(f"no style named {', '.join(missing)}: take it off the blend")
            words = [word for name, s in worn.items() if s > 0 for word in styles[name].trigger_words]
            style = combined(
                chosen_name, part.subspace, styles, worn, told(worn), tuple(dict.fromkeys(words))
            )
            self._bench.swap(part.subspace, {**part.styles, chosen_name: style})
            return self._bench.current.styles[chosen_name]

    def _worn(self, strengths: StyleBlend, dials: StyleDials) -> Grams:
        self.make(strengths)
        subspace, styles = self._open()
        found = {name: styles[name] for name, strength in strengths.items() if strength and name in styles}
        if missing := sorted(name for name, s in strengths.items() if s and name not in styles):
            raise InvalidRequestError(f"no style named {', '.join(missing)}: take it off the blend")
        return self._grams(subspace, found).dialled(dials)

    def _collection(self) -> Grams:
        subspace, _ = self._open()
        return self._grams(subspace, dict(self._bench.current.styles))

    def _open(self) -> tuple[Subspace, Mapping[str, Style]]:
        current = self._bench.current
        return current.needed(), current.wearable

    def _grams(self, subspace: Subspace, styles: Mapping[str, Style]) -> Grams:
        """Those of these very styles; a table of more of them serves as well."""
        if stranger := next((s for s in styles.values() if s.subspace != subspace.hash), None):
            raise InvalidRequestError(f"the styles changed while {stranger.name} was looked at: do it again")
        key = tuple(sorted(id(style) for style in styles.values()))
        with self._lock:
            self._known = {ids: of for ids, of in self._known.items() if of[0][0].subspace == subspace.hash}
            if not styles:
                return grams(subspace, {}, {})
            if key not in self._known:
                wanted = set(key)
                wider = (known for ids, (_, known) in self._known.items() if wanted <= set(ids))
                table = next(wider, None)
                if table is None:
                    table = grams(subspace, styles, self._bench.engine.facts.importance(subspace.bases))
                while len(self._known) >= _MOST_REMEMBERED:
                    self._known.pop(next(iter(self._known)))
                # The styles are held on to, so that no other one can come to lie at the same address.
                self._known[key] = list(styles.values()), table.of(list(styles))
            return self._known[key][1].of(list(styles))


def _check_name(name: str, styles: Mapping[str, Style]) -> None:
    if not name:
        raise InvalidRequestError("the style has no name: give it one")
    if name in styles:
        raise InvalidRequestError(f"there is a style named {name} already: choose another name")
    if can_derive(name) or name.startswith(".") or any(c in '/\\:*?"<>|' or ord(c) < 32 for c in name):
        raise InvalidRequestError(f"{name!r} cannot be a style's name: choose letters, digits and spaces")
