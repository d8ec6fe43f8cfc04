"""Size curves of collections, kept in the data folder: what was measured once is not measured again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

from eigenlorax.library.atomic import told, written_aside
from eigenlorax.library.listing import Listing
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.size_curve import SAMPLED, SizeCurve

_FORMAT = 1


def size_curve_path(
    root: Path, listings: Sequence[Listing], effects: Mapping[ModulePath, float], numbers: Numbers
) -> Path:
    """Where the curve of these very files lies, for these effects of each module and these numbers."""
    files = sorted((str(one.path), one.file_bytes, one.changed) for one in listings)
    weights = sorted((str(path), float(f"{value:.6g}")) for path, value in effects.items())
    known = json.dumps([_FORMAT, SAMPLED, numbers.value, files, weights])
    return root / "cache" / "sizes" / f"{hashlib.sha256(known.encode()).hexdigest()[:24]}.json"


def save_size_curve(curve: SizeCurve, path: Path) -> None:
    """Write it, whole or not at all.

    Raises:
        NotWrittenError: the disk refused.
    """
    content = {
        "points": curve.points,
        "measured": curve.measured,
        "modules": [str(module) for module in curve.modules],
    }
    with told(path.parent), written_aside(path) as aside:
        aside.write_text(json.dumps(content), encoding="utf-8")


def load_size_curve(path: Path) -> SizeCurve | None:
    """What was kept; None where there is no file, or none that can be believed."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        points = tuple((float(kept), int(size)) for kept, size in content["points"])
        measured = int(content["measured"])
        modules = tuple(ModulePath.parse(name) for name in content["modules"])
    except (OSError, ValueError, TypeError, AttributeError, ArithmeticError, LookupError, RecursionError):
        return None
    sound = points and all(isfinite(kept) and kept <= 1.0 and size > 0 for kept, size in points)
    return SizeCurve(points, measured, modules) if sound and 0 < measured <= len(modules) else None
