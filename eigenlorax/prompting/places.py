"""Where presets and wildcards lie in a data folder."""

from pathlib import Path

from eigenlorax.prompting.presets import FILE_NAME


def presets_file(root: Path) -> Path:
    """The file of presets, by the name that A1111 gives it."""
    return root / FILE_NAME


def wildcard_folder(root: Path) -> Path:
    """The folder of wildcard files."""
    return root / "wildcards"
