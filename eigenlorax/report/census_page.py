"""A census as one page that a person reads, and as JSON for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from itertools import pairwise
from typing import Any

from eigenlorax.formats.relations import Relations
from eigenlorax.report.census_words import Verdict, lead, notices, verdict
from eigenlorax.report.html_page import bar, cards, document, section, stacked_bar, table
from eigenlorax.report.svg import Line, heat_map, line_chart
from eigenlorax.subspace.census import DOMINANT, OWN_RANKS, Census, Side
from eigenlorax.subspace.outliers import outliers

_TABLE_DIRECTIONS = (4, 8, 16, 32)
_MOST_MAPPED = 120


def as_json(census: Census, relations: Relations) -> dict[str, Any]:
    """Everything that was measured; each certificate carries its module's name."""
    strangers = outliers(census)
    content = asdict(census)
    for told, member in zip(content["members"], census.members, strict=True):
        told |= {"beyond_chance": member.beyond_chance, "verdict": verdict(member).value}
        told["outlier"] = strangers.get(member.name, "")
        told["tails"] = {str(rank): lost for rank, lost in member.tails.items()}
    for told, certificate in zip(content["certificates"], census.certificates, strict=True):
        told["module"] = str(certificate.module)
    return content | {
        "dominant": list(census.dominant),
        "duplicates": [list(names) for names in relations.duplicates],
        "seed_groups": [{"names": list(group.names), "seed": group.seed} for group in relations.seed_groups],
    }


def page(census: Census, relations: Relations, more: Sequence[str] = ()) -> str:
    """The whole report as one HTML page without scripts or requests.

    Args:
        census: What was measured.
        relations: Copies and shared random starts.
        more: Further parts, HTML; they stand above those of the census.
    """
    count = len(census.members)
    title = f"What {count} LoRAs share" if count > 1 else "One LoRA, measured"
    parts = [
        f'<h1>{title}</h1><p class="lead">{escape(lead(census, relations))}</p>',
        cards(_figures(census)),
        _notices(census, relations),
        *more,
        _energy(census),
        _saturation(census),
        _members(census, relations),
        _likeness(census),
        _carriers(census),
        _certificates(census),
        "<footer>Energy is the squared Frobenius norm of a weight update; every LoRA counts with norm 1, so "
        "that a strong one does not take the collection. Random frames have the same ranks and strengths and "
        "come from a fixed seed; coverage by chance is an expectation in closed form.</footer>",
    ]
    return document(title, "\n".join(part for part in parts if part))


def _figures(census: Census) -> list[tuple[str, str]]:
    figures = []
    for side, words in ((census.out, "output"), (census.into, "input")):
        own, chance = (_reaches(census, curve, 0.9) for curve in (side.kept, side.random))
        figures.append(
            (f"{own:.0f}", f"{words} directions per module keep 90% of the energy (strangers: {chance:.0f})")
        )
    position = max(i for i, k in enumerate(census.directions) if k <= 8)
    bound, hosvd = census.bound[position], census.hosvd[position]
    k = census.directions[position]
    figures.append((_range(bound, hosvd), f"of the energy is what the best {k} x {k} cores lose"))
    alone = sum(verdict(member) is Verdict.ALONE for member in census.members)
    figures.append((f"{alone} of {len(census.members)}", "stand alone, by weight"))
    return figures


def _reaches(census: Census, curve: Sequence[float], share: float) -> float:
    """The number of directions that keeps `share`, between two measured ones by a straight line."""
    points = [(0, 0.0), *zip(census.directions, curve, strict=True)]
    for (low, less), (high, more) in pairwise(points):
        if more >= share:
            return low + (high - low) * (share - less) / (more - less)
    return float(census.directions[-1])


def _notices(census: Census, relations: Relations) -> str:
    lines = notices(census, relations)
    if not lines:
        lines = ["no copies, no shared random start, no group of alike LoRAs and none that dominates"]
    inner = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<section><h2>Worth knowing</h2><ul>{inner}</ul></section>"


def _energy(census: Census) -> str:
    charts = "".join(
        "<div><h3>{}</h3>{}</div>".format(
            name,
            line_chart(
                f"Energy kept by shared {name.lower()}",
                "shared directions per module",
                census.directions,
                [Line("random frames", side.random, "chance"), Line("this collection", side.kept, look)],
            ),
        )
        for name, side, look in (
            ("Output directions", census.out, "a"),
            ("Input directions", census.into, "b"),
        )
    )
    return section(
        "How many directions hold the collection",
        "The share of all weight energy that the K leading directions of every module keep. The room between "
        "the curve and the dashed one is what the LoRAs truly have in common.",
        "energy kept is not picture quality, and one random start shared by several LoRAs lifts the input "
        "curve without any style being shared.",
        f'<div class="pair">{charts}</div>',
    )


def _saturation(census: Census) -> str:
    if not census.others:
        return ""
    chart = line_chart(
        "Coverage of a LoRA by other LoRAs",
        "other LoRAs in the basis",
        census.others,
        [
            Line("by chance", census.saturation_expected, "chance"),
            Line("mean coverage", census.saturation, "a"),
        ],
    )
    figures = _value_table(
        ["others", "by chance", "covered"], census.others, [census.saturation_expected, census.saturation]
    )
    return section(
        "How many LoRAs until a new one fits",
        "How much of a LoRA lies inside the full span of n others, both sides at once: the mean over all "
        "LoRAs. While the gap to the dashed curve still grows, more LoRAs would help; else they would not.",
        "the span of many LoRAs is wide, so part of the climb is mere size: only what stands above the "
        "dashed curve is kinship. A LoRA that is covered badly can still be stored well with a private "
        "remainder.",
        f'<div class="pair"><div>{chart}</div>{figures}</div>',
    )


