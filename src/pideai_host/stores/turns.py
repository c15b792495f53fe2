"""Whose turn it is at something that calls have to take one after the other."""

import asyncio
from uuid import UUID
from weakref import WeakValueDictionary


class Turns:
    """Locks by store and plugin, within this process.

    A row that everybody locks makes them wait with a connection each, until one store's rush has taken the whole pool.
    So they queue up here first, and one connection a store waits for the row.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[UUID, str], asyncio.Lock] = WeakValueDictionary()

    def at(self, store_id: UUID, plugin: str) -> asyncio.Lock:
        """Return the lock of a store and plugin, the same for all who hold or await it."""
        return self._locks.setdefault((store_id, plugin), asyncio.Lock())
