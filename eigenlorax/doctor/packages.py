"""Python and the packages against their pins; imports Python's own alone, so it works when they lack."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from eigenlorax.doctor.finding import Finding, Health

LEAST = (3, 11)
_REQUIREMENTS = Path(__file__).resolve().parent.parent.parent / "requirements.txt"
_PIN = re.compile(r"([\w-]+)==([\w.]+)")


def python_and_packages() -> Iterator[Finding]:
    """Python's version, then one finding for all packages as pinned, or one for each that is not."""
    told = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= LEAST:
        yield Finding("Python", told)
    else:
        wanted = ".".join(map(str, LEAST))
        yield Finding("Python", told, Health.FAULT, f"install Python {wanted} or newer and make a new .venv")
    faults = list(_packages(pins := pinned()))
    yield from faults
    if not faults:
        main = ", ".join(f"{name} {pins[name]}" for name in ("torch", "diffusers", "gradio") if name in pins)
        yield Finding("Packages", f"all {len(pins)} as pinned: {main} and more")


def pinned() -> dict[str, str]:
    """Package -> the version that the program was tested with."""
    if _REQUIREMENTS.is_file():
        lines = _REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    else:
        try:
            lines = requires("eigenlorax-studio") or []
        except PackageNotFoundError:
            lines = []
    return {match[1]: match[2] for line in lines if "extra ==" not in line and (match := _PIN.match(line))}


def missing() -> list[str]:
    """The pinned packages that are not installed."""
    return [one.what for one in _packages(pinned()) if one.health is Health.FAULT]


def _packages(pins: dict[str, str]) -> Iterator[Finding]:
    for name, wanted in pins.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            yield Finding(name, "is missing", Health.FAULT, "pip install -r requirements.txt")
            continue
        # A build for a certain card is the same version: 2.13.0+cu130.
        if found.partition("+")[0] != wanted:
            remedy = f"pip install {name}=={wanted}, if something does not work"
            yield Finding(name, f"{found}, tested with {wanted}", Health.NOTE, remedy)
