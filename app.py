"""EigenLoRAx Studio as a page: `python app.py`, then open the printed address."""

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the page and serve it until Ctrl-C.

    Returns:
        The exit code: 0 after Ctrl-C, 1 when the model, the folder or the port cannot be used.
    """
    try:
        from ui.flags import parse_flags
        from ui.language import choose

        flags = parse_flags(arguments)
        choose(flags.language)
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        os.environ["GRADIO_TEMP_DIR"] = str(flags.data_dir / "cache" / "uploads")
        from eigenlorax.errors import StudioError
        from eigenlorax.studio import DEMO_MODEL, Studio
        from ui.serve import serve
    except ImportError as error:
        return _fail(f"{error.name or error} is missing: run  pip install -r requirements.txt")
    try:
        serve(Studio(flags.model or str(DEMO_MODEL), flags.data_dir, options=flags.options), flags)
    except (StudioError, OSError) as error:
        return _fail(" ".join(str(error).split()))
    return 0


def _fail(reason: str) -> int:
    print(f"app.py: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
