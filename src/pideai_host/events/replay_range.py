"""Replays of a range: what one would do, begin one, see how far it is, cancel it. `replay_job` does the work."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final, cast
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, errors, sql
from psycopg.rows import kwargs_row

from pideai_host.api import PluginUnknown
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.delivery_log import DeliveryStatus, Mark
from pideai_host.events.patience import patiently
from pideai_host.events.replay_faults import ReplayOver, ReplaysBusy, ReplayUnknown
from pideai_host.events.replay_write import Order
from pideai_host.events.scope import EveryStore, Scope, store_id_of, within
from pideai_host.stores.audit import Action, Line, record
from pideai_host.stores.rows import require_row

COUNTED_MAX: Final = 200_000
"""Rows that a count looks at for one store."""
COUNTED_MAX_OF_ALL: Final = 5_000_000
"""And for all of them: the operator has the time."""
COUNT_LIMIT_MS: Final = 20_000
PER_S: Final = 50.0
RUNNING_MAX: Final = 3
"""Replays of one store that run at once, and of the operator's."""

UNDELIVERED: Final = (DeliveryStatus.FAILED, DeliveryStatus.UNKNOWN, DeliveryStatus.EXPIRED)
"""What is replayed unless something else is asked for."""


class ReplayFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What to replay.

    Attributes:
        since: Of when the events came in, inclusive.
        until: Exclusive; never later than the beginning of the replay.
        plugin: Slug; None for all.
        types: Of events; none for all.
        statuses: Of deliveries, any but pending; of no meaning for events.
        only_untaken: Events without any delivery, instead of deliveries.
    """

    since: datetime
    until: datetime | None = None
    plugin: str | None = None
    types: tuple[str, ...] = ()
    statuses: tuple[DeliveryStatus, ...] = UNDELIVERED
    only_untaken: bool = False


class Preview(msgspec.Struct, frozen=True):
    """How much a replay would deal with; more than `count` when that is not exact."""

    count: int
    is_exact: bool


class ReplayStatus(StrEnum):
    """How a replay stands."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class ReplayState(msgspec.Struct, frozen=True, kw_only=True):
    """A replay as it stands.

    Attributes:
        store_id: None when it is of every store.
        total: Deliveries or events when it began; a lower bound unless `total_is_exact`.
        done: Those of them that were dealt with, the skipped ones included.
        replayed: Deliveries that go again.
        skipped: Why -> how many were left as they are.
        results: Status -> how many of the replayed; "parked" wait for a disabled installation or an open breaker.
        unsettled: How many of the replayed are on their way.
        error: Why it does not get on, when it does not.
    """

    id: UUID
    store_id: UUID | None
    requested_by: str
    plugin: str | None
    event_types: list[str]
    statuses: list[str]
    only_untaken: bool
    since: datetime
    until: datetime
    per_s: float
    total: int
    total_is_exact: bool
    status: ReplayStatus
    done: int
    replayed: int
    skipped: dict[str, int]
    results: dict[str, int]
    error: str | None
    created_at: datetime
    finished_at: datetime | None
    unsettled: int


class Subject(msgspec.Struct, frozen=True):
    """What a replay reads: a table, and the condition on its rows."""

    table: sql.SQL
    wanted: sql.SQL

    @classmethod
    def of(cls, *, only_untaken: bool) -> "Subject":
        """Return what is read: deliveries, or events that have none."""
        return _UNTAKEN if only_untaken else _DELIVERIES


_DELIVERIES: Final = Subject(
    query("public.plugin_events_log"), query(load("pideai_host.events", "sql/replay_wanted.sql"))
)
_UNTAKEN: Final = Subject(query("public.plugin_events"), query(load("pideai_host.events", "sql/replay_untaken.sql")))

_COUNT: Final = query(load("pideai_host.events", "sql/replay_count.sql"))
_BEGIN: Final = query(load("pideai_host.events", "sql/replay_begin.sql"))
_STATES: Final = query(load("pideai_host.events", "sql/replays.sql"))
_CANCEL: Final = query(load("pideai_host.events", "sql/replay_cancel.sql"))
_PLUGIN: Final = query("select 1 from public.plugins where slug = %(slug)s")
_LIMIT_TIME: Final = query(f"set local statement_timeout = {COUNT_LIMIT_MS}")
_UNTIL: Final = query("select least(%(until)s::timestamptz, now())")


