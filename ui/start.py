"""The page from a command's arguments to Ctrl-C. Imports nothing heavy, so that a refusal is instant."""

import gc
import os
import sys
from collections.abc import Sequence


def start(arguments: Sequence[str] | None, program: str) -> int:
    """Start the page and serve it until Ctrl-C.

    Args:
        arguments: As typed; None takes the process's own.
        program: What the user called, for messages and help.

    Returns:
        The exit code: 0 after Ctrl-C, 1 when the model, the folder or the port cannot be used.
    """
    # What is imported stays: to look for garbage in it, again and again, takes a tenth of the start.
    gc.disable()
    try:
        from ui.flags import parse_flags
        from ui.language import choose

        flags = parse_flags(arguments, program)
        choose(flags.language)
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        os.environ["GRADIO_TEMP_DIR"] = str(flags.data_dir / "cache" / "uploads")
        from eigenlorax.errors import StudioError
        from eigenlorax.home import DEMO_MODEL
        from eigenlorax.studio import Studio
        from ui.serve import serve
    except ImportError as error:
        return _fail(program, f"{error.name or error} is missing: run  pip install -r requirements.txt")
    finally:
        gc.freeze()
        gc.enable()
    try:
        model = flags.model or str(DEMO_MODEL)
        serve(Studio(model, flags.data_dir, None, flags.options, flags.control_dir), flags)
    except (StudioError, OSError) as error:
        return _fail(program, " ".join(str(error).split()))
    return 0


def _fail(program: str, reason: str) -> int:
    print(f"{program}: {reason}", file=sys.stderr)
    return 1
