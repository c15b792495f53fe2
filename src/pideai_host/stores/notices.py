"""Notices that plugins leave for a store's owner: what `context.notify` writes."""

from typing import Final
from uuid import UUID

from pideai_host.api import PluginFault
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.stores.rows import existing_store

LEVELS: Final = ("info", "warning", "error")
MESSAGE_MAX_CHARS: Final = 1_000

_LEAVE: Final = query(load("pideai_host.stores", "sql/notice_leave.sql"))


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
