"""The capture triggers on the shop's tables: put there, taken away and looked at by the owner.

Both need a lock on the table for a moment, and whoever writes to it waits behind that lock: so each try gives up soon,
and tries again a little later.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec
from psycopg import AsyncConnection, errors, sql
from psycopg.rows import TupleRow

from pideai_host.api import ConfigurationError, DatabaseUnavailable
from pideai_host.db.sql import load, query
from pideai_host.stores.audit import Action, Line, record

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "orders": (
        "store_id",
        "status",
        "customer_id",
        "customer_name",
        "customer_email",
        "customer_phone",
        "order_type",
        "total_amount",
        "delivery_address",
        "delivery_lat",
        "delivery_lng",
        "delivery_zone_name",
        "delivery_price",
        "coupon_code",
        "coupon_discount",
        "payment_method",
        "payment_proof_url",
        "tracking_code",
        "estimated_delivery_minutes",
        "notes",
    )
}
"""The tables of `public` that can be captured, each with the columns whose change matters: what payloads carry.

What only other columns tell, such as a driver's assignment, is not captured.
"""

TRIES: Final = 20
LOCK_LIMIT: Final = "500ms"
PAUSE_S: Final = 1.0
COUNTED_MAX: Final = 100_000

_STATE: Final = query(load("pideai_host.events", "sql/capture_state.sql"))
_HAS_COLUMNS: Final = query(load("pideai_host.events", "sql/columns.sql"))


class CaptureState(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator wants to know of a table's capture.

    Attributes:
        triggers: Those of ours that stand on the table, and whether each fires.
        waiting: Changes of the table that no worker took yet, counted up to `COUNTED_MAX`.
        oldest: For how long the oldest of them has waited; None when there is none.
    """

    table: str
    triggers: dict[str, bool]
    waiting: int
    oldest: timedelta | None

    @property
    def word(self) -> str:
        """One of enabled, disabled, and partly for what somebody switched off by hand."""
        if not self.triggers:
            return "disabled"
        return "enabled" if len(self.triggers) == len(_NAMES) and all(self.triggers.values()) else "partly"


_NAMES: Final = ("pideai_host_capture_insert", "pideai_host_capture_update")


async def enable(connection: AsyncConnection[TupleRow], table: str, *, pause_s: float = PAUSE_S) -> None:
    """Put the triggers on a table; repeated, it brings them up to what this version captures.

    Raises:
        ConfigurationError: there is no such table, or the host's own are missing.
        DatabaseUnavailable: the table was busy every time.
    """
    rows = await (await connection.execute(_HAS_COLUMNS, {"table": f"public.{table}"})).fetchall()
    present = {row[0] for row in rows}
    if not present:
        raise ConfigurationError(f"there is no table public.{table}", hint="Is this the shop's database?")

    differs = sql.SQL(" or ").join(
        sql.SQL("old.{0} is distinct from new.{0}").format(sql.Identifier(name))
        for name in COLUMNS[table]
        if name in present
    )
    insert, update = map(sql.Identifier, _NAMES)
    of_table = sql.Identifier("public", table)
    statements = [
        sql.SQL(
            "create or replace trigger {} after insert on {} for each row execute function pideai_host.capture_change()"
        ).format(insert, of_table),
        sql.SQL(
            "create or replace trigger {} after update on {} for each row when ({})"
            " execute function pideai_host.capture_change()"
        ).format(update, of_table, differs),
    ]
    line = Line(action=Action.CAPTURE_ENABLED, subject=table)
    await _in_a_quiet_moment(connection, statements, line, table=table, pause_s=pause_s)


async def disable(connection: AsyncConnection[TupleRow], table: str, *, pause_s: float = PAUSE_S) -> None:
    """Take the triggers away; what they wrote before is still taken in. Does nothing if there are none.

    Raises:
        DatabaseUnavailable: the table was busy every time.
    """
    found = (await state(connection, table)).triggers
    statements = [
        sql.SQL("drop trigger {} on {}").format(sql.Identifier(name), sql.Identifier("public", table)) for name in found
    ]
    line = Line(action=Action.CAPTURE_DISABLED, subject=table)
    await _in_a_quiet_moment(connection, statements, line, table=table, pause_s=pause_s)


async def state(connection: AsyncConnection[TupleRow], table: str) -> CaptureState:
    """Look at a table's capture.

    Raises:
        ConfigurationError: the host's own tables are missing.
    """
    parameters = {"table": table, "names": list(_NAMES), "limit": COUNTED_MAX}
    try:
        row = await (await connection.execute(_STATE, parameters)).fetchone()
    except (errors.UndefinedTable, errors.InvalidSchemaName) as error:
        raise _not_migrated(error) from error
    triggers, waiting, oldest = row or ({}, 0, None)
    return CaptureState(table=table, triggers=triggers, waiting=waiting, oldest=oldest)


async def _in_a_quiet_moment(
    connection: AsyncConnection[TupleRow], statements: list[sql.Composed], line: Line, *, table: str, pause_s: float
) -> None:
    if not statements:
        return
    for attempt in range(TRIES):
        if attempt:
            await asyncio.sleep(pause_s)
        try:
            async with connection.transaction():
                await connection.execute(query(f"set local lock_timeout = '{LOCK_LIMIT}'"))
                for statement in statements:
                    await connection.execute(statement)
                await record(connection, None, [line])
        except errors.LockNotAvailable:
            continue
        except (errors.UndefinedFunction, errors.UndefinedTable, errors.InvalidSchemaName) as error:
            raise _not_migrated(error) from error
        else:
            return
    raise DatabaseUnavailable(
        f"public.{table} was busy in each of {TRIES} tries", hint="Try again when fewer transactions use it."
    )


def _not_migrated(error: errors.Error) -> ConfigurationError:
    return ConfigurationError(
        f"the database lacks the host's tables: {error.diag.message_primary}", hint="Run `pideai-host migrate` first."
    )
