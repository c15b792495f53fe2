"""What every door does with the rows it brings: read them, ask whose they are, make events of them, keep those."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from pideai_host.db.sql import load, query
from pideai_host.events import sources
from pideai_host.events.directory import StoreDirectory, StoreEntry
from pideai_host.events.intake import Intake, refused
from pideai_host.events.rows import Change, NotUnderstood
from pideai_host.events.sources import NewEvent
from pideai_host.events.traced import announced
from pideai_host.telemetry import QUARANTINED, get_logger, tracing

_QUARANTINE: Final = query(load("pideai_host.events", "sql/quarantine.sql"))
_log: Final = get_logger(__name__)


class ChangeReader:
    """Turns changed rows into events, with what is known of their stores."""

    def __init__(self, directory: StoreDirectory, *, now: Callable[[], datetime]) -> None:
        self._directory = directory
        self._now = now

    async def events_of(
        self, change: Change, *, source: str, connection: AsyncConnection[TupleRow] | None = None
    ) -> list[NewEvent]:
        """Return what a change tells, in the order in which it happened; nothing for one that means nothing.

        Args:
            change: As a door brought it.
            source: The door.
            connection: The caller's, if it holds one: whoever waits for a second one may wait for itself.

        Raises:
            NotUnderstood: it belongs into quarantine.
            psycopg.Error: the store had to be looked up and could not be.
        """
        order = sources.read(change)
        if order is None:
            return []
        store = await self._store(order.store_id, connection)
        return sources.events_of(order, store.facts, source=source, now=self._now)

    async def _store(self, store_id: UUID, connection: AsyncConnection[TupleRow] | None) -> StoreEntry:
        store = self._directory.known(store_id)
        if store is None:
            store = (await self._directory.read([store_id], connection)).get(store_id)
        if store is None:
            raise NotUnderstood("unknown_store", str(store_id))
        return store


class Kept(msgspec.Struct, frozen=True):
    """What became of some submissions.

    Attributes:
        lanes: Those that got messages; to be told after the commit (`Intake.tell`).
        refused: What the database has against some of them, by their place.
    """

    lanes: set[str]
    refused: dict[int, NotUnderstood]


async def keep_each(
    intake: Intake, connection: AsyncConnection[TupleRow], submissions: Sequence[Sequence[NewEvent]]
) -> Kept:
    """Keep submissions on a connection of the caller's, in its transaction if it has one: all that can be kept.

    Each submission is kept whole or not at all. One that the database refuses takes no other with it.

    Raises:
        psycopg.Error: anything but a refusal of the data; nothing is kept then.
        DatabaseUnavailable: the installations of a store keep changing; nothing is kept then.
    """
    if tracing.active is not None:
        submissions = [announced(events) for events in submissions]
    try:
        async with connection.transaction():
            return Kept(await intake.store([one for events in submissions for one in events], connection), {})
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(submissions) == 1:
            return Kept(set(), {0: refused(error)})
    lanes: set[str] = set()
    problems: dict[int, NotUnderstood] = {}
    async with connection.transaction():
        for place, events in enumerate(submissions):
            kept = await keep_each(intake, connection, [events])
            lanes |= kept.lanes
            if kept.refused:
                problems[place] = kept.refused[0]
    return Kept(lanes, problems)


async def quarantine(connection: AsyncConnection[TupleRow], *, door: str, body: bytes, problem: NotUnderstood) -> None:
    """Keep raw what was not understood, with the reason; count it and log it."""
    detail = problem.detail[:500].replace("\x00", "\\u0000")  # PostgreSQL's text holds no NUL
    await connection.execute(_QUARANTINE, {"door": door, "reason": problem.reason, "detail": detail, "body": body})
    QUARANTINED.labels(reason=problem.reason).inc()
    _log.warning("change_quarantined", door=door, reason=problem.reason, detail=detail[:200])
