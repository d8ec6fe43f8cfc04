"""JSON from strangers, where what is none says nothing."""

import json
from typing import Any


def json_value(text: str | bytes) -> Any:
    """What a text says as JSON; None where it is none, too deep, or holds a number beyond all digits."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def json_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object that a text is; an empty one for anything else."""
    value = json_value(text)
    return value if isinstance(value, dict) else {}
