"""Whether a database has what this version of the host needs, asked before anything is begun."""

from functools import cache
from importlib.resources import files
from typing import Any, Final

import psycopg
from psycopg import errors
from psycopg.rows import TupleRow, tuple_row

from pideai_host.api import ConfigurationError
from pideai_host.db.faults import require_supported, unavailable
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.db.urls import conninfo
from pideai_host.settings import Settings

REQUIRED: Final[tuple[str, ...]] = (
    "public.plugin_events_log",
    "public.store_plugins",
    "pideai_host.event_ids",
    "pideai_host.captured_changes",
    "pideai_host.sweep_cursors",
    "pideai_host.breakers",
    "pideai_host.plugin_quarantines",
    "pideai_host.replays",
    "pideai_host.request_windows",
    "pideai_host.kept_answers",
    "pideai_host.audit",
    "pideai_host.installation_states",
    "pideai_host.processes",
    "pideai_host.claim_ready",
    "pideai_host.credit_ledger_reference",
    "pideai_host.plugin_storage_by_key",
    "pideai_host.notices_changes",
    "pideai_host.unserved_plugins",
    "pideai_host.drop_old_partitions",
    "pideai_host.plugin_migrations",
    "pideai_host.plugin_jobs",
    "pideai_host.wait_in_main_lane",
    "pgmq.meta",
)
"""Something of every migration: a host that is deployed before `migrate` ran says so at once."""
NAMED_MAX: Final = 3
"""Of what is missing, in a message."""

_MAY_LOOK: Final = query("select coalesce(has_table_privilege(to_regclass('pideai_host.migrations'), 'select'), false)")
_APPLIED: Final = query("select migration_id from pideai_host.migrations")
_LOOK_FOR_TABLES: Final = query(load("pideai_host.web", "sql/missing_tables.sql"))


async def require_database(settings: Settings) -> None:
    """Return if the runtime role can connect, and the tables of this version are there.

    Raises:
        ConfigurationError, DatabaseUnavailable: a process that starts would fail; in one line why.
    """
    told = conninfo(settings.database_url or "", variable=settings.database_variable, name="pideai-host start")
    try:
        connection = await psycopg.AsyncConnection.connect(told, autocommit=True)
    except psycopg.Error as error:
        raise unavailable(told, error) from error
    async with connection:
        require_supported(told, connection.info.server_version)
        await _require_tables(connection)


async def require_tables(pool: Pool) -> None:
    """Return if the host's migrations were applied.

    Raises:
        ConfigurationError: they were not, or not all; or the role may not use them.
    """
    async with pool.connection() as connection:
        await _require_tables(connection)


async def _require_tables(connection: psycopg.AsyncConnection[TupleRow]) -> None:
    try:
        rows = await (await connection.execute(_LOOK_FOR_TABLES, {"names": list(REQUIRED)})).fetchall()
    except errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            f"the role of DATABASE_URL may not use the host's schema: {error.diag.message_primary}",
            hint="Connect as the role pideai_host, or as the owner.",
        ) from error
    if rows:
        raise ConfigurationError(
            f"the database lacks {', '.join(row[0] for row in rows[:NAMED_MAX])}{_more(len(rows))}",
            hint="Run `pideai-host migrate` first.",
        )


async def waiting_migrations(pool: Pool) -> list[str]:
    """Return the migrations of this version that were not applied, in their order.

    None where that cannot be told: another tool applied the files, or the role may not read the ledger.
    """
    async with pool.connection() as connection:
        return await migrations_left(connection)


async def migrations_left(connection: psycopg.AsyncConnection[Any]) -> list[str]:
    """Return the same, on a connection of the caller's."""
    found = await connection.cursor(row_factory=tuple_row).execute(_MAY_LOOK)
    [(may_look,)] = await found.fetchall()
    if not may_look:
        return []
    rows = await (await connection.cursor(row_factory=tuple_row).execute(_APPLIED)).fetchall()
    applied = {row[0] for row in rows}
    return [name for name in _packaged() if name not in applied]


@cache
def _packaged() -> tuple[str, ...]:
    folder = files("pideai_host.db").joinpath("migrations")
    return tuple(sorted(one.name.removesuffix(".sql") for one in folder.iterdir() if one.name.endswith(".sql")))


def _more(count: int) -> str:
    return f" and {count - NAMED_MAX} more" if count > NAMED_MAX else ""
