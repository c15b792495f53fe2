"""The third door (DESIGN.md 4.1): reads the shop's tables and brings what neither webhook nor capture brought.

Rows become visible when their transaction commits, which may be long after the instant that they carry. So a pass reads
up to now, but counts as final only what is older than `OVERLAP`; the next pass begins there. Order ids, not rows, are
compared with what was kept, so looking again is cheap.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import sql

from pideai_host.api import EventType
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.changes import keep_each
from pideai_host.events.identity import event_id, status_version
from pideai_host.events.intake import Intake
from pideai_host.events.rows import ABSENT, Change, NotUnderstood
from pideai_host.events.sources import ORDERS, NewEvent
from pideai_host.telemetry import EVENTS_ACCEPTED, get_logger

DOOR: Final = "sweep"
OVERLAP: Final = timedelta(minutes=10)
"""How late a transaction may commit and still be found."""
MEMORY: Final = timedelta(days=13)
"""How far back it looks: event ids are remembered for 14 days."""
PAGE: Final = 500
PAGES_PER_RUN: Final = 10
"""For each table; what is left comes with the next run, which follows at once."""
KEPT_AT_ONCE: Final = 100

_FIRST: Final = UUID(int=0)
_LAST: Final = UUID(int=2**128 - 1)
_log: Final = get_logger(__name__)


def load_sql(name: str) -> sql.SQL:
    """Read a statement of the events."""
    return query(load("pideai_host.events", f"sql/{name}.sql"))


_BEGIN: Final = load_sql("sweep_begin")
_SAVE: Final = load_sql("sweep_save")
_MISSING: Final = load_sql("sweep_missing")
_COLUMNS: Final = load_sql("columns")


class Key(msgspec.Struct, frozen=True):
    """A row of a page: enough to know the id of its event.

    Attributes:
        at: When it happened; the table is read in this order.
        is_wanted: False for what nobody is to hear of.
        installed_by: Who was installed later is not told.
        entity_id: The order or cart that the row is about.
    """

    id: UUID
    at: datetime
    is_wanted: bool
    installed_by: datetime
    entity_id: UUID
    status: str | None


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table to sweep.

    Attributes:
        change: What its rows tell, INSERT or UPDATE.
        of: Of which table they tell it.
        needs: Columns of tables without which it cannot be swept; production differs a little from any copy.
        event: The id of the event that stands for the row: its others were kept with it or not at all.
    """

    name: str
    change: str
    of: str
    needs: Mapping[str, frozenset[str]]
    keys: sql.SQL
    rows: sql.SQL
    event: Callable[[Key], UUID]


def _created(key: Key) -> UUID:
    return event_id(ORDERS, str(key.entity_id), EventType.ORDER_CREATED)


def _status_changed(key: Key) -> UUID:
    version = status_version(key.status or "", key.at)
    return event_id(ORDERS, str(key.entity_id), EventType.ORDER_STATUS_CHANGED, version)


ORDER_TABLES: Final = (
    Table(
        name="orders",
        change="INSERT",
        of="orders",
        needs={"orders": frozenset({"id", "store_id", "created_at"})},
        keys=load_sql("sweep_orders"),
        rows=load_sql("sweep_order_rows"),
        event=_created,
    ),
    Table(
        name="order_status_history",
        change="UPDATE",
        of="orders",
        needs={
            "order_status_history": frozenset({"id", "order_id", "store_id", "from_status", "to_status", "changed_at"})
        },
        keys=load_sql("sweep_statuses"),
        rows=load_sql("sweep_status_rows"),
        event=_status_changed,
    ),
)


class _Pass(msgspec.Struct):
    """One way through a table: what lies after (`at`, `id`) and not after `until` is still to be read."""

    at: datetime
    id: UUID
    until: datetime


class Reader(Protocol):
    """Turns rows into events, as `ChangeReader` does."""

    async def events_of(self, change: Change, *, source: str) -> list[NewEvent]:
        """Return what a row tells; raises `NotUnderstood` for one that makes no sense."""
        ...


