"""What is known of one style beside its LoRA, for the details of its row."""

from collections.abc import Iterator

from eigenlorax.likeness import StyleLikeness
from eigenlorax.subspace.fidelity import Fidelity
from ui import looking_text, text


def fidelity_facts(f: Fidelity, likeness: StyleLikeness | None) -> list[tuple[str, str]]:
    """(label, words) for every figure there is, most telling first."""
    return list(_facts(f, likeness))


def _facts(f: Fidelity, likeness: StyleLikeness | None) -> Iterator[tuple[str, str]]:
    if f.remark:
        yield "Verdict", f.remark
    if f.alone_error is not None:
        size = text.megabytes(f.alone_bytes)
        alone = f"error {f.alone_error:.3f} at the same bytes ({size} with its part of the bases), "
        yield "Its own SVD", f"{alone}{f.own_error:.3f} at the same ranks; this style {f.weight_error:.3f}"
    if f.effect_error is not None:
        yield "Weighted as in the fit", f"error {f.effect_error:.3f}, own SVD {f.alone_effect_error:.3f}"
    if f.shared_kept is not None:
        shares = f"{f.shared_kept:.1%} of it; of a random LoRA {f.random_kept:.2%}"
        yield "In shared columns", shares if f.random_kept else "nothing: no module of it has any"
    if likeness is not None:
        yield "In pictures", _seen(likeness)
    if f.distance_after is not None:
        yield "Calibrated", looking_text.calibrated(f.distance_before, f.distance_after)
    if f.worst_module:
        yield "Worst module", f"{f.worst_module} keeps {f.worst_kept:.0%}"
    if f.zero_modules:
        yield "Nothing in", text.count(f.zero_modules, "module")
    yield "LoRA file", text.megabytes(f.original_bytes)


def _seen(likeness: StyleLikeness) -> str:
    shares = map(looking_text.relative, (likeness.relative, likeness.relative_structure))
    return (
        "{} of the way to no style, structure {} ".format(*shares)
        + f"(root mean square {likeness.rms:.3f}, SSIM {likeness.ssim:.2f}); drawn: "
        + f"{', '.join(likeness.prompts)}; seed {', '.join(map(str, likeness.seeds))}; {likeness.steps} steps"
    )
