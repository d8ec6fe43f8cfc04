"""LoRAs that a shared basis should not be made for: they share nothing in a collection that shares."""

from statistics import median

from eigenlorax.subspace.census import Census, Member

#: Coverage beyond chance below which a LoRA has next to nothing of the others.
_STRANGER = 0.1
#: Median coverage beyond chance from which on a collection is a family that one can be a stranger to.
_FAMILY = 0.25
_FEWEST = 4
#: Coverage by chance above which the others fill the modules, so that coverage tells nothing.
CROWDED = 0.9


def outliers(census: Census) -> dict[str, str]:
    """The LoRAs that should be kept whole and out of the basis, each with the reason in words.

    By leave-one-out coverage ||U_-t^T dW_t V_-t||^2 / ||dW_t||^2 beyond chance: below a tenth, while the
    middle LoRA of the collection is above a quarter. Where nobody shares there is no outlier: the fit then
    keeps every LoRA by itself anyway. Fewer than four LoRAs are no family.
    """
    told = [member for member in census.members if member.norm > 0.0 and member.expected <= CROWDED]
    if len(told) < _FEWEST:
        return {}
    middle = median(member.beyond_chance for member in told)
    if middle < _FAMILY:
        return {}
    return {m.name: _why(m, middle) for m in told if m.beyond_chance < _STRANGER}


def _why(member: Member, middle: float) -> str:
    return (
        f"outlier: {member.beyond_chance:.0%} of it, beyond chance, lies in the span of the other LoRAs; "
        f"of the middle one {middle:.0%}"
    )
