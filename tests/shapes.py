"""Checks every call of the functions whose signatures have shapes; `conftest` imports this before all else.

Modules without shapes are left to mypy: to check each of their calls as well would double the time.
"""

from pathlib import Path

from jaxtyping import install_import_hook

_ROOT = Path(__file__).parent.parent
SHAPED = [
    ".".join(path.relative_to(_ROOT).with_suffix("").parts)
    for path in sorted((_ROOT / "eigenlorax").rglob("*.py"))
    if "from jaxtyping import" in path.read_text(encoding="utf-8")
]
install_import_hook(SHAPED, "beartype.beartype")
