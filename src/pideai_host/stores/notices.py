"""Notices for a store's owner: what `context.notify` writes, and what the panel reads."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from psycopg.rows import kwargs_row

from pideai_host.api import PluginFault
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.stores.rows import existing_store

LEVELS: Final = ("info", "warning", "error")
MESSAGE_MAX_CHARS: Final = 1_000

_LIST: Final = query(load("pideai_host.stores", "sql/notices_list.sql"))
_LEAVE: Final = query(load("pideai_host.stores", "sql/notice_leave.sql"))


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a plugin, or the host for it, tells a store's owner."""

    id: int
    at: datetime
    plugin: str
    level: Literal["info", "warning", "error"]
    message: str


class Notices:
    """All stores' notices."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def leave(self, store_id: UUID, plugin: str, message: str, *, level: str = "info") -> None:
        """Write a notice; a message over 1,000 characters is cut, what PostgreSQL's text cannot hold is replaced.

        Raises:
            PluginFault: the level is none of `LEVELS`.
            StoreUnknown: there is no such store.
        """
        if level not in LEVELS:
            raise PluginFault(f"{plugin}: {level!r} is no level of a notice; one of {', '.join(LEVELS)}", slug=plugin)
        text = message.replace("\x00", "").encode(errors="replace").decode()
        if len(text) > MESSAGE_MAX_CHARS:
            text = text[: MESSAGE_MAX_CHARS - 1] + "…"
        with existing_store(store_id):
            async with self._pool.connection() as connection:
                row = {"store_id": store_id, "plugin": plugin, "level": level, "message": text}
                await connection.execute(_LEAVE, row)

    async def of_store(self, store_id: UUID, *, before: int | None = None, limit: int = 50) -> list[Notice]:
        """Return a store's notices, newest first, those below an id."""
        parameters = {"store_id": store_id, "before": before, "limit": limit}
        async with self._pool.connection() as connection, connection.cursor(row_factory=kwargs_row(_notice)) as cursor:
            await cursor.execute(_LIST, parameters)
            return await cursor.fetchall()


def _notice(**columns: Any) -> Notice:
    return msgspec.convert(columns, Notice)
