"""Errors as one line for the user."""

import pytest

from eigenlorax.errors import InvalidRequestError
from ui.events import warn


def test_an_error_of_the_input_is_one_line() -> None:
    with pytest.warns(UserWarning, match="The prompt is empty: write one"):
        assert (
            warn(InvalidRequestError("the prompt is empty:\nwrite one")) == "The prompt is empty: write one"
        )
