"""Where the user's data and the demo lie. Imports nothing heavy, so that flags are instant."""

import os
from pathlib import Path

from platformdirs import user_data_path

APP_NAME = "EigenLoRAx Studio"
DATA_DIR = "EIGENLORAX_DATA_DIR"
"""An environment variable that names another folder, for the page and the command line alike."""
MODEL = "EIGENLORAX_MODEL"
"""An environment variable that names another base model than the demo's."""
_DEMO = Path(__file__).resolve().parent.parent / "assets" / "demo"
DEMO_MODEL = _DEMO / "model"
DEMO_LORAS = _DEMO / "loras"


def data_home() -> Path:
    """The folder that the page and the command line share."""
    given = os.environ.get(DATA_DIR)
    return Path(given).expanduser() if given else user_data_path(APP_NAME, appauthor=False)
