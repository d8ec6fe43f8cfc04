"""What a change of each weight does to a prediction, kept beside the model or in the user's folder."""

import json
from collections.abc import Mapping
from pathlib import Path

from eigenlorax.errors import InvalidFileError
from eigenlorax.library.atomic import written_aside
from eigenlorax.module_path import ModulePath

#: Beside a model that brings its own figures.
FILE_NAME = "sensitivity.json"


def save_effects(effects: Mapping[ModulePath, float], path: Path) -> None:
    """Write the figures as JSON: parameter -> squared change of a prediction per squared change of weight."""
    content = {str(module): float(f"{effect:.4g}") for module, effect in effects.items()}
    with written_aside(path) as aside:
        aside.write_text(json.dumps(content, indent=0) + "\n", encoding="utf-8")


def load_effects(path: Path) -> dict[ModulePath, float]:
    """Inverse of `save_effects`.

    Raises:
        InvalidFileError: not such a file, or a figure in it is no positive number.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {ModulePath.parse(name): float(effect) for name, effect in content.items()}
    except (ValueError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidFileError(f"{path} is damaged ({error}): delete it, it will be measured anew") from error
    if bad := [str(module) for module, effect in found.items() if not 0.0 < effect < float("inf")]:
        raise InvalidFileError(f"{path}: the figure of {bad[0]} is no positive number: delete the file")
    return found
