"""What intake knows of stores without asking each time: a bounded copy that the database corrects when it is old."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.patience import patiently
from pideai_host.events.sources import StoreFacts

MAX_AGE_S: Final = 60.0
MAX_STORES: Final = 20_000

_SELECT: Final = query(load("pideai_host.events", "sql/directory.sql"))


class Subscription(msgspec.Struct, frozen=True):
    """An installation and the event types that its plugin subscribes to."""

    id: UUID
    events: frozenset[str]


class StoreEntry(msgspec.Struct, frozen=True):
    """One store as intake sees it."""

    facts: StoreFacts
    subscriptions: tuple[Subscription, ...]
    read_at_s: float

    def installations_for(self, event_type: str) -> list[UUID]:
        """Return the installations that may want an event of this type; the database has the last word."""
        return [one.id for one in self.subscriptions if event_type in one.events]


_decode_subscriptions: Final = msgspec.json.Decoder(tuple[Subscription, ...]).decode


class StoreDirectory:
    """Stores by id, read in sets, kept for at most `MAX_AGE_S` and no more than `MAX_STORES` of them."""

    def __init__(self, pool: Pool, *, monotonic: Callable[[], float]) -> None:
        self._pool = pool
        self._monotonic = monotonic
        self._entries: OrderedDict[UUID, StoreEntry] = OrderedDict()

    def known(self, store_id: UUID) -> StoreEntry | None:
        """Return the copy of a store if it is young enough. Never waits."""
        entry = self._entries.get(store_id)
        if entry is None or self._monotonic() - entry.read_at_s > MAX_AGE_S:
            return None
        return entry

    async def get(self, store_id: UUID) -> StoreEntry | None:
        """Return a store, read now if the copy is missing or old; None when there is no such store."""
        return self.known(store_id) or (await self.read([store_id])).get(store_id)

    async def read(
        self, store_ids: Iterable[UUID], connection: AsyncConnection[TupleRow] | None = None
    ) -> dict[UUID, StoreEntry]:
        """Read stores afresh, in one query; those that do not exist are missing from the answer.

        Args:
            store_ids: Which ones.
            connection: The caller's, if it holds one: whoever waits for a second one may wait for itself.
        """
        ids = list(set(store_ids))

        async def select(connection: AsyncConnection[TupleRow]) -> list[TupleRow]:
            return await (await connection.execute(_SELECT, {"ids": ids})).fetchall()

        rows = await (patiently(self._pool, select) if connection is None else select(connection))
        now_s = self._monotonic()
        read = {row[0]: StoreEntry(StoreFacts(currency=row[1]), _decode_subscriptions(row[2]), now_s) for row in rows}
        for store_id in ids:
            self._entries.pop(store_id, None)
        self._entries.update(read)
        while len(self._entries) > MAX_STORES:
            self._entries.popitem(last=False)
        return read
