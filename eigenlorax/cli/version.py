"""The command that tells the program's version."""

from eigenlorax import __version__
from eigenlorax.cli.answer import Answer


def version() -> Answer:
    """Print the program's version."""
    return Answer({"version": __version__}, [__version__])
