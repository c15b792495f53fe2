"""SQL for plugins on the runtime role: what `context.db` is."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from psycopg import AsyncCursor
from psycopg.rows import DictRow, dict_row

from pideai_host.db.pool import Pool
from pideai_host.db.sql import query

STATEMENT_LIMIT_S: Final = 10


class PluginDatabase:
    """Each call a transaction of its own, ended by the server after `limit_s`; see `pideai_host.api.Database`.

    What psycopg raises comes through as it is. The caller binds the store into the statement: the runtime role sees
    all stores.
    """

    def __init__(self, pool: Pool, *, limit_s: float = STATEMENT_LIMIT_S) -> None:
        self._pool = pool
        self._limit = query(f"set local statement_timeout = {round(limit_s * 1_000)}")

    async def fetch(self, sql: str, params: Mapping[str, Any] | None = None) -> Sequence[Mapping[str, Any]]:
        """Run one statement and return its rows; none for a statement that returns nothing."""
        async with self._run(sql, params) as cursor:
            return [] if cursor.description is None else await cursor.fetchall()

    async def fetch_one(self, sql: str, params: Mapping[str, Any] | None = None) -> Mapping[str, Any] | None:
        """Run one statement and return its first row, or None."""
        async with self._run(sql, params) as cursor:
            return None if cursor.description is None else await cursor.fetchone()

    async def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> int:
        """Run one statement and return how many rows it touched."""
        async with self._run(sql, params) as cursor:
            return max(cursor.rowcount, 0)

    @asynccontextmanager
    async def _run(self, sql: str, params: Mapping[str, Any] | None) -> AsyncIterator[AsyncCursor[DictRow]]:
        async with (
            self._pool.connection() as connection,
            connection.transaction(),
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            await connection.execute(self._limit)
            yield await cursor.execute(query(sql), params)
