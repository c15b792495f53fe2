"""Read the changes of one store for all who watch it, and hand each of them what it was not told yet.

Each watcher has a bounded queue; one that does not keep up is dropped, and goes on later from the place it got last.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from uuid import UUID

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout

from pideai_host.events.change_log import Change, ChangeLog, Place
from pideai_host.telemetry import STREAMS_DROPPED, get_logger

POLL_S: Final = 10.0
"""How often a store that is watched is looked at although nobody said that it has changed."""
PACE_S: Final = 0.1
PACE_SHARE: Final = 10.0
"""After a read a feed rests so many times as long as that took, `PACE_S` at least: the database has other work."""
TOLD_MAX: Final = 2_000
"""Changes that are told one by one; for more, whoever watches is told to look for itself."""
QUEUE_MAX: Final = 2_500
RESET_PAUSE_S: Final = 5.0
AGAIN_S: Final = 2.0
"""After a read that failed."""

_AWAY: Final = (psycopg.Error, PoolTimeout, PoolClosed)
_log: Final = get_logger(__name__)


class Reset:
    """Changes were left out up to a place: whoever watches looks at everything anew.

    Attributes:
        place: Where the stream goes on.
    """

    def __init__(self, place: Place) -> None:
        self.place = place


Told = Change | Reset


class Watcher:
    """One open stream.

    Attributes:
        start: Where it began.
        place: How far it was told, all that waits included.
        over: Set when nothing more will come since the process stops.
        dropped: Set when it did not keep up: what waited is gone, and nothing more will come.
    """

    def __init__(self, place: Place) -> None:
        self.start = place
        self.place = place
        self.over = asyncio.Event()
        self.dropped = asyncio.Event()
        self._queue: deque[Told] = deque()
        self._come = asyncio.Event()

    def put(self, told: Told) -> None:
        """Hand over what comes next; what it was told before is passed over. Never waits."""
        if isinstance(told, Change) and told.place.position <= self.place.position:
            return
        if len(self._queue) >= QUEUE_MAX:
            self._queue.clear()
            if not self.dropped.is_set():
                STREAMS_DROPPED.inc()
            self.dropped.set()
        if not self.dropped.is_set():
            self._queue.append(told)
            self.place = told.place
            self._come.set()

    def moved(self, place: Place) -> None:
        """Hear that there is nothing more up to a place."""
        if place.position > self.place.position:
            self.place = place

    def end(self) -> None:
        """Hear that nothing more comes."""
        self.over.set()
        self._come.set()

    async def next(self, wait_s: float) -> list[Told]:
        """Return what has come, at the latest after a while; nothing if nothing has, or if it is over."""
        if not self._queue and not self.over.is_set():
            self._come.clear()
            with suppress(TimeoutError):  # what comes at that very moment is taken all the same
                await asyncio.wait_for(self._come.wait(), wait_s)
        told = list(self._queue)
        self._queue.clear()
        return told


class Feed:
    """Reads the changes of one store for all who watch it."""

    def __init__(self, store_id: UUID, log: ChangeLog, *, monotonic: Callable[[], float]) -> None:
        self._store_id = store_id
        self._log = log
        self._monotonic = monotonic
        self._place: Place | None = None
        self._reading = asyncio.Lock()
        self.wake = asyncio.Event()
        self.watchers: set[Watcher] = set()
        self.users = 0
        """Those who watch, and those about to."""

    async def join(self, after: Place | None) -> Watcher:
        """Return a watcher that is told everything after a place, or from now on.

        Raises:
            psycopg.Error: the database does not answer.
        """
        async with self._reading:
            if self._place is None:
                self._place = await self._log.now(self._store_id)
            watcher = Watcher(after or self._place)
            if after is not None:
                await self._catch_up(watcher, after, self._place)
            self.watchers.add(watcher)
        return watcher

    async def run(self) -> None:
        """Read whenever the store has changed, and now and then; until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), POLL_S)
            self.wake.clear()
            began_s = self._monotonic()
            try:
                async with self._reading:
                    rest_s = await self._read()
            except _AWAY as error:
                _log.warning("stream_read_failed", store_id=str(self._store_id), error=type(error).__name__)
                rest_s = AGAIN_S
                self.wake.set()
            await asyncio.sleep(max(rest_s, PACE_SHARE * (self._monotonic() - began_s)))

    async def _read(self) -> float:
        """Tell everybody what has changed; return how long to rest, in seconds."""
        told = 0
        while self._place is not None:
            page = await self._log.after(self._store_id, self._place)
            told += len(page.changes)
            if not page.is_whole or told > TOLD_MAX:
                self._place = await self._log.now(self._store_id)
                self._tell(Reset(self._place))
                return RESET_PAUSE_S
            for change in page.changes:
                self._tell(change)
            self._place = page.following
            if not page.has_more:
                for watcher in self.watchers:
                    watcher.moved(self._place)
                if page.is_behind:
                    self.wake.set()
                break
        return PACE_S

    def _tell(self, told: Told) -> None:
        for watcher in self.watchers:
            watcher.put(told)

    async def _catch_up(self, watcher: Watcher, after: Place, until: Place) -> None:
        """Tell a watcher what the others were told since its place."""
        told: list[Change] = []
        has_more, place = True, after
        while has_more:
            page = await self._log.after(self._store_id, place)
            told += (change for change in page.changes if change.place.position <= until.position)
            if not page.is_whole or len(told) > TOLD_MAX:
                watcher.put(Reset(until))
                return
            has_more, place = page.has_more and page.following.position < until.position, page.following
        for change in told:
            watcher.put(change)
        watcher.moved(until)
