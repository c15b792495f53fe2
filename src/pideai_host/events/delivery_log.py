"""What the owner of a store sees of its events and deliveries: a page at a time, newest first.

A page looks at a bounded number of rows, however few of them are wanted: it may be short, or empty, and still have a
next one. So no question costs more than its page, whatever the history.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec
from psycopg import sql
from psycopg.rows import dict_row, kwargs_row

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.replay_faults import DeliveryUnknown

EXAMINED_MAX: Final = 5_000
"""Rows that one page looks at."""

_ALWAYS: Final = "-infinity"
_EVER: Final = "infinity"
_LAST: Final = UUID(int=2**128 - 1)
_DELIVERIES: Final = query(load("pideai_host.events", "sql/log_deliveries.sql"))
_EVENTS: Final = query(load("pideai_host.events", "sql/log_events.sql"))
_EDGE: Final = query(load("pideai_host.events", "sql/log_edge.sql"))
_EDGE_OF_DELIVERIES: Final = _EDGE.format(table=sql.Identifier("public", "plugin_events_log"))
_EDGE_OF_EVENTS: Final = _EDGE.format(table=sql.Identifier("public", "plugin_events"))
_DELIVERY: Final = query(load("pideai_host.events", "sql/log_delivery.sql"))


class DeliveryStatus(StrEnum):
    """How a delivery stands."""

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class LoggedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery in a list. `plugin` is None when the catalogue has lost it, `reason` where the host did not end it."""

    id: UUID
    event_id: UUID
    plugin: str | None
    installation_id: UUID
    event_type: str
    status: DeliveryStatus
    attempts: int
    response_code: int | None
    error: str | None
    reason: str | None
    park_reason: str | None
    next_attempt_at: datetime | None
    created_at: datetime
    processed_at: datetime | None
    replay_of: UUID | None
    replayed_at: datetime | None
    is_late: bool


class LoggedDeliveryWhole(LoggedDelivery, frozen=True, kw_only=True):
    """A delivery with all that is known of it."""

    response_body: str | None
    data: Any
    history: list[dict[str, Any]]


class LoggedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event in a list; `deliveries` is 0 for one that no enabled installation took."""

    id: UUID
    type: str
    entity_id: str | None
    source: str
    occurred_at: datetime
    created_at: datetime
    deliveries: int


Row = TypeVar("Row", LoggedDelivery, LoggedEvent)


class Mark(msgspec.Struct, frozen=True):
    """Where a page has ended: the next one begins below."""

    at: datetime
    id: UUID


class LogPage(msgspec.Struct, Generic[Row], frozen=True):
    """Some rows, and the mark of what follows; None when that is all."""

    items: list[Row]
    following: Mark | None


class LogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows are wanted; None and nothing stand for all.

    Attributes:
        since: Inclusive; of when a row came in.
        until: Exclusive.
    """

    plugin: str | None = None
    types: Sequence[str] = ()
    statuses: Sequence[DeliveryStatus] = ()
    untaken: bool = False
    since: datetime | None = None
    until: datetime | None = None


class DeliveryLog:
    """The events and deliveries of stores, for reading."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def deliveries(
        self, store_id: UUID, wanted: LogFilter, *, limit: int, after: Mark | None = None
    ) -> LogPage[LoggedDelivery]:
        """Return a page of a store's deliveries, those below `after`."""
        return await self._page(
            LoggedDelivery, (_DELIVERIES, _EDGE_OF_DELIVERIES), store_id, wanted, limit=limit, after=after
        )

    async def events(
        self, store_id: UUID, wanted: LogFilter, *, limit: int, after: Mark | None = None
    ) -> LogPage[LoggedEvent]:
        """Return a page of a store's events, those below `after`; of the filter types, untaken and time count."""
        return await self._page(LoggedEvent, (_EVENTS, _EDGE_OF_EVENTS), store_id, wanted, limit=limit, after=after)

    async def delivery(self, store_id: UUID, delivery_id: UUID) -> LoggedDeliveryWhole:
        """Return one delivery of a store.

        Raises:
            DeliveryUnknown: the store has none such.
        """
        async with self._pool.connection() as connection, connection.cursor(row_factory=kwargs_row(_whole)) as cursor:
            await cursor.execute(_DELIVERY, {"store_id": store_id, "id": delivery_id})
            found = await cursor.fetchone()
        if found is None:
            raise DeliveryUnknown(delivery_id)
        return found

    async def _page(
        self,
        kind: type[Row],
        statements: tuple[sql.SQL, sql.Composed],
        store_id: UUID,
        wanted: LogFilter,
        *,
        limit: int,
        after: Mark | None,
    ) -> LogPage[Row]:
        rows_of, edge_of = statements
        parameters = {
            "store_id": store_id,
            "plugin": wanted.plugin,
            "types": list(wanted.types),
            "statuses": [one.value for one in wanted.statuses],
            "untaken": wanted.untaken,
            "since": wanted.since or _ALWAYS,
            "until": wanted.until or _EVER,
            "before_at": after.at if after else _EVER,
            "before_id": after.id if after else _LAST,
            "examined": EXAMINED_MAX,
            "limit": limit + 1,
        }

        async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(rows_of, parameters)
            rows = [msgspec.convert(row, kind) for row in await cursor.fetchall()]
            if len(rows) > limit:
                return LogPage(rows[:limit], Mark(rows[limit - 1].created_at, rows[limit - 1].id))
            edge = await (await cursor.execute(edge_of, parameters)).fetchone()
        return LogPage(rows, None if edge is None else Mark(edge["created_at"], edge["id"]))


def _whole(**columns: Any) -> LoggedDeliveryWhole:
    return msgspec.convert(columns, LoggedDeliveryWhole)
