"""Keep events and fan them out: group commit, and only the culprit of a refused batch is turned away.

Whatever arrives while a statement runs goes into the next one: the rate rises with the load, and a lone event waits for
nobody. A caller hears of success only after the commit. Event ids are deterministic, so sending a batch again after a
lost answer changes nothing that was written.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from pideai_host.api import DatabaseUnavailable
from pideai_host.db.jsonb import JsonbArray
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.directory import StoreDirectory
from pideai_host.events.identity import delivery_id
from pideai_host.events.ordering import place_of
from pideai_host.events.patience import patiently
from pideai_host.events.rows import NotUnderstood
from pideai_host.events.share import LATEST, Shares
from pideai_host.events.sources import NewEvent
from pideai_host.events.statement import Statements
from pideai_host.events.traced import announced
from pideai_host.telemetry import get_logger, tracing

BATCH_MAX: Final = 64
"""Submissions in one statement: beyond this the statement gets longer faster than it gets cheaper."""

WAITING_MAX: Final = 20_000
"""Submissions that may wait; past it callers are told to come back, before memory runs out."""

READS_MAX: Final = 4
"""How often the installations of stores are read again for one batch."""

BATCH_FULL: Final = BATCH_MAX // 4
"""While a statement is under way, another one begins only with so many submissions."""

_SHARE: Final = query(load("pideai_host.events", "sql/share.sql"))
_encode: Final = msgspec.json.Encoder().encode
_log: Final = get_logger(__name__)


_Submission = tuple[Sequence[NewEvent], asyncio.Future[None]]


class Intake:
    """The one way in for events.

    Args:
        pool: Runtime connections.
        directory: What is known of stores.
        on_lanes: Called after a commit with the lanes that got messages; must not block.
        on_changed: Called likewise with the stores that got deliveries.
        writers: Statements under way at once.
    """

    def __init__(
        self,
        pool: Pool,
        directory: StoreDirectory,
        *,
        on_lanes: Callable[[set[str]], None],
        on_changed: Callable[[set[UUID]], None] | None = None,
        writers: int = 2,
    ) -> None:
        self._pool = pool
        self._directory = directory
        self._on_lanes = on_lanes
        self._on_changed = on_changed
        self._writers = writers
        self._shares = Shares()
        self._statements = Statements()
        self._waiting: deque[_Submission] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._writing: set[asyncio.Task[None]] = set()
        self._closing = False

    async def start(self) -> None:
        """Start to write."""
        self._task = asyncio.create_task(self._run(), name="intake")

    async def stop(self) -> None:
        """Write what waits, then end."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task

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
        self._waiting.append((events if tracing.active is None else announced(events), done))
        self._wake.set()
        await done

    async def _run(self) -> None:
        while self._waiting or self._writing or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting and self._may_write():
                batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
                task = asyncio.get_running_loop().create_task(self._settle(batch))
                self._writing.add(task)
                task.add_done_callback(self._written)

    def _may_write(self) -> bool:
        """Tell whether a statement may begin: larger batches beat more of them side by side."""
        under_way = len(self._writing)
        return not under_way or (under_way < self._writers and len(self._waiting) >= BATCH_FULL)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writing.discard(task)
        self._wake.set()

    async def _settle(self, batch: list[_Submission]) -> None:
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

    async def _split(self, batch: list[_Submission], error: psycopg.Error) -> None:
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
        wanted = [
            (n, event, installation)
            for n, event in enumerate(events)
            if (entry := entries[event.store_id]) is not None
            for installation in entry.installations_for(event.type)
        ]
        await self._look_at_shares([one for one in wanted if not one[1].bulk], connection)
        candidates = [
            _Candidate(
                n, delivery_id(event.id, installation), installation, event.bulk or self._shares.is_over(installation)
            )
            for n, event, installation in wanted
        ]
        parameters: dict[str, str | JsonbArray] = {
            "events": _encode([_row(n, event) for n, event in enumerate(events)]).decode(),
            "payloads": JsonbArray([event.payload for event in events]),
            "candidates": _encode(candidates).decode(),
        }
        rows = await self._execute(connection, parameters, customers=any(one.customer_id is not None for one in events))
        lanes = {value for kind, value in rows if kind == "lane"}
        self._statements.learn(lanes)
        self.tell(lanes)
        if self._on_changed is not None:
            self._on_changed({event.store_id for _, event, _ in wanted})
        return [events[int(value)] for kind, value in rows if kind == "stale"], lanes

    async def _execute(
        self, connection: AsyncConnection[TupleRow], parameters: Mapping[str, str | JsonbArray], *, customers: bool
    ) -> list[TupleRow]:
        """Run the statement, again if a lane that it names cannot be written so; what is a dropped one's is parked."""
        is_alone = connection.info.transaction_status is TransactionStatus.IDLE
        statement = self._statements.choose(customers=customers, name_lanes=is_alone)
        try:
            return await (await connection.execute(statement, parameters)).fetchall()
        except psycopg.ProgrammingError:  # no such table, no right to it, another shape
            if not is_alone:
                raise
            self._statements.forget()
        statement = self._statements.choose(customers=customers, name_lanes=False)
        return await (await connection.execute(statement, parameters)).fetchall()

    async def _look_at_shares(
        self, wanted: Sequence[tuple[int, NewEvent, UUID]], connection: AsyncConnection[TupleRow]
    ) -> None:
        """Count what waits of installations that get much; few batches need to."""
        stores = {installation: event.store_id for _, event, installation in wanted}
        ids = self._shares.to_look_at(Counter(installation for _, _, installation in wanted))
        if ids:
            parameters = {
                "ids": ids,
                "stores": [stores[one] for one in ids],
                "untils": [self._shares.over_since(one) for one in ids],
                "limit": LATEST,
            }
            self._shares.learn(await (await connection.execute(_SHARE, parameters)).fetchall())


class _Candidate(msgspec.Struct):
    n: int
    delivery_id: UUID
    installation_id: UUID
    bulk: bool


class _Row(msgspec.Struct, omit_defaults=True):
    n: int
    id: UUID
    store_id: UUID
    type: str
    occurred_at: datetime
    source: str
    entity_id: str | None
    complete: bool
    customer_id: UUID | None
    installed_by: datetime | None
    place: int | None
    trace: str | None = None


def _row(n: int, event: NewEvent) -> _Row:
    return _Row(
        n,
        event.id,
        event.store_id,
        event.type,
        event.occurred_at,
        event.source,
        event.entity_id,
        event.complete,
        event.customer_id,
        event.installed_by,
        place_of(event),
        event.traceparent,
    )


def _age(event: NewEvent) -> tuple[datetime, str]:
    """Order events as the statement orders the orders they come with."""
    return event.occurred_at, event.entity_id or ""


def _fail(batch: list[_Submission], failure: Exception, cause: BaseException) -> None:
    failure.__cause__ = cause
    for _, done in batch:
        if not done.done():
            done.set_exception(failure)


def refused(error: psycopg.Error) -> NotUnderstood:
    """Say in one line what the database has against a value."""
    line = (error.diag.message_primary or str(error)).splitlines()[0][:200]
    return NotUnderstood("refused_by_database", f"{error.sqlstate}: {line}")