def _members(census: Census, relations: Relations) -> str:
    strangers = outliers(census)
    starts = {name: group.names for group in relations.seed_groups for name in group.names}
    rows = []
    for member in sorted(census.members, key=lambda member: member.beyond_chance):
        own_start = [name for name in starts.get(member.name, ()) if name != member.name]
        note = f"; one random start with {', '.join(own_start)}" if own_start else ""
        note += "; an outlier: better kept whole, out of the basis" if member.name in strangers else ""
        rows.append(
            [
                escape(member.name),
                f"{verdict(member).value}{escape(note)}",
                bar(member.coverage, member.expected),
                f"{member.expected:.0%}",
                " · ".join(f"{member.tails[rank]:.0%}" for rank in OWN_RANKS),
                f"{escape(member.nearest)} ({member.cosine:.2f})" if member.nearest else "none",
                f"{member.norm:.3g}",
                str(member.modules),
            ]
        )
    head = ["LoRA", "verdict", "covered by the others", "by chance"]
    head += [f"lost at rank {', '.join(map(str, OWN_RANKS))}", "most alike (cosine)", "norm", "modules"]
    return section(
        "Each LoRA",
        "Lost at rank r: what the nearest LoRA of rank r would lose of it. Covered: what a basis of all the "
        "others could hold of it; the tick in the bar is chance. The verdict counts what is above chance.",
        "a LoRA that stands alone is not a bad one. It only cannot be rebuilt from the others, so it is "
        "better kept whole or given a private remainder.",
        table(head, rows, frozenset({0, 1, 5})),
    )


def _likeness(census: Census) -> str:
    if len(census.members) < 2:
        return ""
    if len(census.members) > _MOST_MAPPED:
        drawn = "<p>The table is too large to draw; it is in the JSON.</p>"
    else:
        place = {member.name: index for index, member in enumerate(census.members)}
        order = [place[name] for name in census.order]
        values = [[census.cosines[row][column] for column in order] for row in order]
        drawn = heat_map("Cosine of every pair of LoRAs", census.order, values)
    return section(
        "Which LoRAs are alike",
        "The cosine of every two whole updates, alike ones beside each other; the depth of colour grows with "
        f"its root. Pairs of strangers would have some {census.cosine_by_chance:.4f} here.",
        "two LoRAs can make pictures alike and be far apart in weights.",
        drawn,
    )


def _carriers(census: Census) -> str:
    return section(
        "Who carries the leading directions",
        "Each bar is one leading direction, summed over all modules, and its parts are the LoRAs that carry "
        f"it. One above {DOMINANT:.0%} dominates: what it knows, good or bad, is what the basis holds first.",
        "a direction is not a concept. A long bar tells whose pictures to look at, not what is in them.",
        f'<div class="pair">{_side_carriers("Output", census, census.out)}'
        f"{_side_carriers('Input', census, census.into)}</div>",
    )


def _side_carriers(title: str, census: Census, side: Side) -> str:
    lines = [f"<div><h3>{title} side</h3>"]
    names = [member.name for member in census.members]
    for number, loads in enumerate(side.loads):
        if sum(loads) > 0.0:
            lines.append(
                f'<div class="tell"><span>direction {number + 1}</span><span>carried by '
                f"{side.carriers[number]:.1f} LoRAs in a module (strangers: "
                f"{side.random_carriers[number]:.1f})</span></div>"
            )
            limit = DOMINANT if len(names) > 3 else 1.0
            shares = sorted(zip(names, loads, strict=True), key=lambda share: -share[1])
            most = ", ".join(f"{name} {share:.0%}" for name, share in shares[:3] if share >= 0.005)
            lines.append(stacked_bar(shares, limit))
            lines.append(f'<div class="tell"><span>most of it: {escape(most)}</span></div>')
    return "".join(lines) + "</div>"


def _certificates(census: Census) -> str:
    chart = line_chart(
        "Energy that shared cores must lose",
        "size K of the K x K cores",
        census.directions,
        [Line("bound: no bases lose less", census.bound, "chance"), Line("HOSVD's bases", census.hosvd, "b")],
    )
    figures = _value_table(["K", "bound", "HOSVD"], census.directions, [census.bound, census.hosvd])
    shown = {k: i for i, k in enumerate(census.directions) if k in _TABLE_DIRECTIONS}
    rows = [
        [
            escape(str(one.module)),
            f"{one.energy:.1%}",
            *(_range(one.bound[i], one.hosvd[i]) for i in shown.values()),
        ]
        for one in sorted(census.certificates, key=lambda one: -one.energy)
    ]
    modules = table(["module", "energy", *(f"K = {k}" for k in shown)], rows, frozenset({0}))
    return section(
        "What K x K cores must lose",
        "No choice of shared bases with K columns on both sides can lose less than the dashed curve, and the "
        "best choice lies between the two. A target beyond it needs more columns or private remainders.",
        "the bound is for plain weight energy, every LoRA equal, without private remainders; a store that "
        "weights modules by what they do, or that is calibrated, is judged by its pictures instead.",
        f'<div class="pair"><div>{chart}</div>{figures}</div>'
        f"<details><summary>Every module</summary>{modules}</details>",
    )


def _value_table(head: Sequence[str], positions: Sequence[int], curves: Sequence[Sequence[float]]) -> str:
    """The numbers of a chart's curves beside it."""
    rows = [
        [str(at), *(f"{value:.1%}" for value in values)]
        for at, *values in zip(positions, *curves, strict=True)
    ]
    return f'<div class="figures">{table(head, rows, frozenset())}</div>'


def _range(low: float, high: float) -> str:
    return f"{low:.0%} to {high:.0%}" if round(high - low, 2) > 0.0 else f"{high:.0%}"
