"""The second door (DESIGN.md 4.1): changes that our trigger wrote in the order's own transaction.

A batch is deleted and its events are kept in one transaction, so a change is here or there, never nowhere; a batch that
comes again, or came by another door before, has the same event ids and changes nothing.
"""

import asyncio
from typing import Final, NamedTuple

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import PoolTimeout

from pideai_host.api import PideaiError
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.changes import ChangeReader, keep_each, quarantine
from pideai_host.events.intake import Intake
from pideai_host.events.rows import ABSENT, Change, NotUnderstood
from pideai_host.events.sources import NewEvent
from pideai_host.telemetry import EVENTS_ACCEPTED, get_logger

DOOR: Final = "capture"
BATCH_MAX: Final = 200
POLL_S: Final = 0.5
PAUSE_AFTER_ERROR_S: Final = 5.0

_TAKE: Final = query(load("pideai_host.events", "sql/take_captured.sql"))
_encode: Final = msgspec.json.Encoder().encode
_log: Final = get_logger(__name__)


class _Problem(NamedTuple):
    change: Change
    reason: NotUnderstood


class CaptureDoor:
    """Takes captured changes in; any number may do so side by side."""

    def __init__(self, pool: Pool, reader: ChangeReader, intake: Intake) -> None:
        self._pool = pool
        self._reader = reader
        self._intake = intake
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to look every `POLL_S`; at once again after a full batch."""
        self._task = asyncio.create_task(self._take_forever(), name=DOOR)

    async def stop(self) -> None:
        """Finish the batch under way, then end."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def take(self) -> int:
        """Take one batch in and return how many changes it had. Changes that make no sense go to quarantine.

        Raises:
            psycopg.Error, PoolTimeout, DatabaseUnavailable: nothing was taken; to be tried again.
        """
        lanes: set[str] = set()
        async with self._pool.connection() as connection, connection.transaction():
            changes = await _take(connection)
            if changes:
                lanes = await self._keep(connection, changes)
        self._intake.tell(lanes)
        return len(changes)

    async def _keep(self, connection: AsyncConnection[TupleRow], changes: list[Change]) -> set[str]:
        kept: list[Change] = []
        submissions: list[list[NewEvent]] = []
        problems: list[_Problem] = []
        for change in changes:
            try:
                submissions.append(await self._reader.events_of(change, source=DOOR, connection=connection))
            except NotUnderstood as reason:
                problems.append(_Problem(change, reason))
            except (ValueError, ArithmeticError) as error:
                # a date or number beyond what Python can hold; the row must not come back for ever
                problems.append(_Problem(change, NotUnderstood("bad_row", type(error).__name__)))
            else:
                kept.append(change)

        done = await keep_each(self._intake, connection, submissions)
        problems += [_Problem(kept[place], reason) for place, reason in done.refused.items()]
        for problem in problems:
            await quarantine(connection, door=DOOR, body=_encode(problem.change), problem=problem.reason)
        count = sum(len(events) for place, events in enumerate(submissions) if place not in done.refused)
        EVENTS_ACCEPTED.labels(door=DOOR).inc(count)
        return done.lanes

    async def _take_forever(self) -> None:
        while not self._stopping.is_set():
            pause_s = POLL_S
            try:
                if await self.take() == BATCH_MAX:
                    continue
            except (psycopg.Error, PoolTimeout, PideaiError) as error:
                _log.warning("capture_failed", error=type(error).__name__, again_in_s=PAUSE_AFTER_ERROR_S)
                pause_s = PAUSE_AFTER_ERROR_S
            try:
                await asyncio.wait_for(self._stopping.wait(), pause_s)
            except TimeoutError:
                continue


async def _take(connection: AsyncConnection[TupleRow]) -> list[Change]:
    """Delete the oldest changes and return them in the order in which they were written."""
    # not prepared: a plan that was made while the table was empty would read all of it ever after
    rows = await (await connection.execute(_TAKE, {"limit": BATCH_MAX}, prepare=False)).fetchall()
    return [
        Change(
            type=operation,
            schema=schema,
            table=table,
            record=msgspec.Raw(record.encode()),
            old_record=ABSENT if old_record is None else msgspec.Raw(old_record.encode()),
        )
        for _, operation, schema, table, record, old_record in sorted(rows)
    ]
