"""Run a statement again when the database was away for a moment. Only for statements that may safely go twice."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from pideai_host.db.pool import Pool

Result = TypeVar("Result")

ATTEMPTS: Final = 4
BACKOFF_S: Final = 0.2


async def patiently(
    pool: Pool, work: Callable[[AsyncConnection[TupleRow]], Awaitable[Result]], *, attempts: int = ATTEMPTS
) -> Result:
    """Borrow a connection and work on it, up to `attempts` times; the pauses between them double from `BACKOFF_S`.

    A statement whose answer was lost may have been committed: the next attempt must find that harmless. What a restart
    of the server cut is thrown out of the pool at once, or each attempt would be lent another dead connection.

    Raises:
        psycopg.OperationalError: of the last attempt.
        Exception: whatever else `work` raises, at once.
    """
    for attempt in range(attempts - 1):
        try:
            async with pool.connection() as connection:
                return await work(connection)
        except psycopg.OperationalError:
            await pool.check()
            await asyncio.sleep(BACKOFF_S * 2**attempt)
    async with pool.connection() as connection:
        return await work(connection)
