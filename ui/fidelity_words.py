"""What is known of one style beside its LoRA, for the details of its row."""

from collections.abc import Iterator

from eigenlorax.likeness import StyleLikeness
from eigenlorax.subspace.fidelity import Fidelity
from ui import looking_text, text
from ui.language import say


def fidelity_facts(f: Fidelity, likeness: StyleLikeness | None) -> list[tuple[str, str]]:
    """(label, words) for every figure there is, most telling first."""
    return list(_facts(f, likeness))


def _facts(f: Fidelity, likeness: StyleLikeness | None) -> Iterator[tuple[str, str]]:
    if f.remark:
        yield say("Verdict"), f.remark
    if f.alone_error is not None:
        yield (
            say("Its own SVD"),
            say(
                "error {alone:.3f} at the same bytes ({size} with its part of the bases), "
                "{own:.3f} at the same ranks; this style {style:.3f}",
                alone=f.alone_error,
                size=text.megabytes(f.alone_bytes),
                own=f.own_error,
                style=f.weight_error,
            ),
        )
    if f.effect_error is not None:
        yield (
            say("Weighted as in the fit"),
            say(
                "error {error:.3f}, own SVD {alone:.3f}",
                error=f.effect_error,
                alone=f.alone_effect_error,
            ),
        )
    if f.shared_kept is not None:
        shares = say(
            "{kept:.1%} of it; of a random LoRA {random:.2%}",
            kept=f.shared_kept,
            random=f.random_kept,
        )
        yield say("In shared columns"), shares if f.random_kept else say("nothing: no module of it has any")
    if likeness is not None:
        yield say("In pictures"), _seen(likeness)
    if f.distance_after is not None:
        yield say("Calibrated"), looking_text.calibrated(f.distance_before, f.distance_after)
    if f.worst_module:
        worst = say("{module} keeps {share:.0%}", module=f.worst_module, share=f.worst_kept)
        yield say("Worst module"), worst
    if f.zero_modules:
        yield say("Nothing in"), text.count(f.zero_modules, "module")
    yield say("LoRA file"), text.megabytes(f.original_bytes)


def _seen(likeness: StyleLikeness) -> str:
    return say(
        "{pictures} of the way to no style, structure {structure} (root mean square {rms:.3f}, "
        "SSIM {ssim:.2f}); drawn: {prompts}; seed {seeds}; {steps} steps",
        pictures=looking_text.relative(likeness.relative),
        structure=looking_text.relative(likeness.relative_structure),
        rms=likeness.rms,
        ssim=likeness.ssim,
        prompts=", ".join(likeness.prompts),
        seeds=", ".join(map(str, likeness.seeds)),
        steps=likeness.steps,
    )
