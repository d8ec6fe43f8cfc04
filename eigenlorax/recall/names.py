"""The samplers and schedules of all programs by the names that are used here."""

import difflib
from collections.abc import Mapping

from eigenlorax.recipe import AUTOMATIC, SAMPLERS

_SAMPLERS: Mapping[str, str] = {
    "euler": "Euler", "eulera": "Euler a", "eulerancestral": "Euler a", "heun": "Heun", "dpm2": "DPM2",
    "kdpm2": "DPM2", "dpm2a": "DPM2 a", "dpm2ancestral": "DPM2 a", "kdpm2a": "DPM2 a",
    "kdpm2ancestral": "DPM2 a", "lms": "LMS", "dpmpp2m": "DPM++ 2M", "dpmppsde": "DPM++ SDE",
    "dpmpp2msde": "DPM++ 2M SDE",
    "dpmpp3msde": "DPM++ 3M SDE", "unipc": "UniPC", "deis": "DEIS", "ddim": "DDIM", "ddpm": "DDPM",
    "plms": "PLMS", "pndm": "PLMS", "lcm": "LCM", "tcd": "TCD", "dpmppsinglestep": "DPM++ SDE",
}  # fmt: skip
#: Kin of those above: another formula, the same way of working.
_NEAREST: Mapping[str, str] = {
    "eulercfgpp": "Euler", "euleracfgpp": "Euler a", "eulerancestralcfgpp": "Euler a", "heunpp2": "Heun",
    "dpmfast": "DPM++ 2M", "dpmadaptive": "DPM2", "restart": "Heun", "dpmpp2s": "DPM++ SDE",
    "dpmpp2sa": "DPM++ SDE", "dpmpp2sancestral": "DPM++ SDE", "dpmpp2sancestralcfgpp": "DPM++ SDE",
    "dpmpp2msdeheun": "DPM++ 2M SDE", "dpmpp2mcfgpp": "DPM++ 2M", "dpmpp3m": "DPM++ 3M SDE",
    "dpmppsdecfgpp": "DPM++ SDE",
    "unipcbh2": "UniPC", "ddimcfgpp": "DDIM", "ipndm": "PLMS", "ipndmv": "PLMS", "resmultistep": "DPM++ 2M",
    "ersde": "DPM++ 2M SDE", "dpmpp": "DPM++ 2M", "dpmsolver": "DPM++ 2M", "ddimv3": "DDIM",
    "edmeuler": "Euler",
}  # fmt: skip
#: Schedule -> ours, the nearest first.
_SCHEDULES: Mapping[str, tuple[str, ...]] = {
    "": (AUTOMATIC,), "automatic": (AUTOMATIC,), "auto": (AUTOMATIC,), "default": (AUTOMATIC,),
    "native": (AUTOMATIC,), "karras": ("Karras",), "exponential": ("Exponential",), "beta": ("Beta",),
    "uniform": ("Uniform", "Simple"), "sgmuniform": ("SGM Uniform",), "simple": ("Simple", "SGM Uniform"),
    "normal": ("Uniform", "Simple"),
}  # fmt: skip
_NEAREST_SCHEDULES: Mapping[str, tuple[str, ...]] = {
    "polyexponential": ("Exponential",), "ddimuniform": ("Uniform", "Simple"), "ddim": ("Uniform", "Simple"),
    "turbo": ("SGM Uniform",), "alignyoursteps": ("Karras",), "ays": ("Karras",),
    "kloptimal": ("Karras",), "linearquadratic": ("Simple", "SGM Uniform"), "beta57": ("Beta",),
}  # fmt: skip
_ENDINGS = (
    ("karras", "Karras"),
    ("exponential", "Exponential"),
    ("substep", ""),
    ("gpu", ""),
    ("trailing", ""),
)


def named(sampler: str, schedule: str) -> tuple[str, str, tuple[str, ...]]:
    """Sampler and schedule in our names, and what could not be kept, a sentence each.

    Args:
        sampler: As a program calls it, a schedule in its name allowed ("DPM++ 2M Karras", "dpmpp_2m_k").
        schedule: As it calls that; empty leaves it to the sampler.

    Source: A1111 (modules/sd_samplers_kdiffusion.py, sd_schedulers.py), ComfyUI (comfy/samplers.py), InvokeAI
        (SCHEDULER_NAME_VALUES), NovelAI ("k_" stands before its samplers).
    """
    words = []
    key, inside = _key(sampler)
    found = _SAMPLERS.get(key, "")
    if not found:
        near = difflib.get_close_matches(key, _SAMPLERS, 1, 0.0)
        found = _NEAREST.get(key) or (_SAMPLERS[near[0]] if near else "Euler")
        words.append(f"no sampler {sampler.strip()[:60]!r} here: {found} is the nearest")
    asked = _squashed(schedule)
    wanted = _SCHEDULES.get(asked if asked not in ("automatic", "") else _squashed(inside) or asked)
    if wanted is None:
        wanted = _NEAREST_SCHEDULES.get(asked, (AUTOMATIC,))
        words.append(f"no schedule {schedule.strip()[:60]!r} here: {wanted[0]} is the nearest")
    known = SAMPLERS[found]
    chosen = next((one for one in wanted if one in known), AUTOMATIC)
    if chosen != wanted[0] and chosen == AUTOMATIC:
        words.append(f"{found} has no schedule {wanted[0]} here: it takes its own")
    return found, chosen, tuple(words)


def _key(sampler: str) -> tuple[str, str]:
    """What a name comes to without its schedule, and that schedule."""
    key, schedule = _squashed(sampler[:200]), ""
    if sampler.strip().lower().endswith("_k"):
        key, schedule = key[:-1], "Karras"
    for ending, meant in _ENDINGS:
        if key.endswith(ending) and key != ending:
            key, schedule = key.removesuffix(ending), meant or schedule
    for start in ("sample", "k"):
        if key not in _SAMPLERS and key not in _NEAREST and key.startswith(start):
            key = key.removeprefix(start)
    return key, schedule


def _squashed(name: str) -> str:
    return "".join(c for c in name.lower().replace("++", "pp") if c.isascii() and c.isalnum())
