"""Tell workers that a lane has work: at once within the process, by a coalesced NOTIFY to the others.

NOTIFY takes a lock that is held to the end of its transaction, so it never runs inside an order's or intake's; it is
sent after the commit, and while there is always more to say, less and less often, at last once every `COALESCE_S`: some
fifty orders a second wait for nobody, some thousands cost little. It is a hint: polling is the net below it.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import psycopg
from psycopg import sql

from pideai_host.db.pool import Pool
from pideai_host.db.sql import query
from pideai_host.telemetry import get_logger

CHANNEL: Final = "pideai_lanes"
FIRST_S: Final = 0.004
COALESCE_S: Final = 0.03
WORDS_PER_NOTICE: Final = 100
"""A payload stays far below PostgreSQL's 8,000 bytes."""

_NOTIFY: Final = query("select pg_notify(%(channel)s, payload) from unnest(%(payloads)s::text[]) as payload")
_log: Final = get_logger(__name__)


class Notifier:
    """Spreads the word of new work.

    Args:
        pool: Runtime connections.
        channel: Where it is heard.
        first_s: How long after a word the next one waits for company, twice as long after each that had some.
        coalesce_s: And never longer than that.
    """

    def __init__(
        self, pool: Pool, *, channel: str = CHANNEL, first_s: float = FIRST_S, coalesce_s: float = COALESCE_S
    ) -> None:
        self._pool = pool
        self._channel = channel
        self._first_s = first_s
        self._coalesce_s = coalesce_s
        self._local: Callable[[set[str]], None] | None = None
        self._pending: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def tell(self, local: Callable[[set[str]], None]) -> None:
        """Tell the worker of this process as well, at once; `local` must not block."""
        self._local = local

    def lanes(self, lanes: set[str]) -> None:
        """Say that these lanes got messages. Never waits and never raises."""
        if self._local is not None:
            self._local(lanes)
        self._pending |= lanes
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send(), name="notifier")

    async def stop(self) -> None:
        """Send what is pending, then end."""
        if self._task is not None:
            await self._task

    async def _send(self) -> None:
        """Send the first word at once; what comes while it is young goes together into the next."""
        pause_s = self._first_s
        while self._pending:
            lanes, self._pending = sorted(self._pending), set()
            try:
                starts = range(0, len(lanes), WORDS_PER_NOTICE)
                payloads = [",".join(lanes[start : start + WORDS_PER_NOTICE]) for start in starts]
                async with self._pool.connection() as connection:
                    await connection.execute(_NOTIFY, {"channel": self._channel, "payloads": payloads})
            except psycopg.Error as error:
                _log.warning("notify_failed", error=type(error).__name__, lanes=len(lanes))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self._coalesce_s)


class Listener:
    """Hears of new work on a connection of its own, and connects again when that is lost.

    Args:
        url: A direct or session connection's.
        on_lanes: Told what was said; None for perhaps everything, since for a while nobody listened.
        channel: Where it is said.
    """

    def __init__(self, url: str, on_lanes: Callable[[set[str] | None], None], *, channel: str = CHANNEL) -> None:
        self._url = url
        self._on_lanes = on_lanes
        self._listen = sql.SQL("listen {}").format(sql.Identifier(channel))
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to listen; returns at once."""
        self._task = asyncio.create_task(self._run(), name="listener")

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        pause_s = 0.2
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
                    await connection.execute(self._listen)
                    self._on_lanes(None)  # whatever was said while nobody listened
                    pause_s = 0.2
                    async for notice in connection.notifies():
                        self._on_lanes(set(notice.payload.split(",")))
            except psycopg.Error as error:
                _log.warning("listener_lost", error=type(error).__name__, again_in_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 10.0)
