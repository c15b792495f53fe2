"""What an operator sees of all stores together."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from psycopg import errors
from psycopg.rows import class_row

from pideai_host.api import DatabaseUnavailable
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query

BREAKERS_MAX: Final = 500
LIMIT_MS: Final = 5_000
"""How long the events of a day may be looked through."""

_BREAKERS: Final = query(load("pideai_host.events", "sql/breakers_of_all.sql"))
_UNTAKEN: Final = query(load("pideai_host.events", "sql/untaken.sql"))
_LIMIT_TIME: Final = query(f"set local statement_timeout = {LIMIT_MS}")


class OpenBreaker(msgspec.Struct, frozen=True, kw_only=True):
    """A breaker that is not closed; `openings` in a row."""

    installation_id: UUID
    store_id: UUID
    plugin: str
    phase: str
    reason: str | None
    openings: int
    opened_at: datetime
    next_probe_at: datetime | None


class Untaken(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one type that no enabled installation took."""

    type: str
    events: int
    stores: int
    newest_at: datetime


class Overview:
    """Reads what goes wrong, over all stores."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def breakers(self) -> list[OpenBreaker]:
        """Return the breakers that are not closed, the newest `BREAKERS_MAX`."""
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(OpenBreaker)) as cursor,
        ):
            await cursor.execute(_BREAKERS, {"limit": BREAKERS_MAX})
            return await cursor.fetchall()

    async def untaken(self, hours: int) -> list[Untaken]:
        """Return what nobody took in the last hours, by type.

        Raises:
            DatabaseUnavailable: there is too much to look through.
        """
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_LIMIT_TIME)
            try:
                async with connection.cursor(row_factory=class_row(Untaken)) as cursor:
                    await cursor.execute(_UNTAKEN, {"hours": hours})
                    return await cursor.fetchall()
            except errors.QueryCanceled:
                raise DatabaseUnavailable(
                    f"the events of {hours} h cannot be looked through in time", hint="Ask for fewer hours."
                ) from None
