"""Where files lie that were made to be taken elsewhere."""

import re
from pathlib import Path


def exports_folder(root: Path) -> Path:
    """The folder of a data folder."""
    return root / "exports"


def free_path(root: Path, name: str, ending: str) -> Path:
    """A path among the exports that is not taken: the name without what disks refuse, numbered if need be.

    Args:
        root: The data folder.
        name: As a person gave it.
        ending: With its dot.
    """
    folder = exports_folder(root)
    stem = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", name).strip(" .") or "style"
    path, number = folder / f"{stem}{ending}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{ending}"
    return path
