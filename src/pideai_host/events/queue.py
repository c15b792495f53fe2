"""The lanes: claim a batch, give back what nobody waits for, bring back what is due. All statements are set-based."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import args_row
from psycopg.sql import Composed, Identifier

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.patience import patiently
from pideai_host.telemetry import DELIVERIES_CLAIMED

CLAIMS_MAX: Final = 3
"""A message whose last of so many claims was begun and never settled takes its worker down with it (`suspects`)."""

DEAD_AFTER_S: Final = 86_400.0

_BEGIN: Final = query(load("pideai_host.events", "sql/begin.sql"))
_CLAIM: Final = query(load("pideai_host.events", "sql/claim.sql"))
_DROP: Final = load("pideai_host.events", "sql/drop.sql")
_EXISTING: Final = query(load("pideai_host.events", "sql/existing_lanes.sql"))
_PROMOTE: Final = query(load("pideai_host.events", "sql/promote.sql"))
_RENEW: Final = load("pideai_host.events", "sql/renew.sql")


class Claimed(msgspec.Struct, frozen=True):
    """A message that is ours until its lease ends, with all that a hook call needs; fields in the query's order.

    A message whose log row is gone (its partition was dropped) has None from `id` on. `enqueued_s` is how long ago it
    was sent.
    """

    lane: str
    msg_id: int
    read_ct: int
    enqueued_s: float
    id: UUID
    created_at: datetime
    status: str | None
    is_current: bool
    store_id: UUID
    installation_id: UUID
    attempts: int
    waited_s: float | None
    revision: int | None
    enabled: bool | None
    event_id: UUID | None
    event_created_at: datetime
    type: str
    payload: str
    occurred_at: datetime
    source: str
    entity_id: str | None
    is_complete: bool
    age_s: float
    place: int | None
    is_late: bool | None

    @property
    def entity_in_order(self) -> str | None:
        """The entity whose deliveries come in order, this one among them; None for one that is in no order."""
        return self.entity_id if self.place is not None and not self.is_late else None

    @property
    def is_live(self) -> bool:
        """Whether there is something to do: a pending delivery that this very message carries."""
        return self.status == "pending" and self.is_current and self.event_id is not None

    @property
    def is_dead(self) -> bool:
        """Whether the message can go: its delivery is settled, or carried by a later message, or long lost.

        A young message without a delivery is none of these: it is left alone, and comes back when its lease ends.
        """
        return not self.is_live and (self.status is not None or self.enqueued_s > DEAD_AFTER_S)


class Wanted(msgspec.Struct, frozen=True):
    """How much to claim of one lane, and for how long it is ours."""

    lane: str
    count: int
    lease_s: int


class Queue:
    """The lanes of the database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def existing_lanes(self) -> set[str]:
        """Return the names of all queues of the database that have a table which this role may use."""
        async with self._mended(), self._pool.connection() as connection:
            return {row[0] for row in await (await connection.execute(_EXISTING)).fetchall()}

    async def claim(self, wanted: Sequence[Wanted]) -> list[Claimed]:
        """Claim up to `count` ready messages of each lane; at most one worker holds a message at a time."""
        parameters = {
            "lanes": [one.lane for one in wanted],
            "counts": [one.count for one in wanted],
            "leases": [one.lease_s for one in wanted],
        }
        async with (
            self._mended(),
            self._pool.connection() as connection,
            connection.cursor(row_factory=args_row(Claimed)) as cursor,
        ):
            await cursor.execute(_CLAIM, parameters)
            claimed = await cursor.fetchall()
        DELIVERIES_CLAIMED.inc(len(claimed))
        return claimed

    async def begin(self, claimed: Claimed, *, at: datetime, worker: str, is_noted: bool = True) -> bool:
        """Note in a delivery's history that a call for it begins; tell whether that was noted of this message before.

        Without `is_noted` only that is told.

        Not to be tried again when the answer is lost: the second try would find what the first one noted.
        """
        parameters = {
            "id": claimed.id,
            "created_at": claimed.created_at,
            "msg_id": claimed.msg_id,
            "worker": worker,
            "at": at.isoformat(),
            "is_noted": is_noted,
        }
        async with self._mended(), self._pool.connection() as connection:
            row = await (await connection.execute(_BEGIN, parameters)).fetchone()
        return row is not None and bool(row[0])

    async def drop(self, lane: str, messages: Sequence[Claimed]) -> None:
        """Delete messages without writing an outcome: what they carried is settled or gone already."""
        parameters = {
            "msg_ids": [message.msg_id for message in messages],
            "read_cts": [message.read_ct for message in messages],
        }
        statement = for_lane(_DROP, lane)
        await patiently(self._pool, lambda connection: connection.execute(statement, parameters))

    async def renew(self, lane: str, messages: Sequence[Claimed], lease_s: float) -> set[int]:
        """Lengthen the leases of messages that are still ours; return the ids of those that were."""
        parameters = {
            "msg_ids": [message.msg_id for message in messages],
            "read_cts": [message.read_ct for message in messages],
            "lease_s": lease_s,
        }
        async with self._mended(), self._pool.connection() as connection:
            rows = await (await connection.execute(for_lane(_RENEW, lane), parameters)).fetchall()
        return {row[0] for row in rows}

    async def promote(self, limit: int, *, lanes: Collection[str] | None = None) -> Mapping[str, int]:
        """Send what is due back to its lanes; returns how many each lane got, empty when nothing is due.

        Args:
            limit: The most at once.
            lanes: Keep to these; None for all.
        """
        parameters = {"limit": limit, "lanes": None if lanes is None else list(lanes)}
        async with self._mended(), self._pool.connection() as connection:
            return dict(await (await connection.execute(_PROMOTE, parameters)).fetchall())

    @asynccontextmanager
    async def _mended(self) -> AsyncIterator[None]:
        """Throw dead connections out of the pool when one is met, so that the next round finds a living one."""
        try:
            yield
        except psycopg.OperationalError:
            await self._pool.check()
            raise


@lru_cache(maxsize=4_096)
def for_lane(text: str, lane: str) -> Composed:
    """Fill in a lane's table, quoted, where a statement says ``{queue}``. Cached: a lane's text never changes."""
    return query(text).format(queue=Identifier("pgmq", f"q_{lane}"))
