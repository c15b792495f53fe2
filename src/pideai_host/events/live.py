"""Live streams of stores: one connection listens for a process, one reader a store feeds all that watch it.

What is heard is only that a store has changed; its feed reads the log from where it stood. The connection may be lost:
then every feed reads, and none has missed anything.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from pideai_host.api import PideaiError
from pideai_host.db.pool import Pool
from pideai_host.events.change_log import ChangeLog, Place
from pideai_host.events.changed import CHANNEL
from pideai_host.events.feed import Feed, Watcher
from pideai_host.events.wake import Listener
from pideai_host.telemetry import STREAMS_OPEN

OF_STORE_MAX: Final = 24
OF_USER_MAX: Final = 8
OF_PROCESS_MAX: Final = 1_000


class TooManyStreams(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """As many streams are open as may be."""

    code = "too_many_requests"


@asynccontextmanager
async def open_live(pool: Pool, url: str) -> AsyncIterator["Live"]:
    """Offer live streams as long as the block runs.

    Args:
        pool: Runtime connections, for reading.
        url: A direct or session connection's, for listening.
    """
    live = Live(ChangeLog(pool), url)
    try:
        yield live
    finally:
        await live.stop()


class Live:
    """All live streams of a process.

    Args:
        log: What has changed.
        url: For the connection that listens; it is opened with the first stream.
        monotonic: Clock in seconds.
    """

    def __init__(self, log: ChangeLog, url: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._listener = Listener(url, self._heard, channel=CHANNEL)
        self._is_listening = False
        self._monotonic = monotonic
        self._feeds: dict[UUID, Feed] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._of_user: Counter[UUID] = Counter()
        self._is_over = False

    @asynccontextmanager
    async def watch(self, store_id: UUID, user_id: UUID, after: Place | None) -> AsyncIterator[Watcher]:
        """Watch a store as long as the block runs.

        Args:
            store_id: Whose changes.
            user_id: Who watches, for the bounds.
            after: The place to go on from; None for what is new.

        Raises:
            TooManyStreams: as many are open as may be, of the store, the user or the process.
            psycopg.Error: the database does not answer.
        """
        self._require_room(store_id, user_id)
        feed = self._feeds.get(store_id)
        if feed is None:
            feed = self._feeds[store_id] = Feed(store_id, self._log, monotonic=self._monotonic)
            self._tasks[store_id] = asyncio.create_task(feed.run(), name="stream")
        feed.users += 1
        self._of_user[user_id] += 1
        STREAMS_OPEN.inc()
        watcher: Watcher | None = None
        try:
            if not self._is_listening:
                self._is_listening = True
                await self._listener.start()
            watcher = await feed.join(after)
            if self._is_over:
                watcher.end()
            yield watcher
        finally:
            if watcher is not None:
                feed.watchers.discard(watcher)
            feed.users -= 1
            self._of_user[user_id] -= 1
            STREAMS_OPEN.dec()
            if not self._of_user[user_id]:
                del self._of_user[user_id]
            if not feed.users and self._feeds.get(store_id) is feed:
                del self._feeds[store_id]
                self._tasks.pop(store_id).cancel()

    def end_all(self) -> None:
        """End every stream, now and to come: the process stops. Never waits."""
        self._is_over = True
        for feed in self._feeds.values():
            for watcher in feed.watchers:
                watcher.end()

    async def stop(self) -> None:
        """End every stream and stop to listen."""
        self.end_all()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._listener.stop()

    def _require_room(self, store_id: UUID, user_id: UUID) -> None:
        feed = self._feeds.get(store_id)
        if (
            (feed is not None and feed.users >= OF_STORE_MAX)
            or self._of_user[user_id] >= OF_USER_MAX
            or self._of_user.total() >= OF_PROCESS_MAX
        ):
            raise TooManyStreams("too many streams are open", hint="Close one, or try again later.")

    def _heard(self, stores: set[str] | None) -> None:
        """Wake the feeds of changed stores, or all of them."""
        for store_id, feed in self._feeds.items():
            if stores is None or str(store_id) in stores:
                feed.wake.set()
