"""The report on the styles of a subspace: what each keeps, beside what its bytes could buy elsewhere."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from eigenlorax.likeness import StyleLikeness
from eigenlorax.report.html_page import section, table
from eigenlorax.report.picture_parts import percent
from eigenlorax.subspace.census import Census
from eigenlorax.subspace.style import Style

_HEAD = (
    "style", "verdict", "error", "own SVD at its ranks", "own SVD at its bytes",
    "in shared columns (by chance)", "covered by the others (by chance)", "in pictures", "kB",
)  # fmt: skip


def styles_part(
    styles: Sequence[Style],
    census: Census,
    outside: Mapping[str, str],
    likeness: Mapping[str, StyleLikeness],
) -> str:
    """A table of all styles, farthest first, and who is out of the basis; nothing without styles.

    Args:
        styles: Of one subspace.
        census: Of the collection; a style whose LoRA it lacks has no coverage.
        outside: LoRA -> why the bases were fitted without it.
        likeness: Style -> what was measured in pictures.
    """
    if not styles:
        return ""
    members = {member.name: member for member in census.members}
    rows = []
    for style in sorted(styles, key=lambda style: style.fidelity.effect_kept):
        f, member, seen = style.fidelity, members.get(style.name), likeness.get(style.name)
        notes = [words for words in (f.remark, outside.get(style.name, "")) if words]
        rows.append(
            [
                escape(style.name),
                escape("; ".join([f.verdict.value, *notes])),
                f"{f.weight_error:.3f}",
                _error(f.own_error),
                _error(f.alone_error),
                _shares(f.shared_kept, f.random_kept),
                "-" if member is None else f"{member.coverage:.0%} ({member.expected:.0%})",
                "-" if seen is None else percent(seen.relative),
                f"{f.style_bytes / 1000:,.0f}",
            ]
        )
    excluded = "".join(
        f"<li>{escape(name)}: {escape(why)}</li>"
        for name, why in outside.items()
        if name not in _names(styles)
    )
    left_out = f"<h3>Left out of the subspace</h3><ul>{excluded}</ul>" if excluded else ""
    losing = sum(style.fidelity.loses for style in styles)
    judged = (
        f" {losing} of {len(styles)} would be nearer on their own at equal bytes." if losing else
        " None would be nearer on its own at equal bytes."
        if all(style.fidelity.alone_error is not None for style in styles)
        else ""
    )  # fmt: skip
    return section(
        "Each style against its LoRA",
        "Error: what the style misses of its LoRA, relative, by weight. Own SVD: what the LoRA cut on its "
        "own would miss, at the style's ranks (no store of these can do better) and at the style's bytes, "
        "its part of the bases among them. In shared columns: what the bases hold of the LoRA; in brackets "
        f"what a random LoRA of the same strengths would have there.{judged}",
        "bytes go where they matter to the model, so errors by plain weight are not what was minimised; and "
        "weight error is not picture error.",
        table(_HEAD, rows, frozenset({0, 1})) + left_out,
    )


def styles_json(styles: Sequence[Style], likeness: Mapping[str, StyleLikeness]) -> dict[str, Any]:
    """The figures of every style, for programs."""
    return {
        style.name: style.fidelity.told
        | {"pictures": likeness[style.name].told if style.name in likeness else None}
        for style in styles
    }


def _names(styles: Sequence[Style]) -> set[str]:
    return {style.name for style in styles}


def _error(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _shares(own: float | None, chance: float | None) -> str:
    return "-" if own is None or chance is None else f"{own:.0%} ({chance:.1%})"
