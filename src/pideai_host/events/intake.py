"""Keep events and fan them out: group commit, and only the culprit of a refused batch is turned away.

Whatever arrives while a statement runs goes into the next one: the rate rises with the load, and a lone event waits for
nobody. A caller hears of success only after the commit. Event ids are deterministic, so sending a batch again after a
lost answer changes nothing that was written.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from pideai_host.api import DatabaseUnavailable
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.directory import StoreDirectory
from pideai_host.events.identity import delivery_id
from pideai_host.events.ordering import place_of
from pideai_host.events.patience import patiently
from pideai_host.events.rows import NotUnderstood
from pideai_host.events.sources import NewEvent
from pideai_host.telemetry import get_logger

BATCH_MAX: Final = 64
"""Submissions in one statement: beyond this the statement gets longer faster than it gets cheaper."""

WAITING_MAX: Final = 20_000
"""Submissions that may wait; past it callers are told to come back, before memory runs out."""

READS_MAX: Final = 4
"""How often the installations of stores are read again for one batch."""

_INTAKE: Final = query(load("pideai_host.events", "sql/intake.sql"))
_encode: Final = msgspec.json.Encoder().encode
_log: Final = get_logger(__name__)


class Intake:
    """The one way in for events.

    Args:
        pool: Runtime connections.
        directory: What is known of stores.
        on_lanes: Called after a commit with the lanes that got messages; must not block.
        writers: Statements under way at once.
    """

    def __init__(
        self,
        pool: Pool,
        directory: StoreDirectory,
        *,
        on_lanes: Callable[[set[str]], None],
        writers: int = 2,
    ) -> None:
        self._pool = pool
        self._directory = directory
        self._on_lanes = on_lanes
        self._writers = writers
        self._waiting: deque[tuple[Sequence[NewEvent], asyncio.Future[None]]] = deque()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False

    async def start(self) -> None:
        """Start the writers."""
        self._tasks = [asyncio.create_task(self._write(), name=f"intake-{n}") for n in range(self._writers)]

    async def stop(self) -> None:
        """Write what waits, then end."""
        self._closing = True
        self._wake.set()
        await asyncio.gather(*self._tasks)

    async def put(self, events: Sequence[NewEvent]) -> None:
        """Keep the events of one submission, all or none; returns after the commit.

        Raises:
            NotUnderstood: the database refuses a value in it (refused_by_database).
            DatabaseUnavailable: it could not be written now; sending it again is safe.
        """
        if not events:
            return
        if self._closing:
            raise DatabaseUnavailable("the host is stopping", hint="Send it again.")
        if len(self._waiting) >= WAITING_MAX:
            raise DatabaseUnavailable("too many events wait to be written", hint="Send it again in a few seconds.")
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((events, done))
        self._wake.set()
        await done

    async def _write(self) -> None:
        while self._waiting or not self._closing:
            await self._wake.wait()
            batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            if not self._waiting and not self._closing:
                self._wake.clear()
            if batch:
                await self._settle(batch)

    async def _settle(self, batch: list[tuple[Sequence[NewEvent], asyncio.Future[None]]]) -> None:
        try:
            await self._store([events for events, _ in batch])
        except psycopg.DataError as error:
            await self._split(batch, error)
        except psycopg.IntegrityError as error:
            await self._split(batch, error)
        except Exception as error:  # noqa: BLE001 - whatever it was, every waiter must hear of it
            _log.error("intake_failed", error=type(error).__name__, submissions=len(batch))
            _fail(batch, DatabaseUnavailable("the event could not be written", hint="Send it again."), error)
        else:
            for _, done in batch:
                if not done.done():
                    done.set_result(None)

    async def _split(self, batch: list[tuple[Sequence[NewEvent], asyncio.Future[None]]], error: psycopg.Error) -> None:
        """Halve a batch that the database refuses until the culprit stands alone (SQLSTATE classes 22 and 23)."""
        if len(batch) == 1:
            _fail(batch, refused(error), error)
            return
        middle = len(batch) // 2
        await self._settle(batch[:middle])
        await self._settle(batch[middle:])

    async def _store(self, submissions: list[Sequence[NewEvent]]) -> None:
        events = [event for submission in submissions for event in submission]
        await patiently(self._pool, lambda connection: self.store(events, connection))

    async def store(self, events: Sequence[NewEvent], connection: AsyncConnection[TupleRow]) -> set[str]:
        """Keep events on a connection of the caller's, in its transaction if it has one.

        One statement, and another only when a store has an installation that was not known of yet.

        Returns:
            The lanes that got messages. They were told of; who has a transaction open tells again (`tell`) after its
            commit, since workers that look earlier find nothing.

        Raises:
            psycopg.Error: whatever the database says.
            DatabaseUnavailable: installations kept changing while it was tried.
        """
        # of twins the earliest is kept: a customer is registered by the first order, though the second came along
        left = list({event.id: event for event in sorted(events, key=_age, reverse=True)}.values())
        lanes: set[str] = set()
        for _ in range(READS_MAX):
            unknown = {event.store_id for event in left if self._directory.known(event.store_id) is None}
            if unknown:
                await self._directory.read(unknown, connection)
            left, told = await self._send(left, connection)
            lanes |= told
            if not left:
                return lanes
            await self._directory.read({event.store_id for event in left}, connection)
        raise DatabaseUnavailable("the installations of a store keep changing", hint="Send it again.")

    def tell(self, lanes: set[str]) -> None:
        """Say that lanes have messages. Never waits."""
        if lanes:
            self._on_lanes(lanes)

    async def _send(
        self, events: list[NewEvent], connection: AsyncConnection[TupleRow]
    ) -> tuple[list[NewEvent], set[str]]:
        """Run the statement; return the events of stores with installations we did not know of, and the lanes."""
        entries = {store_id: self._directory.known(store_id) for store_id in {event.store_id for event in events}}
        candidates = [
            {"n": n, "delivery_id": delivery_id(event.id, installation), "installation_id": installation}
            for n, event in enumerate(events)
            if (entry := entries[event.store_id]) is not None
            for installation in entry.installations_for(event.type)
        ]
        parameters = {
            "events": _encode([_row(n, event) for n, event in enumerate(events)]).decode(),
            "candidates": _encode(candidates).decode(),
        }
        rows = await (await connection.execute(_INTAKE, parameters)).fetchall()
        lanes = {value for kind, value in rows if kind == "lane"}
        self.tell(lanes)
        return [events[int(value)] for kind, value in rows if kind == "stale"], lanes


class _Row(msgspec.Struct):
    n: int
    id: str
    store_id: str
    type: str
    payload: msgspec.Raw
    occurred_at: str
    source: str
    entity_id: str | None
    complete: bool
    customer_id: str | None
    installed_by: str | None
    place: int | None


def _row(n: int, event: NewEvent) -> _Row:
    return _Row(
        n,
        str(event.id),
        str(event.store_id),
        event.type,
        event.payload,
        event.occurred_at.isoformat(),
        event.source,
        event.entity_id,
        event.complete,
        None if event.customer_id is None else str(event.customer_id),
        None if event.installed_by is None else event.installed_by.isoformat(),
        place_of(event),
    )


def _age(event: NewEvent) -> tuple[datetime, str]:
    """Order events as the statement orders the orders they come with."""
    return event.occurred_at, event.entity_id or ""


def _fail(
    batch: list[tuple[Sequence[NewEvent], asyncio.Future[None]]], failure: Exception, cause: BaseException
) -> None:
    failure.__cause__ = cause
    for _, done in batch:
        if not done.done():
            done.set_exception(failure)


def refused(error: psycopg.Error) -> NotUnderstood:
    """Say in one line what the database has against a value."""
    line = (error.diag.message_primary or str(error)).splitlines()[0][:200]
    return NotUnderstood("refused_by_database", f"{error.sqlstate}: {line}")
