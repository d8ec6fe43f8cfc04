"""The bases fitted anew from the library's LoRAs, while pictures are drawn with the old ones."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

from eigenlorax.errors import InvalidRequestError
from eigenlorax.subspace.fit import FitProgress, fit
from eigenlorax.subspace.grow import numbers_in
from eigenlorax.subspace.migrate import Migrated, as_lora
from eigenlorax.subspace.peers import users, with_peers
from eigenlorax.subspace.style import CALIBRATION, Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.subspaces.bench import Bench, UnderLock
from eigenlorax.subspaces.carrying import carried
from eigenlorax.subspaces.wish import Wish


@dataclass(frozen=True)
class Refitted:
    """What a refit has done.

    Attributes:
        fitted: Styles made anew from their LoRA, by name.
        moved: Styles without a LoRA at hand, by name, with the error of their move.
        bytes_before: Of the version before, on disk.
        bytes_after: Of the new version, on disk.
        uncalibrated: Styles that were calibrated before, and are not any more.
    """

    fitted: Mapping[str, Style]
    moved: Mapping[str, Migrated]
    bytes_before: int
    bytes_after: int
    uncalibrated: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What happened, in one sentence."""
        size = f"{self.bytes_before:,} bytes have become {self.bytes_after:,}"
        moved = f"; {', '.join(self.moved)} had no LoRA at hand and moved as they were" if self.moved else ""
        anew = f"; calibrate {', '.join(self.uncalibrated)} again" if self.uncalibrated else ""
        return f"{len(self.fitted)} styles were fitted anew from their LoRAs{moved}: {size}{anew}."


def refit(bench: Bench, retain: float, budget: int | None = None) -> Generator[FitProgress, None, Refitted]:
    """Fit the open subspace anew to the LoRAs its styles came from, and bring every style along.

    The lock is held for a look at the start, for each layer that is read, and for the swap at the end; in
    between pictures are drawn with the old version. Closing the generator leaves everything as it was. A
    style whose LoRA is gone, or that was taught, takes part in the fit as the update that it is, and is
    migrated. Styles that join meanwhile are migrated too; those that leave meanwhile stay out.

    Args:
        bench: The open studio.
        retain: Mean share of each LoRA's weighted squared norm to keep, in (0, 1].
        budget: Most bytes on disk instead, headers included; private ranks of moved styles come on top.

    Raises:
        InvalidRequestError: there is no subspace, or it has no style.
        NotWrittenError: the disk refused; the open version stays.
    """
    with bench.lock:
        before = bench.open_now()
        if not before.styles:
            raise InvalidRequestError("the subspace has no style to fit anew: press Compress first")
        found = {name: bench.original(style) for name, style in before.styles.items()}
        originals = {name: lora for name, lora in found.items() if lora is not None}
        modules = {path for lora in originals.values() for path in lora.layers}
        modules |= {path for style in before.styles.values() for path in style.cores}
        importance = bench.engine.facts.importance(modules)
        wish = Wish(retain, budget, numbers=numbers_in(before.subspace))
        goal = wish.goal(modules, len(before.styles))
    loras = [
        replace(originals[name], layers=UnderLock(originals[name].layers, bench.lock))
        if name in originals
        else as_lora(style, before.subspace)
        for name, style in before.styles.items()
    ]
    sizes = {name: style.fidelity.original_bytes for name, style in before.styles.items()}
    result = yield from fit(loras, sizes, bench.layout, goal, importance, bench.engine.device)
    made = result.styles({name: style.trigger_words for name, style in before.styles.items()})
    fitted = {name: style for name, style in made.items() if name in originals}
    sharers = users(made)
    for lora in loras:
        if lora.name in fitted:
            style = fitted[lora.name]
            told = with_peers(style, lora, result.subspace, importance, sharers)
            fitted[lora.name] = replace(style, fidelity=told)
            yield _last(result.subspace)
    with bench.lock:
        return _swapped(bench, result.subspace, fitted)


def _last(subspace: Subspace) -> FitProgress:
    """The fit's last event once more, so that measuring can be cancelled too."""
    count = 2 * len(subspace.bases)
    return FitProgress(count, count, list(subspace.bases)[-1])


def _swapped(bench: Bench, subspace: Subspace, fitted: Mapping[str, Style]) -> Refitted:
    """Open the new version with every style that is there now: fitted from the very same LoRA, or moved."""
    now, bytes_before = bench.open_now(), bench.current.stored_bytes
    kept = {
        name: style
        for name, style in fitted.items()
        if name in now.styles and now.styles[name].source_sha256 == style.source_sha256
    }
    rest = {name: style for name, style in now.styles.items() if name not in kept}
    subspace = replace(subspace, excluded=dict(now.subspace.excluded))
    subspace, moved = carried(bench, now, subspace, rest)
    styles = {name: replace(style, subspace=subspace.hash) for name, style in kept.items()}
    bench.swap(subspace, styles | {name: one.style for name, one in moved.items()})
    lost = tuple(name for name in kept if CALIBRATION in now.styles[name].notes)
    return Refitted(kept, moved, bytes_before, bench.current.stored_bytes, lost)
