"""What came in and was not understood: to be looked at, and put through the door again once the host understands it."""

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow, class_row

from pideai_host.api import PideaiError
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.changes import ChangeReader, keep_each
from pideai_host.events.delivery_log import Mark
from pideai_host.events.intake import Intake
from pideai_host.events.patience import patiently
from pideai_host.events.rows import NotAChange, NotUnderstood, read_change
from pideai_host.stores.audit import Action, Line, record
from pideai_host.telemetry import EVENTS_ACCEPTED

AGAIN_DAYS: Final = 13
"""Ids of events are remembered for 14: what is older could come twice."""

_LAST: Final = UUID(int=2**128 - 1)
_PAGE: Final = query(load("pideai_host.events", "sql/bodies.sql"))
_ONE: Final = query(load("pideai_host.events", "sql/body.sql"))
_SHOWN: Final = _ONE.format(lock=sql.SQL(""))
_LOCKED: Final = _ONE.format(lock=sql.SQL("for update"))
_DELETE: Final = query("delete from pideai_host.quarantine where id = %(id)s")


class BodyUnknown(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """There is no such body, or it was fed again already."""

    code: ClassVar[str] = "body_unknown"


class NotFed(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """The body is still not understood, or too old; it stays where it is."""

    code: ClassVar[str] = "not_fed"


class KeptBody(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a body."""

    id: UUID
    received_at: datetime
    door: str
    reason: str
    detail: str
    size_bytes: int


class KeptBodyWhole(KeptBody, frozen=True, kw_only=True):
    """A body; `is_young` if it can be fed again."""

    body: bytes
    is_young: bool


class KeptBodies:
    """The quarantine of bodies.

    Args:
        pool: Runtime connections.
        reader: Makes events of changes.
        intake: Keeps events.
    """

    def __init__(self, pool: Pool, reader: ChangeReader, intake: Intake) -> None:
        self._pool = pool
        self._reader = reader
        self._intake = intake

    async def page(self, *, reason: str | None, after: Mark | None, limit: int) -> list[KeptBody]:
        """Return bodies, newest first.

        Args:
            reason: Only those that were kept for it; None for all.
            after: Only what comes after it.
            limit: How many at most.
        """
        before_at, before_id = ("infinity", _LAST) if after is None else (after.at, after.id)
        values = {"before_at": before_at, "before_id": before_id, "reason": reason, "limit": limit}
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(KeptBody)) as cursor:
            await cursor.execute(_PAGE, values)
            return await cursor.fetchall()

    async def get(self, body_id: UUID) -> KeptBodyWhole:
        """Return one.

        Raises:
            BodyUnknown: there is none.
        """
        async with self._pool.connection() as connection:
            return await _find(connection, _SHOWN, body_id)

    async def feed(self, body_id: UUID) -> list[UUID]:
        """Take a body in as its door would today, and forget it, in one transaction; returns its events' ids.

        Raises:
            BodyUnknown: there is none.
            NotFed: it is still not understood, or too old to be told from what has come since.
            DatabaseUnavailable: nothing was written; to be tried again.
        """

        async def work(connection: AsyncConnection[TupleRow]) -> tuple[list[UUID], set[str]]:
            async with connection.transaction():
                kept = await _find(connection, _LOCKED, body_id)
                if not kept.is_young:
                    raise NotFed(f"the body is older than {AGAIN_DAYS} days: its events could come twice")
                try:
                    events = await self._reader.events_of(
                        read_change(kept.body), source=kept.door, connection=connection
                    )
                except (NotUnderstood, NotAChange) as problem:
                    raise NotFed(f"still not understood: {problem.message}") from None
                done = await keep_each(self._intake, connection, [events])
                if done.refused:
                    raise NotFed(f"still not understood: {done.refused[0].message}")
                await connection.execute(_DELETE, {"id": body_id})
                detail = {"door": kept.door, "reason": kept.reason, "events": [str(one.id) for one in events]}
                store_id = events[0].store_id if events else None
                await record(
                    connection, store_id, [Line(action=Action.BODY_FED_AGAIN, subject=str(body_id), detail=detail)]
                )
                EVENTS_ACCEPTED.labels(door="again").inc(len(events))
                return [one.id for one in events], done.lanes

        ids, lanes = await patiently(self._pool, work)
        self._intake.tell(lanes)
        return ids


async def _find(connection: AsyncConnection[TupleRow], statement: sql.Composed, body_id: UUID) -> KeptBodyWhole:
    async with connection.cursor(row_factory=class_row(KeptBodyWhole)) as cursor:
        await cursor.execute(statement, {"id": body_id, "days": AGAIN_DAYS})
        found = await cursor.fetchone()
    if found is None:
        raise BodyUnknown("there is no such body in quarantine", hint="It may have been fed again already.")
    return msgspec.structs.replace(found, body=bytes(found.body))
