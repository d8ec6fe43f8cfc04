"""What was measured in pictures, kept beside the subspaces as JSON: figures of numbers, not of names."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eigenlorax.library.atomic import told, written_aside
from eigenlorax.likeness import StyleLikeness
from eigenlorax.subspace.style import Style

_VERSION = 1


def figures_path(root: Path, layout: str) -> Path:
    """The file of all figures of one base layout, in the data folder `root`."""
    return root / "subspaces" / layout[:12] / "pictures.json"


def load_figures(path: Path, styles: Mapping[str, Style], base_name: str) -> dict[str, StyleLikeness]:
    """The figures that were measured of these very styles on this base; a damaged file holds none."""
    kept = _entries(path)
    found = {}
    for name, style in styles.items():
        if isinstance(entry := kept.get(_key(style, base_name)), dict):
            try:
                found[name] = _figure(entry)
            except (KeyError, TypeError, ValueError, OverflowError):
                continue
    return found


def keep_figure(path: Path, style: Style, base_name: str, figure: StyleLikeness) -> None:
    """Add one style's figure, in place of an earlier one of the same style.

    Raises:
        NotWrittenError: as the disk says.
    """
    entries = {**_entries(path), _key(style, base_name): {"name": style.name, **asdict(figure)}}
    content = {"version": _VERSION, "styles": entries}
    with told(path), written_aside(path) as aside:
        aside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _key(style: Style, base_name: str) -> str:
    """Changes whenever the style's numbers do: they decide the energy kept and the errors to all digits."""
    fidelity = style.fidelity
    told_by = (
        base_name, style.subspace, style.source_sha256, fidelity.energy_kept, fidelity.effect_error,
        fidelity.style_bytes, dict(style.notes),
    )  # fmt: skip
    return hashlib.sha256(json.dumps(told_by).encode()).hexdigest()[:24]


def _figure(entry: Mapping[str, Any]) -> StyleLikeness:
    numbers = {name: float(entry[name]) for name in ("rms", "base_rms", "ssim", "base_ssim")}
    return StyleLikeness(
        **numbers,
        prompts=tuple(map(str, entry["prompts"])),
        seeds=tuple(map(int, entry["seeds"])),
        steps=int(entry["steps"]),
    )


def _entries(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    entries = content.get("styles") if isinstance(content, dict) else None
    return entries if isinstance(entries, dict) else {}
