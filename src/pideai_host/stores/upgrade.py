"""After new code of a plugin was deployed: bring all stores' configurations up, in the processes that have it.

Every worker process looks, at its start and now and then, since during a rolling deployment any of them may be the
first with the new code. Two never work at the same installation: whoever has its lock does.
"""

import asyncio
from typing import Final
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from pideai_host.api import PideaiError
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.plugins.registry import Registry
from pideai_host.stores import installations
from pideai_host.stores.lifecycle import Lifecycle
from pideai_host.telemetry import get_logger

EVERY_S: Final = 10.0
BATCH: Final = 50

_OUTDATED: Final = query(load("pideai_host.stores", "sql/configs_outdated.sql"))
_log: Final = get_logger(__name__)


class Upgrade:
    """One process's share of the work.

    Args:
        pool: Runtime connections.
        registry: The loaded plugins.
        lifecycle: Whose locks and hooks are used.
    """

    def __init__(self, pool: Pool, registry: Registry, lifecycle: Lifecycle) -> None:
        self._pool = pool
        self._definitions = registry.definitions
        self._locks = lifecycle.locks
        self._versions = lifecycle.versions
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look; returns at once."""
        self._task = asyncio.create_task(self._run(), name="upgrade")

    async def stop(self) -> None:
        """Stop; what is under way is left as it was."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def run_batch(self) -> int:
        """Bring up a batch; return how many were brought up."""
        values = {
            "slugs": list(self._definitions),
            "versions": [one.config_version for one in self._definitions.values()],
            "limit": BATCH,
        }
        async with self._pool.connection() as connection:
            outdated = await (await connection.execute(_OUTDATED, values)).fetchall()
        return sum([await self._bring_up(store_id, slug) for store_id, slug in outdated])

    async def _bring_up(self, store_id: UUID, slug: str) -> bool:
        definition = self._definitions[slug]
        async with self._locks.hold_if_free(store_id, slug) as connection:
            if connection is None:
                return False
            stored = await installations.find(connection, store_id, slug)
            if stored is None or stored.config_version >= definition.config_version or stored.transition is not None:
                return False
            try:
                await self._versions.bring_up(connection, stored, definition)
            except PideaiError:
                return False  # told already, and tried again later
            return True

    async def _run(self) -> None:
        while True:
            pause_s = EVERY_S
            try:
                if await self.run_batch():
                    pause_s = 0.0
            except (psycopg.Error, PoolTimeout) as error:
                _log.warning("upgrade_failed", error=type(error).__name__)
            await asyncio.sleep(pause_s)
