"""One change at a time for each installation, across all processes of the host."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Final
from uuid import UUID

from psycopg import AsyncConnection, errors, sql

from pideai_host.api import StoreProblem
from pideai_host.db.pool import Pool

WAIT_S: Final = 10.0

_LOCK: Final = sql.SQL("select pg_advisory_lock(hashtextextended(%(name)s, 0))")
_TRY: Final = sql.SQL("select pg_try_advisory_lock(hashtextextended(%(name)s, 0))")
_UNLOCK: Final = sql.SQL("select pg_advisory_unlock_all()")


class InstallationBusy(StoreProblem):
    """Another change of the same installation is under way and takes long."""

    code: ClassVar[str] = "installation_busy"


class InstallationLocks:
    """Advisory locks of the database by store and plugin: they end with their connection, so no crash leaves one.

    A lock keeps its connection for as long as hooks run, and hooks need connections too; so at most half of the pool's
    are given out here.

    Args:
        pool: Runtime connections.
        wait_s: How long to wait for another's change.
    """

    def __init__(self, pool: Pool, *, wait_s: float = WAIT_S) -> None:
        self._pool = pool
        self._wait = sql.SQL("set local lock_timeout = {}").format(round(wait_s * 1_000))
        self._slots = asyncio.Semaphore(max(1, pool.max_size // 2))

    @asynccontextmanager
    async def hold(self, store_id: UUID, slug: str) -> AsyncIterator[AsyncConnection[Any]]:
        """Hold the lock of one installation, be it there or not; gives the connection that holds it, to work with.

        Raises:
            InstallationBusy: somebody else held it for too long.
        """
        async with self._slots, self._pool.connection() as connection:
            try:
                try:
                    async with connection.transaction():
                        await connection.execute(self._wait)
                        await connection.execute(_LOCK, {"name": f"pideai_host.installation|{store_id}|{slug}"})
                except errors.LockNotAvailable:
                    raise InstallationBusy(
                        f"another change of {slug!r} is under way for this store", hint="Try again in a moment."
                    ) from None
                yield connection
            finally:
                await _release(connection)

    @asynccontextmanager
    async def hold_if_free(self, store_id: UUID, slug: str) -> AsyncIterator[AsyncConnection[Any] | None]:
        """Hold the lock if nobody else does; else give None, at once."""
        async with self._slots, self._pool.connection() as connection:
            name = {"name": f"pideai_host.installation|{store_id}|{slug}"}
            try:
                row = await (await connection.execute(_TRY, name)).fetchone()
                yield connection if row is not None and row[0] else None
            finally:
                await _release(connection)


async def _release(connection: AsyncConnection[Any]) -> None:
    """Unlock, or close the connection, which unlocks too: it must not go back to the pool with a lock on it."""
    is_released = False
    try:
        await connection.execute(_UNLOCK)
        is_released = True
    finally:
        if not is_released:
            await connection.close()
