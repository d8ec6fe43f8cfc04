"""Fitting the judge on real pictures, and its verdicts on the real reference pictures."""

import numpy as np
from judge_blocks import FLATNESS, OFF_PALETTE
from judge_heads import (
    DIRECTIONS,
    PIXEL,
    STYLE_RIDGE,
    SUBJECT_RIDGE,
    Flags,
    Judge,
    Linear,
    Table,
    Verdict,
    families_of,
    fit_ridge,
    is_reference,
    tame,
)
from judge_net import Floats
from judge_pictures import BASE_LOOK
from subjects import FAMILIES, FEWSHOT_SETS, LORA_SETS, is_test_subject


def fit_judge(table: Table, core: list[str]) -> Judge:
    """Fit all heads, each on other hands than it is measured on; then judge the reference pictures."""
    place = {name: number for number, name in enumerate(core)}
    labels = np.array([place.get(item.subject, -1) for item in table.items])
    family = np.array([FAMILIES[item.source] for item in table.items])
    style = np.array([item.style for item in table.items])
    known = (labels >= 0) & np.array([item.to_fit for item in table.items])

    axes = main_directions(table.features.subject[known])
    x = table.features.subject @ axes
    looks = sorted({BASE_LOOK, *LORA_SETS, *FEWSHOT_SETS} | set(style) - {""})
    heads: dict[str, Linear] = {}
    for look in looks:
        for left_out in families_of(look):
            rows = known & (family != left_out) & ((style == "") | (style == look))
            heads[f"{look}/{left_out}"] = fit_ridge(x[rows], labels[rows], len(core), SUBJECT_RIDGE, False)

    number = {look: index for index, look in enumerate(looks)}
    of_look = np.array([number.get(item.look, -1) for item in table.items])
    reference = np.array([is_reference(item) for item in table.items]) & (labels >= 0) & (of_look >= 0)
    learnt = np.array([not is_test_subject(item.subject) for item in table.items])
    used = learnt & ~reference & (of_look >= 0)
    style_head = fit_ridge(tame(table.features.style[used]), of_look[used], len(looks), STYLE_RIDGE, True)

    shown = table.pick(reference)
    facts = {
        "look": np.array([item.look for item in shown.items]),
        "subject": np.array([item.subject for item in shown.items]),
        "source": np.array([item.source for item in shown.items]),
    }
    limits = pixel_limits(table, used)
    shown_x = x[reference]
    nothing = Verdict(np.zeros(0, dtype=bool), np.zeros(0, dtype=bool))
    judge = Judge(core, looks, axes, heads, style_head, limits, facts, shown_x, nothing)
    right = np.zeros(len(shown.items), dtype=bool)
    heads_of = np.array([f"{item.look}/{FAMILIES[item.source]}" for item in shown.items])
    for head in np.unique(heads_of):
        rows = heads_of == head
        right[rows] = judge.subject_right(shown_x[rows], facts["subject"][rows], str(head))
    said = Verdict(right, judge.style_right(shown.features, shown.blocks, facts["look"]))
    return Judge(core, looks, axes, heads, style_head, limits, facts, shown_x, said)


def main_directions(x: Floats) -> Floats:
    """The first principal directions of feature rows (n, 2560), as columns (2560, DIRECTIONS)."""
    centred = x - x.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return np.ascontiguousarray(vectors[:, ::-1][:, :DIRECTIONS], dtype=np.float32)


def pixel_limits(table: Table, used: Flags) -> Floats:
    """Least flatness and greatest off-palette distance of the pixel style: each beyond 99% of other looks."""
    others = table.blocks[used & np.array([item.look != PIXEL for item in table.items])]
    flat, away = np.percentile(others[:, FLATNESS], 99), np.percentile(others[:, OFF_PALETTE], 1)
    return np.array([flat, away], dtype=np.float32)
