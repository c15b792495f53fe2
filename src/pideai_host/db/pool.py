"""The connection pool of the runtime role."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from pideai_host.api.errors import DatabaseUnavailable
from pideai_host.db.faults import require_supported, unavailable
from pideai_host.db.urls import conninfo, place

Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]

_OPEN_LIMIT_S = 10.0
_BORROW_LIMIT_S = 10.0
_RECONNECT_ROUND_S = 5.0
"""The pool doubles its pauses within a round: after a long outage it would find the server only after as long again."""
_LIFETIME_S = 1800.0  # so that a server that was moved or changed is met again within half an hour


@asynccontextmanager
async def open_pool(
    url: str,
    *,
    min_size: int = 2,
    max_size: int = 10,
    name: str = "pideai-host",
    variable: str = "DATABASE_URL",
    check: bool = True,
) -> AsyncIterator[Pool]:
    """Open a pool for as long as the block runs.

    Connections are in autocommit mode (a transaction is `async with connection.transaction()`), in time zone UTC,
    and are tried before they are lent; one that the server lost is replaced. Whoever waits over 10 s for one gets
    `psycopg_pool.PoolTimeout`.

    Args:
        url: The runtime role's.
        min_size: Connections that are kept open.
        max_size: Connections at most.
        name: What `pg_stat_activity` shows.
        variable: What to call the URL in messages.
        check: False spares the round trip of the trial; then whoever borrows must be ready to try again.

    Raises:
        ConfigurationError: the URL is wrong, or a transaction pooler's.
        DatabaseUnavailable: no connection within a few seconds, with the reason; or a server before PostgreSQL 15.
    """
    told = conninfo(url, variable=variable, name=name)
    await _try_once(told)
    pool = AsyncConnectionPool(
        told,
        kwargs={"autocommit": True},
        min_size=min_size,
        max_size=max_size,
        timeout=_BORROW_LIMIT_S,
        max_lifetime=_LIFETIME_S,
        reconnect_timeout=_RECONNECT_ROUND_S,
        reconnect_failed=_begin_another_round,
        name=name,
        configure=_configure,
        check=AsyncConnectionPool.check_connection if check else None,
        open=False,
    )
    try:
        try:
            await pool.open(wait=True, timeout=_OPEN_LIMIT_S)
        except PoolTimeout as error:
            raise DatabaseUnavailable(
                f"the database at {place(told)} gives fewer than {min_size} connections", hint="Make the pool smaller."
            ) from error
        yield pool
    finally:
        await pool.close()


async def _try_once(told: str) -> None:
    """Connect once before the pool does: a pool can only tell that it waited in vain, not why."""
    try:
        async with await AsyncConnection.connect(told, autocommit=True) as connection:
            require_supported(told, connection.info.server_version)
    except psycopg.Error as error:
        raise unavailable(told, error) from error


async def _begin_another_round(pool: Pool) -> None:
    await pool.check()


async def _configure(connection: AsyncConnection[TupleRow]) -> None:
    await connection.execute("set time zone 'UTC'")
