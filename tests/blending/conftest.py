"""The compressed data folder of the tests of growing."""

from tests.subspaces.conftest import kept, studio

__all__ = ["kept", "studio"]
