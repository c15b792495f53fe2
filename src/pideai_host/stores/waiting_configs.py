"""Configurations of another version than their plugin's, in all stores: for the operator, who deployed the code."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.stores.wire import ConfigStatus

LISTED_MAX: Final = 500

_LIST: Final = query(load("pideai_host.stores", "sql/configs_waiting.sql"))
_COUNT: Final = query(load("pideai_host.stores", "sql/configs_count.sql"))


class WaitingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """An installation whose deliveries wait for another version of its configuration, or of the code.

    Attributes:
        wanted_version: The catalogue's: of the newest code that was deployed.
        config_fault: Why it could not be brought up; None if it was not tried.
        config_due_at: When it is tried again.
    """

    store_id: UUID
    plugin: str
    enabled: bool
    config_version: int
    wanted_version: int
    config_fault: str | None
    config_due_at: datetime | None
    updated_at: datetime

    @property
    def status(self) -> ConfigStatus:
        """Whether it is older or newer."""
        return ConfigStatus.OUTDATED if self.config_version < self.wanted_version else ConfigStatus.NEWER


class WaitingConfigs:
    """Looks for them in all stores."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def all(self) -> list[WaitingConfig]:
        """Return them by plugin and store, at most `LISTED_MAX`."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(WaitingConfig))
            await cursor.execute(_LIST, {"limit": LISTED_MAX})
            return await cursor.fetchall()

    async def counts(self) -> list[tuple[str, str, int]]:
        """Count them: plugin, whether older (outdated) or newer, and how many."""
        async with self._pool.connection() as connection:
            return await (await connection.execute(_COUNT)).fetchall()
