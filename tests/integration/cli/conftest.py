"""Commands run within the tests' own process, and set up its log."""

import pytest


@pytest.fixture(autouse=True)
def _log_as_before(log_as_before: None) -> None:
    """Put it back."""
