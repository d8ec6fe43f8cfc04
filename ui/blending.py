"""What the rack asks the studio while styles are mixed; nothing here waits for a picture."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from eigenlorax.blending.conflict import Conflict
from eigenlorax.blending.map import neighbours
from eigenlorax.errors import StudioError
from eigenlorax.studio import Studio
from ui import rack_text
from ui.dials import dials_of
from ui.rack_value import LIMIT, entries_of, scale_of, strengths

Answer = dict[str, Any]
Asking = Callable[[Any], Answer]


def answers(studio: Studio) -> list[Asking]:
    """The functions that the rack's script calls by name, each with one value, as Gradio hands them on.

    A refusal comes back as `{"error": words}`.
    """
    desk = studio.blending

    def weigh(value: str) -> Answer:
        """How the styles in use lie to each other."""
        return told(desk.conflict(strengths(value), dials_of(value)))

    def even(_: object) -> Answer:
        """Style -> factor that makes all compare."""
        return {"scales": {name: round(scale, 4) for name, scale in desk.scales().items()}}

    def balance(value: str) -> Answer:
        """Strengths of the styles in use, as the sliders show them, with equal shares."""
        entries = entries_of(value)
        locked = [name for name, entry in entries.items() if entry.get("lock")]
        worn = desk.balance(strengths(value), locked, dials_of(value))
        shown = {n: s / scale_of(entries[n]) for n, s in worn.items() if n not in locked}
        clipped = any(abs(strength) > LIMIT for strength in shown.values())
        limited = {name: round(max(-LIMIT, min(LIMIT, strength)), 4) for name, strength in shown.items()}
        return {"strengths": limited, "told": rack_text.balanced(clipped)}

    def derive(name: str) -> Answer:
        """What a derived style is made of."""
        return {"name": name, "words": desk.derivation(name).words}

    def lines(_: object) -> Answer:
        """The leading directions of the collection, as rows of the rack."""
        return {
            "lines": [
                {"name": f"direction {place}", "words": rack_text.ends(*line.ends, line.share)}
                for place, line in enumerate(desk.directions(), start=1)
            ]
        }

    def chart(_: object) -> Answer:
        """Where the styles lie on the map."""
        found = desk.map()
        return {"points": dict(found.points), "share": f"{found.share:.0%}"}

    def near(at: dict[str, float]) -> Answer:
        """The neighbours of a place on the map, as strengths."""
        points = desk.map().points
        if not points:
            return {"strengths": {}}
        found = neighbours(points, (float(at["x"]), float(at["y"])))
        return {"strengths": {name: round(strength, 4) for name, strength in found.items()}}

    def keep(wish: dict[str, str]) -> Answer:
        """Keep a derived style."""
        name = desk.keep(str(wish["name"]), str(wish["chosen"])).name
        return {"name": name, "told": rack_text.kept_as(name)}

    return [_refusing(ask) for ask in (weigh, even, balance, derive, lines, chart, near, keep)]


def told(found: Conflict) -> Answer:
    """A measured blend in the words and figures of the meter; without words for fewer than two styles."""
    if found.worst is None:
        return {"words": ""}
    one, other, cosine = found.worst.one, found.worst.other, found.worst.cosine
    return {
        "balance": round(found.balance, 4),
        "words": rack_text.verdict(found.balance, one, other, cosine),
        "kept": rack_text.kept(found.kept),
        "parts": [[rack_text.REGIONS[region], round(part, 4)] for region, part in found.parts.items()],
        "shares": [[name, round(share, 4)] for name, share in found.shares.items()],
    }


def _refusing(ask: Asking) -> Asking:
    @wraps(ask)
    def asked(told: Any) -> Answer:
        try:
            return ask(told)
        except StudioError as error:
            return {"error": str(error)}

    return asked
