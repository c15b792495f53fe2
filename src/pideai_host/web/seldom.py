"""Telling now and then of what may happen all the time, so that nobody outside can fill the log."""

import time
from collections.abc import Callable


class Seldom:
    """Counts, and says when to tell.

    Args:
        every_s: Seconds between two times that are told.
        monotonic: Clock in seconds.
    """

    def __init__(self, every_s: float, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._monotonic = monotonic
        self._told_s = -float("inf")
        self._count = 0

    def happened(self) -> int:
        """Count once; return how often it has happened since it was told last if it is to be told now, else 0."""
        self._count += 1
        now_s = self._monotonic()
        if now_s - self._told_s < self._every_s:
            return 0
        count, self._count, self._told_s = self._count, 0, now_s
        return count
