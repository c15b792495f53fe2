"""What can be told of the database: whether it can be used, as whom, and whether it is what this version needs."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, errors, sql
from psycopg.rows import DictRow, dict_row

from pideai_host.api.errors import PideaiError
from pideai_host.cli.checkup.findings import Finding, fault, note, ok, warning
from pideai_host.db import migrate as migrations
from pideai_host.db.faults import require_supported, unavailable
from pideai_host.db.sql import load, query
from pideai_host.db.urls import conninfo, place
from pideai_host.plugins.lanes import bulk_lane, main_lane
from pideai_host.plugins.migrating import plugin_states
from pideai_host.plugins.registry import Registry
from pideai_host.settings import Settings
from pideai_host.web.tables import migrations_left

Connection = AsyncConnection[DictRow]

FEW_SLOTS: Final = 10
SYNC: Final = "Run `pideai-host plugins sync` as the owner."
MIGRATE: Final = "Run `pideai-host migrate` as the owner."
QUEUES: Final = "On Supabase switch on Queues in the dashboard; elsewhere `pideai-host migrate --pgmq` installs it."
_LIMIT: Final = query("set statement_timeout = '5s'")
_EXISTING: Final = query(load("pideai_host.events", "sql/existing_lanes.sql"))


def statement(name: str) -> sql.SQL:
    """Return a statement of this package."""
    return query(load("pideai_host.cli.checkup", f"sql/{name}.sql"))


_ROLE: Final = statement("role")
_PGMQ: Final = statement("pgmq")
_CATALOGUE: Final = statement("catalogue")
_NET: Final = statement("net")


@asynccontextmanager
async def connected(url: str, variable: str) -> AsyncIterator[Connection]:
    """Connect for as long as the block runs.

    Raises:
        ConfigurationError, DatabaseUnavailable: that cannot be; in one line why.
    """
    told = conninfo(url, variable=variable, name="pideai-host doctor")
    try:
        connection = await AsyncConnection.connect(told, autocommit=True, row_factory=dict_row)
    except psycopg.Error as error:
        raise unavailable(told, error) from error
    async with connection:
        require_supported(told, connection.info.server_version)
        await connection.execute(_LIMIT)
        yield connection


async def rows(connection: Connection, asked: sql.SQL | sql.Composed, **values: Any) -> list[DictRow]:
    """Return the rows of a question."""
    return await (await connection.execute(asked, values or None)).fetchall()


async def of_role(connection: Connection, settings: Settings) -> list[Finding]:
    """Tell who works in the database, and how much room there is."""
    [role] = await rows(connection, _ROLE)
    where = place(conninfo(settings.database_url or "", variable=settings.database_variable))
    found = [ok("database", f"PostgreSQL {role['version']} at {where}, as {role['name']}")]
    if role["passes_security"] or role["owns"]:
        said = f"the host works as {role['name']}, past row security: a fault in it could reach every table"
        hint = "Give DATABASE_URL the role pideai_host, and keep the owner for ADMIN_DATABASE_URL (docs/deploy.md)."
        found.append(note("database", said, hint) if settings.embedded else warning("database", said, hint))
    left = role["slots"] - role["used"]
    if left < FEW_SLOTS:
        said = f"{role['used']} of {role['slots']} connections are in use"
        found.append(warning("database", said, "Lower PIDEAI_POOL_MAX_SIZE, or raise max_connections."))
    return found


async def of_queue(connection: Connection) -> list[Finding]:
    """Tell whether the queue engine is there."""
    [found] = await rows(connection, _PGMQ)
    if not found["is_there"]:
        return [fault("queue", "pgmq is not installed in this database", QUEUES)]
    return [ok("queue", f"pgmq {found['version'] or 'from its SQL'}")]


def of_migrations(settings: Settings, registry: Registry) -> Iterator[Finding]:
    """Tell what is to be migrated, as the owner. Blocks."""
    url, variable = settings.admin_database_url or "", settings.admin_database_variable
    try:
        states = migrations.status(url, variable=variable)
        waiting = [one.name for one in states if one.applied_at is None]
        for slug, own in plugin_states(url, registry, variable=variable).items() if not waiting else ():
            waiting += [f"{slug}: {one.name}" for one in own if one.applied_at is None]
    except PideaiError as error:
        yield Finding.of("migrations", error)
        return
    yield _waiting(waiting, f"all {len(states)} are applied")


async def of_ledger(connection: Connection) -> list[Finding]:
    """Tell the same as far as the runtime role may know it."""
    return [_waiting(await migrations_left(connection), "none is known to wait")]


def _waiting(names: Sequence[str], none: str) -> Finding:
    if not names:
        return ok("migrations", none)
    return fault("migrations", f"{len(names)} wait to be applied, the first is {names[0]}", MIGRATE)


async def of_tables(connection: Connection, needed: tuple[str, ...]) -> list[Finding]:
    """Tell what a host would miss at its start."""
    try:
        missing = await rows(connection, query(load("pideai_host.web", "sql/missing_tables.sql")), names=list(needed))
    except errors.InsufficientPrivilege as error:
        said = f"the role may not use the host's schema: {error.diag.message_primary}"
        return [fault("tables", said, "Connect as the role pideai_host, or as the owner.")]
    if missing:
        return [
            fault(
                "tables",
                f"the database lacks {len(missing)} of the host's tables and functions, such as {missing[0]['name']}",
                MIGRATE,
            )
        ]
    return []


async def of_catalogue(connection: Connection, registry: Registry) -> list[Finding]:
    """Tell whether catalogue and lanes are what the loaded plugins want."""
    known = {one["slug"]: one for one in await rows(connection, _CATALOGUE)}
    absent = sorted(registry.definitions.keys() - {slug for slug, one in known.items() if one["is_active"]})
    old = sorted(
        slug for slug, one in registry.definitions.items() if slug in known and known[slug]["version"] != one.version
    )
    lanes = {one["queue_name"] for one in await rows(connection, _EXISTING)}
    wanted = [lane for one in registry.hooks("handle_event") for lane in (main_lane(one.slug), bulk_lane(one.slug))]
    missing = [lane for lane in wanted if lane not in lanes]
    found = []
    if absent:
        found.append(fault("catalogue", f"{', '.join(absent)} cannot be installed: not in the catalogue", SYNC))
    if old:
        found.append(warning("catalogue", f"{', '.join(old)} is there in another version than the one loaded", SYNC))
    if missing:
        found.append(fault("lanes", f"{', '.join(missing)} does not exist, so its deliveries wait", SYNC))
    return found or [ok("catalogue", f"{len(registry.definitions)} plugins with {len(wanted)} lanes")]


async def of_partitions(connection: Connection) -> list[Finding]:
    """Tell whether what comes has a place."""
    [net] = await rows(connection, _NET)
    if net["has_fallen"]:
        said = "rows lie in the net below the partitions, where they are never dropped"
        return [warning("partitions", said, "Some weeks had none: did workers run as the role pideai_host?")]
    if not net["has_next"]:
        return [warning("partitions", "next week has none", f"A running worker makes it, and so does this: {SYNC}")]
    return [ok("partitions", "made for the weeks to come")]
