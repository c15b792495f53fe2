"""A small key-value table for each store and plugin: what `context.storage` is."""

from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import errors

from pideai_host.api import PluginFault
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.stores.rows import existing_store

VALUE_MAX_BYTES: Final = 65_536
KEY_MAX_CHARS: Final = 200

_GET: Final = query(load("pideai_host.stores", "sql/storage_get.sql"))
_SET: Final = query(load("pideai_host.stores", "sql/storage_set.sql"))
_SET_NEW: Final = query(load("pideai_host.stores", "sql/storage_set_new.sql"))
_DELETE: Final = query(load("pideai_host.stores", "sql/storage_delete.sql"))


class PluginStorage:
    """The keys of one plugin in one store; see `pideai_host.api.Storage`.

    A key has 1 to 200 characters, a value is JSON of at most 64 KiB; anything else is the plugin's fault
    (`PluginFault`). Values come back as JSON has them: a tuple as a list, a date as its text.
    """

    def __init__(self, pool: Pool, store_id: UUID, plugin: str) -> None:
        self._pool = pool
        self._store_id = store_id
        self._plugin = plugin

    async def get(self, key: str) -> Any:
        """Return the value, or None."""
        place = self._place(key)
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_GET, place)).fetchone()
        return None if row is None else row[0]

    async def set(self, key: str, value: Any) -> None:
        """Write the value, replacing what was there."""
        await self._write(_SET, key, value)

    async def set_new(self, key: str, value: Any) -> bool:
        """Write the value if the key is new; tell whether it was. Atomic across processes."""
        return await self._write(_SET_NEW, key, value) == 1

    async def delete(self, key: str) -> None:
        """Forget the key; does nothing when it is not there."""
        place = self._place(key)
        async with self._pool.connection() as connection:
            await connection.execute(_DELETE, place)

    async def _write(self, statement: Any, key: str, value: Any) -> int:
        row = self._place(key) | {"value": self._encode(key, value)}
        with existing_store(self._store_id):
            async with self._pool.connection() as connection:
                try:
                    return (await connection.execute(statement, row)).rowcount
                except errors.DataError:  # such as the character U+0000, which jsonb cannot hold
                    raise self._fault(f"the value of {key!r} is JSON that PostgreSQL cannot hold") from None

    def _place(self, key: str) -> dict[str, Any]:
        if not 1 <= len(key) <= KEY_MAX_CHARS or "\x00" in key or not _is_utf8(key):
            raise self._fault(f"a key of the storage is a text of 1 to {KEY_MAX_CHARS} characters")
        return {"store_id": self._store_id, "plugin": self._plugin, "key": key}

    def _encode(self, key: str, value: Any) -> str:
        try:
            encoded = msgspec.json.encode(value)
        except (TypeError, ValueError, OverflowError, RecursionError) as problem:
            raise self._fault(f"the value of {key!r} is not JSON: {problem}") from None
        if len(encoded) > VALUE_MAX_BYTES:
            raise self._fault(f"the value of {key!r} has {len(encoded)} bytes; at most {VALUE_MAX_BYTES} are kept")
        return encoded.decode()

    def _fault(self, message: str) -> PluginFault:
        return PluginFault(f"{self._plugin}: {message}", slug=self._plugin)


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