class Sweep:
    """Repairs what the other doors lost. One runs at a time; two would do no harm but work."""

    def __init__(self, pool: Pool, reader: Reader, intake: Intake, *, tables: tuple[Table, ...] = ORDER_TABLES) -> None:
        self._pool = pool
        self._reader = reader
        self._intake = intake
        self._tables = tables
        self._passes: dict[str, _Pass] = {}

    async def run(self) -> bool:
        """Sweep a bounded number of rows; returns whether more are left, for which it should run again at once.

        Raises:
            psycopg.Error, PoolTimeout, DatabaseUnavailable: what was read before is kept, the next run goes on there.
        """
        unfinished = False
        for table in self._tables:
            unfinished |= await self._sweep(table)
        return unfinished

    async def _sweep(self, table: Table) -> bool:
        going = self._passes.pop(table.name, None) or await self._begin(table)
        if going is None:
            return False
        for _ in range(PAGES_PER_RUN):
            if await self._page(table, going):
                return False
        self._passes[table.name] = going
        return True

    async def _begin(self, table: Table) -> _Pass | None:
        async with self._pool.connection() as connection:
            for name, needed in table.needs.items():
                rows = await (await connection.execute(_COLUMNS, {"table": f"public.{name}"})).fetchall()
                missing = needed - {row[0] for row in rows}
                if missing:
                    _log.warning("sweep_impossible", table=name, lacks=sorted(missing))
                    return None
            parameters = {"name": table.name, "memory_s": MEMORY.total_seconds()}
            row = await (await connection.execute(_BEGIN, parameters)).fetchone()
        after_at, until, is_cut = row or (None, None, False)
        if after_at is None:
            return None
        if is_cut:
            _log.warning("sweep_cut", table=table.name, older_than_days=MEMORY.days)
        return _Pass(after_at, _FIRST, until)

    async def _page(self, table: Table, going: _Pass) -> bool:
        """Bring what is missing of one page; returns whether it was the last."""
        parameters = {"after_at": going.at, "after_id": going.id, "until": going.until, "limit": PAGE}
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(table.keys, parameters)).fetchall()
        keys = [Key(*row) for row in rows]
        await self._repair(table, {table.event(key): key for key in keys if key.is_wanted})

        is_last = len(keys) < PAGE
        going.at, going.id = (going.until, _LAST) if is_last else (keys[-1].at, keys[-1].id)
        # at the border the id does not count: rows of the same instant are read again
        final = min(going.at - timedelta(microseconds=1), going.until - OVERLAP)
        async with self._pool.connection() as connection:
            await connection.execute(_SAVE, {"name": table.name, "position": final})
        return is_last

    async def _repair(self, table: Table, keys: Mapping[UUID, Key]) -> None:
        if not keys:
            return
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_MISSING, {"ids": list(keys)})).fetchall()
        missing = [keys[row[0]] for row in rows]
        for start in range(0, len(missing), KEPT_AT_ONCE):
            await self._keep(table, {key.id: key for key in missing[start : start + KEPT_AT_ONCE]})

    async def _keep(self, table: Table, keys: Mapping[UUID, Key]) -> None:
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(table.rows, {"ids": list(keys)})).fetchall()
        submissions: list[list[NewEvent]] = []
        reasons: list[str] = []
        for row_id, record, old_record in sorted(rows, key=lambda row: keys[row[0]].at):
            change = Change(
                type=table.change,
                table=table.of,
                record=msgspec.Raw(record.encode()),
                old_record=ABSENT if old_record is None else msgspec.Raw(old_record.encode()),
            )
            try:
                submissions.append(await self._events_of(change, keys[row_id]))
            except NotUnderstood as problem:
                reasons.append(problem.reason)

        async with self._pool.connection() as connection:
            done = await keep_each(self._intake, connection, submissions)
        self._intake.tell(done.lanes)
        reasons += [problem.reason for problem in done.refused.values()]
        if reasons:  # the rows stay where they are, so nothing has to be kept in quarantine, pass after pass
            _log.warning("sweep_not_understood", table=table.name, rows=len(reasons), reasons=sorted(set(reasons)))
        repaired = sum(len(events) for place, events in enumerate(submissions) if place not in done.refused)
        if repaired:
            EVENTS_ACCEPTED.labels(door=DOOR).inc(repaired)
            _log.info("sweep_repaired", table=table.name, events=repaired)

    async def _events_of(self, change: Change, key: Key) -> list[NewEvent]:
        """Make the events; order.updated is not swept, as nothing tells which columns had changed."""
        events = await self._reader.events_of(change, source=DOOR)
        return [
            replace(event, occurred_at=key.at, installed_by=key.installed_by)
            for event in events
            if event.type != EventType.ORDER_UPDATED
        ]
