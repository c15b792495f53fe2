"""Messages whose claims ended without an outcome, again and again: which of them ends the worker?

A plugin that ends the process takes down with it every call under way and every message claimed beside it, those of
other plugins too. To tell the culprit from who stood by, a message on its last claim is begun alone among its like, and
that it begins is written down first. Found written down at a later claim, it is the culprit. Messages that only waited
for their turn are not held to account, however often they were claimed.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from pideai_host.events.queue import CLAIMS_MAX, Claimed, Queue


def is_suspect(claimed: Claimed) -> bool:
    """Tell whether a message is on its last claim."""
    return claimed.read_ct >= CLAIMS_MAX


class Suspects:
    """Keeps the suspects of one worker apart.

    Args:
        queue: Where it is written down.
        now: For the history of the delivery.
        worker: The name of this worker, for the history as well.
    """

    def __init__(self, queue: Queue, *, now: Callable[[], datetime], worker: str) -> None:
        self._queue = queue
        self._now = now
        self._worker = worker
        self.alone = asyncio.Lock()
        """The one place of all suspects."""

    async def has_crashed(self, claimed: Claimed) -> bool:
        """Tell whether a suspect has ended a worker; if not, note that it begins now.

        Raises:
            psycopg.Error: it could not be noted, or perhaps it was; the call must not begin under this message.
        """
        return await self._queue.begin(claimed, at=self._now(), worker=self._worker)