class ReplayRanges:
    """The table of replays."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def preview(self, scope: Scope, wanted: ReplayFilter) -> Preview:
        """Count what a replay would deal with, by the same rule. A bounded number of rows is looked at.

        Raises:
            PluginUnknown: the catalogue does not have the plugin.
        """
        async with self._pool.connection() as connection, connection.transaction():
            return await _count(connection, scope, wanted, await _until(connection, wanted))

    async def begin(self, scope: Scope, wanted: ReplayFilter, order: Order, *, per_s: float = PER_S) -> ReplayState:
        """Begin a replay; sent again under the same id, it begins no second one.

        Raises:
            PluginUnknown: the catalogue does not have the plugin.
            ReplaysBusy: too many run.
        """

        async def work(connection: AsyncConnection[Any]) -> None:
            async with connection.transaction():
                until = await _until(connection, wanted)
                counted = await _count(connection, scope, wanted, until)
                parameters = {
                    **_parameters(scope, wanted, until),
                    "id": order.replay_id,
                    "by": order.by,
                    "only_untaken": wanted.only_untaken,
                    "per_s": per_s,
                    "total": counted.count,
                    "total_is_exact": counted.is_exact,
                    "running_max": RUNNING_MAX,
                }
                is_new = (await connection.execute(_BEGIN, parameters)).rowcount == 1
                if is_new:
                    await record(connection, store_id_of(scope), [_begun(wanted, until, order, counted)])

        await patiently(self._pool, work)
        found = await self._read(scope, id=order.replay_id)
        if not found:
            raise ReplaysBusy(RUNNING_MAX)
        return found[0]

    async def get(self, scope: Scope, replay_id: UUID) -> ReplayState:
        """Return a replay.

        Raises:
            ReplayUnknown: there is none within the scope.
        """
        found = await self._read(scope, id=replay_id)
        if not found:
            raise ReplayUnknown(replay_id)
        return found[0]

    async def list_newest(self, scope: Scope, *, limit: int = 50, after: Mark | None = None) -> list[ReplayState]:
        """Return the newest replays within the scope, or those that come after one of them."""
        return await self._read(scope, limit=limit, after=after)

    async def cancel(self, scope: Scope, replay_id: UUID) -> ReplayState:
        """Stop a replay; what it has put into a lane already goes its way. Returns it as it is then.

        Raises:
            ReplayUnknown: there is none within the scope.
            ReplayOver: it is done; cancelling what is cancelled does nothing.
        """
        before = await self.get(scope, replay_id)
        if before.status is ReplayStatus.DONE:
            raise ReplayOver(replay_id, before.status)

        async def work(connection: AsyncConnection[Any]) -> None:
            async with connection.transaction():
                row = await (await connection.execute(_CANCEL, {"id": replay_id})).fetchone()
                if row is not None:
                    line = Line(action=Action.REPLAY_CANCELLED, plugin=before.plugin, subject=str(replay_id))
                    await record(connection, before.store_id, [line])

        await patiently(self._pool, work)
        return await self.get(scope, replay_id)

    async def _read(
        self,
        scope: Scope,
        *,
        id: UUID | None = None,  # noqa: A002 - the column
        limit: int = 1,
        after: Mark | None = None,
    ) -> list[ReplayState]:
        which = within(query("{of_store}" if id is None else "{of_store} and r.id = %(id)s"), scope)
        parameters: dict[str, object] = {"store_id": store_id_of(scope), "id": id, "limit": limit}
        if after is not None:
            which = which + query(" and (r.created_at, r.id) < (%(after_at)s, %(after_id)s)")
            parameters |= {"after_at": after.at, "after_id": after.id}

        async def work(connection: AsyncConnection[Any]) -> list[ReplayState]:
            async with connection.cursor(row_factory=kwargs_row(_state)) as cursor:
                await cursor.execute(_STATES.format(which=which), parameters)
                return await cursor.fetchall()

        return await patiently(self._pool, work)


def _begun(wanted: ReplayFilter, until: datetime, order: Order, counted: Preview) -> Line:
    detail = {
        "since": wanted.since,
        "until": until,
        "event_types": list(wanted.types),
        "statuses": [one.value for one in wanted.statuses],
        "only_untaken": wanted.only_untaken,
        "total": counted.count,
    }
    return Line(action=Action.REPLAY_BEGUN, plugin=wanted.plugin, subject=str(order.replay_id), detail=detail)


async def _until(connection: AsyncConnection[Any], wanted: ReplayFilter) -> datetime:
    """Return where the range ends, after a look at the plugin: what a replay makes must not be met by it again."""
    if wanted.plugin is not None:
        known = await (await connection.execute(_PLUGIN, {"slug": wanted.plugin})).fetchone()
        if known is None:
            raise PluginUnknown(wanted.plugin)
    row = await (await connection.execute(_UNTIL, {"until": wanted.until})).fetchone()
    (until,) = require_row(row, "now")
    return cast("datetime", until)


async def _count(connection: AsyncConnection[Any], scope: Scope, wanted: ReplayFilter, until: datetime) -> Preview:
    subject = Subject.of(only_untaken=wanted.only_untaken)
    statement = within(_COUNT, scope, table=subject.table, wanted=subject.wanted)
    limit = COUNTED_MAX_OF_ALL if isinstance(scope, EveryStore) else COUNTED_MAX
    try:
        async with connection.transaction():
            await connection.execute(_LIMIT_TIME)
            cursor = await connection.execute(statement, {**_parameters(scope, wanted, until), "limit": limit})
            count, is_cut = require_row(await cursor.fetchone(), "count")
    except errors.QueryCanceled:
        return Preview(0, is_exact=False)
    return Preview(count, is_exact=not is_cut)


def _parameters(scope: Scope, wanted: ReplayFilter, until: datetime) -> dict[str, Any]:
    return {
        "store_id": store_id_of(scope),
        "since": wanted.since,
        "until": until,
        "plugin": wanted.plugin,
        "types": list(wanted.types),
        "statuses": [one.value for one in wanted.statuses],
    }


def _state(**columns: Any) -> ReplayState:
    return msgspec.convert(columns, ReplayState)
