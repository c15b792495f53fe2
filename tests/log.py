"""The log of the tests' own process: what a command sets up within it is taken back, or later tests write to nobody."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def log_put_back() -> Iterator[None]:
    """Have the log after the block as it was before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)
