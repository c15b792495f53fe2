"""A process says every quarter of a minute that it lives, for whoever looks after the host."""

import asyncio
import os
import socket
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg_pool import PoolClosed, PoolTimeout

from pideai_host import __version__
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.telemetry import get_logger

EVERY_S: Final = 15.0
SILENCE_S: Final = 60.0
"""A process that has not said so for this long is taken for gone."""

_ALIVE: Final = query(load("pideai_host.events", "sql/process_alive.sql"))
_PROCESSES: Final = query(load("pideai_host.events", "sql/processes.sql"))
_UNSERVED: Final = query("select slug from pideai_host.unserved_plugins(%(silence_s)s) as slug")
_LEAVE: Final = query("delete from pideai_host.processes where id = %(id)s")
_AWAY: Final = (psycopg.Error, PoolTimeout, PoolClosed, OSError, TimeoutError)
_log: Final = get_logger(__name__)


class ProcessSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A process of the host.

    Attributes:
        plugins: Whose lanes it serves; None where it is of a version that did not say, and serves all.
        leads: Whether it runs the scheduler's jobs.
        quarantined: Plugins that it leaves alone by itself -> why.
        is_alive: Whether it was seen within `SILENCE_S`.
    """

    id: UUID
    host: str
    pid: int
    version: str
    takes_events: bool
    makes_deliveries: bool
    plugins: list[str] | None
    leads: bool
    quarantined: dict[str, str]
    started_at: datetime
    seen_at: datetime
    is_alive: bool


class Heartbeat:
    """Says that this process lives.

    Args:
        pool: Runtime connections.
        takes_events: Whether it has doors.
        makes_deliveries: Whether it has a worker.
        plugins: Tells whose lanes that serves.
        leads: Tells whether it runs the scheduler's jobs.
        quarantined: Slug -> why, of the plugins that it leaves alone; looked at again and again.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        takes_events: bool,
        makes_deliveries: bool,
        leads: Callable[[], bool],
        quarantined: Mapping[str, str],
        plugins: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._pool = pool
        self._takes_events = takes_events
        self._makes_deliveries = makes_deliveries
        self._leads = leads
        self._quarantined = quarantined
        self._plugins = plugins
        self._id = uuid4()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; returns at once."""
        self._task = asyncio.create_task(self._run(), name="heartbeat")

    async def stop(self) -> None:
        """End, and say so if the database listens."""
        self._stopping.set()
        if self._task is not None:
            await self._task
            try:
                async with asyncio.timeout(2.0), self._pool.connection() as connection:
                    await connection.execute(_LEAVE, {"id": self._id})
            except _AWAY:
                _log.info("heartbeat_left_behind")  # the others take it for gone in a minute

    async def beat(self) -> None:
        """Say it once."""
        values = {
            "id": self._id,
            "host": socket.gethostname()[:200],
            "pid": os.getpid(),
            "version": __version__,
            "takes_events": self._takes_events,
            "makes_deliveries": self._makes_deliveries,
            "plugins": sorted(self._plugins()),
            "leads": self._leads(),
            "quarantined": msgspec.json.encode(dict(self._quarantined)).decode(),
        }
        async with self._pool.connection() as connection:
            await connection.execute(_ALIVE, values)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.beat()
            except _AWAY as error:
                _log.warning("heartbeat_failed", error=type(error).__name__)
            try:
                await asyncio.wait_for(self._stopping.wait(), EVERY_S)
            except TimeoutError:
                continue


async def processes(pool: Pool) -> list[ProcessSeen]:
    """Return the processes that were seen within a day, the oldest first."""
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(ProcessSeen)) as cursor:
        await cursor.execute(_PROCESSES, {"silence_s": SILENCE_S})
        return await cursor.fetchall()


async def unserved(connection: AsyncConnection[Any]) -> list[str]:
    """Return the plugins that a store has enabled and that no process serves which was seen lately."""
    return [slug for (slug,) in await (await connection.execute(_UNSERVED, {"silence_s": SILENCE_S})).fetchall()]
