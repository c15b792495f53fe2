"""Databases of the host, side by side on one server: copies of one that is ready, empty or filled with history.

All have the same store with the same installation. What a round of a benchmark has left behind is cleared before the
next: with a truncation where nothing else lies, else row by row, so that what was there before stays.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from pideai_host.db.embedded import ServerUrls
from pideai_host.db.sql import load, query

_TRUNCATE: Final = query(load("benchmarks", "sql/host_truncate.sql"))
_CLEAR: Final = load("benchmarks", "sql/host_clear.sql")
_COUNTS: Final = query(load("benchmarks", "sql/host_counts.sql"))
_LEFT: Final = query(load("benchmarks", "sql/host_left.sql"))
_WRITTEN: Final = query(load("benchmarks", "sql/host_written.sql"))
_BEGINNING: Final = "-infinity"
APPLICATION: Final = "benchmarks"
"""What the connections of the benchmarks call themselves, unlike those under measurement."""


class Target(msgspec.Struct, frozen=True):
    """A store, and its installation of the bridge, whose deliveries are measured."""

    store_id: UUID
    installation_id: UUID


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One database of the host.

    Attributes:
        connection: The owner's, autocommit.
        environ: The settings that make a process work here.
        targets: Whose events are measured.
        since: What is younger was left by rounds; None while all of it was.
    """

    connection: AsyncConnection[TupleRow]
    environ: Mapping[str, str]
    targets: Sequence[Target]
    since: datetime | None = None

    async def clear(self) -> None:
        """Remove what rounds have left behind, and have what is still to be written written now."""
        if self.since is None:
            await self.connection.execute(_TRUNCATE)
        else:
            for statement in filter(None, map(str.strip, _CLEAR.split(";"))):
                await self.connection.execute(query(statement), {"since": self.since})
            await self.vacuum()
        await self.connection.execute("checkpoint")

    async def vacuum(self) -> None:
        """Do what autovacuum does to the tables that a round writes, so that it does not come while one is measured."""
        for (table,) in await (await self.connection.execute(_WRITTEN)).fetchall():
            await self.connection.execute(query(f"vacuum (analyze) {table}"))

    async def counts(self) -> list[int]:
        """Count what rounds have made: events, deliveries, messages in the bridge's lanes."""
        found: list[int] = await self._scalar(_COUNTS)
        return found

    async def left(self) -> int:
        """Count what of it is not delivered yet."""
        found: int = await self._scalar(_LEFT)
        return found

    async def now(self) -> datetime:
        """Read the database's clock."""
        at: datetime = await scalar(self.connection, "select clock_timestamp()")
        return at

    async def _scalar(self, statement: sql.SQL) -> Any:
        cursor = await self.connection.execute(statement, {"since": self.since or _BEGINNING})
        row = await cursor.fetchone()
        return row[0] if row is not None else None


@asynccontextmanager
async def copied(
    maintenance: AsyncConnection[TupleRow], ready: ServerUrls, name: str, targets: Sequence[Target]
) -> AsyncIterator[Place]:
    """Copy the database that is ready, for as long as the block runs.

    Args:
        maintenance: To another database of the server, autocommit.
        ready: The one to copy; nobody may be connected to it.
        name: The copy's.
        targets: What is measured there.
    """
    template = urlsplit(ready.admin).path.removeprefix("/")
    database, original = sql.Identifier(name), sql.Identifier(template)
    await maintenance.execute(sql.SQL("create database {} template {}").format(database, original))
    try:
        admin, runtime = (urlsplit(url)._replace(path=f"/{name}").geturl() for url in ready)
        async with await connect(admin) as connection:
            environ = {"DATABASE_URL": runtime, "ADMIN_DATABASE_URL": admin}
            yield Place(connection=connection, environ=environ, targets=targets)
    finally:
        await maintenance.execute(sql.SQL("drop database {} with (force)").format(database))


async def connect(url: str) -> AsyncConnection[TupleRow]:
    """Connect as the benchmarks themselves, in autocommit mode."""
    return await AsyncConnection.connect(url, autocommit=True, application_name=APPLICATION)


async def scalar(connection: AsyncConnection[TupleRow], statement: str) -> Any:
    """Return the one value that a statement of ours answers."""
    row = await (await connection.execute(query(statement))).fetchone()
    return row[0] if row is not None else None
