"""Which lanes exist: one that is missing, or dropped under a running worker, must stop its own plugin only.

A statement for several lanes fails whole where one of them has no table. So a worker looks at what exists when it
starts and when the database says something of the kind, leaves out what is missing, and looks again until it is there.
"""

import time
from collections.abc import Callable, Collection
from typing import Final

import psycopg

from pideai_host.events.queue import Queue
from pideai_host.telemetry import get_logger

LOOK_AGAIN_S: Final = 30.0
"""How often it is looked while something is missing."""

_log: Final = get_logger(__name__)


class ExistingLanes:
    """The lanes that a worker may name in a statement.

    Args:
        queue: Where it is looked.
        served: The lanes of the worker.
        monotonic: Seconds, injected.
    """

    def __init__(
        self, queue: Queue, served: Collection[str], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._queue = queue
        self._served = frozenset(served)
        self._monotonic = monotonic
        self._missing: frozenset[str] = frozenset()
        self._only: frozenset[str] | None = None
        self._looked_at_s = float("-inf")

    @property
    def missing(self) -> frozenset[str]:
        """Lanes of the worker that do not exist."""
        return self._missing

    @property
    def only(self) -> Collection[str] | None:
        """The lanes that statements over all plugins are to be kept to; None while nothing is known to be missing."""
        return self._only

    def __contains__(self, lane: object) -> bool:
        return lane not in self._missing

    async def look(self) -> frozenset[str]:
        """See what exists, and return it.

        Raises:
            psycopg.Error: the database does not answer; what is known stays.
        """
        existing = frozenset(await self._queue.existing_lanes())
        self._looked_at_s = self._monotonic()
        missing = self._served - existing
        for lane in sorted(missing - self._missing):
            _log.error("lane_missing", lane=lane, hint="pideai-host plugins sync")
        for lane in sorted(self._missing - missing):
            _log.info("lane_found", lane=lane)
        self._missing = missing
        self._only = existing if missing else None
        return existing

    async def heard(self, error: psycopg.Error) -> bool:
        """Look again if an error may be due to a missing lane; tell whether the statement is worth another try at once.

        Does not raise for what the database does.
        """
        if isinstance(error, psycopg.OperationalError):
            return False
        before = self._only
        try:
            existing = await self.look()
        except psycopg.Error as again:
            _log.warning("lanes_not_looked_at", error=type(again).__name__)
            return False
        if self._only is None and isinstance(error, psycopg.errors.UndefinedTable):  # of a plugin that is not served
            _log.error("lane_missing", said=error.diag.message_primary, hint="pideai-host plugins sync")
            self._only = existing
        return self._only is not None and self._only != before

    async def keep_up(self) -> None:
        """Look again while something is missing. Does not raise for what the database does."""
        if self._only is None or self._monotonic() - self._looked_at_s < LOOK_AGAIN_S:
            return
        try:
            await self.look()
        except psycopg.Error as error:
            _log.warning("lanes_not_looked_at", error=type(error).__name__)
