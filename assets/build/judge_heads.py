"""The judge's linear heads and what they say on real reference pictures, as one npz file.

A subject head names one of the common subjects. For every look there is one head for each family that draws
reference pictures of it, fitted on all other families: on plain pictures, and on pictures in that look if it
is an image-made style. The one style head names one look.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from judge_blocks import FLATNESS, OFF_PALETTE
from judge_net import Features, Floats
from judge_pictures import BASE_COLOURED, BASE_LOOK, Item
from subjects import (
    BASE_SETS,
    FAMILIES,
    FEWSHOT_SETS,
    FEWSHOT_STYLES,
    STYLE_SOURCES,
    is_test_subject,
)

Flags = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int64]

#: Ridge strengths, for subject features and for standardised style features.
SUBJECT_RIDGE = 0.5
STYLE_RIDGE = 100.0
#: Directions (of 2560) kept of the subject features, so that a hundred heads fit into one small file.
DIRECTIONS = 1536
#: Looks that the style head knows but that are candidates only when such a look is being scored.
RESERVED: tuple[str, ...] = (*FEWSHOT_SETS, *FEWSHOT_STYLES, "p-solar-broken")
PIXEL = "pixel"


@dataclass(frozen=True)
class Table:
    """Real pictures with their features (n rows each)."""

    items: list[Item]
    features: Features
    blocks: Floats

    def pick(self, which: Flags) -> "Table":
        """The chosen rows."""
        items = [item for item, chosen in zip(self.items, which, strict=True) if chosen]
        return Table(items, self.features.rows(which), self.blocks[which])


@dataclass(frozen=True)
class Linear:
    """Scores = (x - mean) * scale @ weight, (n, classes)."""

    mean: Floats
    scale: Floats
    weight: Floats

    def scores(self, x: Floats) -> Floats:
        """Class scores of feature rows."""
        return np.asarray(((x - self.mean) * self.scale) @ self.weight, dtype=np.float32)


def fit_ridge(x: Floats, labels: Labels, classes: int, strength: float, standardise: bool) -> Linear:
    """Least squares on one-hot targets, every class weighing the same, with a ridge."""
    mean = x.mean(axis=0)
    scale = 1 / np.maximum(x.std(axis=0), 1e-3) if standardise else np.ones_like(mean)
    weights = np.sqrt(len(labels) / (classes * np.maximum(np.bincount(labels, minlength=classes), 1)))[labels]
    target = (np.eye(classes, dtype=np.float32)[labels] - 1 / classes) * weights[:, None]
    rows = (x - mean) * scale * weights[:, None]
    gram = rows.T @ rows + strength * np.eye(rows.shape[1], dtype=np.float32)
    return Linear(mean, scale.astype(np.float32), np.linalg.solve(gram, rows.T @ target).astype(np.float32))


def tame(style: Floats) -> Floats:
    """Logarithms of the style statistics: thin lines on white differ in small numbers."""
    return np.log(np.abs(style) + np.float32(0.05))


def families_of(look: str) -> list[str]:
    """Families whose real pictures are the reference for a look."""
    if look == BASE_LOOK:
        return [FAMILIES[source] for source in BASE_COLOURED]
    return [FAMILIES[look]] if look in FAMILIES else [FAMILIES[source] for source in STYLE_SOURCES]


def is_reference(item: Item) -> bool:
    """Whether a real picture is compared with generated ones (of the LoRAs' looks: test subjects only)."""
    if item.style:
        return item.source in STYLE_SOURCES and is_test_subject(item.subject)
    return item.source in BASE_COLOURED or (item.source not in BASE_SETS and is_test_subject(item.subject))


@dataclass(frozen=True)
class Verdict:
    """Of n pictures, whether subject and style are named right."""

    subject: Flags
    style: Flags


@dataclass(frozen=True)
class Judge:
    """Heads, class names, and the verdicts on the real reference pictures."""

    core: list[str]
    looks: list[str]
    axes: Floats
    subject_heads: dict[str, Linear]
    style_head: Linear
    pixel_limits: Floats
    reference: dict[str, npt.NDArray[np.str_]]
    reference_x: Floats
    reference_verdict: Verdict

    def style_right(self, features: Features, blocks: Floats, looks: npt.NDArray[np.str_]) -> Flags:
        """Whether each picture has the look that it should have."""
        known = np.array(self.looks)
        scores = self.style_head.scores(tame(features.style))
        scores[np.ix_(~np.isin(looks, RESERVED), np.isin(known, RESERVED))] = -np.inf
        blocky = (blocks[:, FLATNESS] > self.pixel_limits[0]) & (
            blocks[:, OFF_PALETTE] < self.pixel_limits[1]
        )
        return np.where(looks == PIXEL, blocky, known[scores.argmax(axis=1)] == looks)

    def subject_right(self, x: Floats, subjects: npt.NDArray[np.str_], head: str) -> Flags:
        """Whether one head, `<look>/<family left out>`, names the subjects; never true for unknown ones."""
        named = self.subject_heads[head].scores(x).argmax(axis=1)
        return np.asarray(np.array(self.core)[named] == subjects)

    def verdict(self, features: Features, blocks: Floats, subjects: list[str], looks: list[str]) -> Verdict:
        """Judge generated pictures that should show `subjects` in `looks`.

        Each is judged by the head that has not seen the family whose drawing of the subject it is most like,
        so that a picture learnt by heart is treated as the real one. Without reference: wrong.
        """
        x = features.subject @ self.axes
        subject = np.zeros(len(looks), dtype=bool)
        for number, (name, look) in enumerate(zip(subjects, looks, strict=True)):
            real = np.flatnonzero((self.reference["look"] == look) & (self.reference["subject"] == name))
            if len(real):
                nearest = real[((self.reference_x[real] - x[number]) ** 2).sum(axis=1).argmin()]
                head = f"{look}/{FAMILIES[str(self.reference['source'][nearest])]}"
                subject[number] = self.subject_right(x[number : number + 1], np.array([name]), head)[0]
        return Verdict(subject, self.style_right(features, blocks, np.array(looks)))

    def save(self, path: Path) -> None:
        """Write everything to one npz without pickles."""
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "core": np.array(self.core),
            "looks": np.array(self.looks),
            "axes": self.axes.astype(np.float16),
            "pixel_limits": self.pixel_limits,
            "reference_x": self.reference_x.astype(np.float16),
            "reference_subject_right": self.reference_verdict.subject,
            "reference_style_right": self.reference_verdict.style,
        }
        arrays |= {f"reference_{key}": value for key, value in self.reference.items()}
        for name, head in {**self.subject_heads, "style": self.style_head}.items():
            weight = head.weight.astype(np.float16)
            arrays |= {f"{name}|mean": head.mean, f"{name}|scale": head.scale, f"{name}|weight": weight}
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **arrays)


def load_judge(path: Path) -> Judge:
    """Read what `Judge.save` wrote. Raises FileNotFoundError."""
    kept = np.load(path)
    names = {key.split("|")[0] for key in kept.files if "|" in key}
    heads = {
        n: Linear(kept[f"{n}|mean"], kept[f"{n}|scale"], kept[f"{n}|weight"].astype(np.float32))
        for n in names
    }
    style = heads.pop("style")
    verdict = Verdict(kept["reference_subject_right"], kept["reference_style_right"])
    reference = {key: kept[f"reference_{key}"] for key in ("look", "subject", "source")}
    core, looks, axes = kept["core"].tolist(), kept["looks"].tolist(), kept["axes"].astype(np.float32)
    x = kept["reference_x"].astype(np.float32)
    return Judge(core, looks, axes, heads, style, kept["pixel_limits"], reference, x, verdict)
