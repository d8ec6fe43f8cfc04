"""A compressed data folder for jobs that do real work."""

from tests.subspaces.conftest import kept, studio

__all__ = ["kept", "studio"]
