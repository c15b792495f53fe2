"""Quarantined plugins in the database: what all workers share of them (docs/adr/0019)."""

from datetime import datetime
from typing import Final

import msgspec
from psycopg import sql
from psycopg.rows import class_row

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.queue import Claimed
from pideai_host.stores.audit import Action, Line, record

CRASHES_MAX: Final = 3
"""Workers that a plugin may end within `WINDOW_S` before all leave it alone."""
WINDOW_S: Final = 1_800.0
"""Supervisors start a process that keeps crashing every five minutes at last, and each start proves one crash."""
COOL_DOWN_S: Final = 900.0
"""How long it is left alone before one call is tried."""
COOL_DOWN_MAX_S: Final = 4 * 3_600.0


def _load(name: str) -> sql.SQL:
    return query(load("pideai_host.events", f"sql/{name}.sql"))


_READ: Final = _load("quarantines_read")
_LIST: Final = _load("quarantines_list")
_LOCK: Final = query("select pg_advisory_xact_lock(hashtextextended('pideai_host.plugin_crashes', 0))")
_BLAME: Final = _load("quarantine_blame")
_TRY: Final = _load("quarantine_try")
_TRY_AGAIN: Final = _load("quarantine_try_again")
_LIFT: Final = _load("quarantine_lift")


class Quarantined(msgspec.Struct, frozen=True):
    """A plugin that is left alone, as a worker needs it; `is_due` when one call may be tried."""

    plugin: str
    reason: str
    is_due: bool


class QuarantineState(msgspec.Struct, frozen=True, kw_only=True):
    """The same for the operator.

    Attributes:
        until: When one call is tried; a past instant means with the next message.
        crashes: That are held against it.
    """

    plugin: str
    reason: str
    since: datetime
    until: datetime
    crashes: int


class QuarantineRows:
    """The tables of crashes and quarantines.

    Args:
        pool: Runtime connections.
        crashes_max: See `CRASHES_MAX`.
        cool_down_s: Seconds, see `COOL_DOWN_S`.
    """

    def __init__(self, pool: Pool, *, crashes_max: int = CRASHES_MAX, cool_down_s: float = COOL_DOWN_S) -> None:
        self._pool = pool
        self._crashes_max = crashes_max
        self._cool_down_s = cool_down_s

    async def read(self) -> list[Quarantined]:
        """Return all that are quarantined now."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Quarantined)) as cur:
            await cur.execute(_READ)
            return await cur.fetchall()

    async def all(self) -> list[QuarantineState]:
        """Return the same with what an operator wants to know, the oldest first."""
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(QuarantineState)) as cursor,
        ):
            await cursor.execute(_LIST)
            return await cursor.fetchall()

    async def blame(self, plugin: str, claimed: Claimed) -> str | None:
        """Note that the call of a message ended its worker; return why that quarantines the plugin, if it does.

        Idempotent: a crash counts once.
        """
        values = {
            "plugin": plugin,
            "delivery_id": claimed.id,
            "msg_id": claimed.msg_id,
            "window_s": WINDOW_S,
            "crashes_max": self._crashes_max,
            "cool_down_s": self._cool_down_s,
        }
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_LOCK)  # crashes that are found at the same moment have to see each other
            row = await (await connection.execute(_BLAME, values)).fetchone()
        return None if row is None else str(row[0])

    async def take_try(self, plugin: str) -> bool:
        """Take the one call that may be tried; False if another worker was first, or it is not due."""
        return await self._answer(_TRY, plugin=plugin, cool_down_max_s=COOL_DOWN_MAX_S) is not None

    async def try_again(self, plugin: str) -> None:
        """Give back a call that was taken and not made."""
        await self._answer(_TRY_AGAIN, plugin=plugin)

    async def lift(self, plugin: str) -> bool:
        """End a quarantine and forget the crashes; False if there was none."""
        async with self._pool.connection() as connection, connection.transaction():
            row = await (await connection.execute(_LIFT, {"plugin": plugin})).fetchone()
            if row is not None:
                await record(connection, None, [Line(action=Action.QUARANTINE_LIFTED, plugin=plugin)])
        return row is not None

    async def _answer(self, statement: sql.SQL, **values: object) -> str | None:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(statement, values)
            row = await cursor.fetchone() if cursor.description else None
        return None if row is None else str(row[0])
