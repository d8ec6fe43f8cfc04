"""EigenLoRAx Studio as a page: `python app.py`, then open the printed address."""

import sys
from collections.abc import Sequence

from ui.start import start


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the page and serve it until Ctrl-C; see `ui.start.start`."""
    return start(arguments, "app.py")


if __name__ == "__main__":
    sys.exit(main())
