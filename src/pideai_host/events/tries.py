"""One call for each plugin whose quarantine is over: whether it goes well decides about all that waits."""

import time
from collections.abc import Callable, Container, Iterable
from typing import Final

import psycopg

from pideai_host.events.handle import Handler
from pideai_host.events.lane import LaneState
from pideai_host.events.leases import LEASE_S
from pideai_host.events.quarantines import Quarantines
from pideai_host.events.queue import Queue, Wanted
from pideai_host.telemetry import get_logger

_log: Final = get_logger(__name__)


class Tries:
    """Makes these calls for one worker.

    Args:
        lanes: The worker's.
        existing: The lanes that may be named in a statement.
        monotonic: Seconds, injected.
    """

    def __init__(
        self,
        queue: Queue,
        quarantines: Quarantines,
        handler: Handler,
        *,
        lanes: Iterable[LaneState],
        existing: Container[str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._quarantines = quarantines
        self._handler = handler
        self._lanes = list(lanes)
        self._existing = existing
        self._monotonic = monotonic

    async def make_due(self) -> None:
        """Begin what is due. Does not raise for what the database does."""
        for slug in self._quarantines.due():
            for lane in self._lanes:
                if lane.slug == slug and lane.lane in self._existing and await self._began(lane):
                    break

    async def _began(self, lane: LaneState) -> bool:
        """Claim one message, then the right to try it; tell whether the lane had one."""
        began_s = self._monotonic()
        try:
            claimed = await self._queue.claim([Wanted(lane.lane, 1, LEASE_S)])
            is_ours = bool(claimed) and await self._quarantines.take_try(lane.slug)
        except psycopg.Error as error:
            _log.warning("try_not_begun", lane=lane.lane, error=type(error).__name__)
            return False
        if claimed:
            lane.claimed(len(claimed), len(claimed) + 1)
            if is_ours:
                _log.info("plugin_tried", plugin=lane.slug, delivery=str(claimed[0].id))
            self._handler.begin(lane, claimed, began_s, is_try=is_ours)  # what is not ours is put back by this
        return bool(claimed)
