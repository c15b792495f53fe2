"""The end of a delivery settles what it holds of its store's credits (docs/adr/0020).

What was delivered is paid for, what was not is given back, and where nobody knows it is kept. A plugin's own `charge`
and `refund` come before and leave nothing to do. Whatever a crash leaves open the scheduler finds.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from psycopg import errors

from pideai_host.db.pool import Pool
from pideai_host.db.sql import query
from pideai_host.stores.book import Book, Hold
from pideai_host.stores.credit_rows import CreditRows, credit_sql
from pideai_host.telemetry import get_logger

REST_S: Final = 60
"""How long a hold is left to its delivery before the scheduler asks after it."""
PAGE: Final = 200
PAGES_PER_RUN: Final = 10
LOCK_LIMIT: Final = "2s"

_FIRST: Final = (datetime.min.replace(tzinfo=UTC), UUID(int=0))
_LIMIT_LOCKS: Final = query(f"set local lock_timeout = '{LOCK_LIMIT}'")
_ENDED: Final = credit_sql("credit_holds_ended")
_OPEN: Final = credit_sql("credit_holds_open")
_ENDINGS: Final = {"charge": Book.charge, "give_back": Book.give_back, "keep": Book.keep}
_log: Final = get_logger(__name__)


class Held(NamedTuple):
    """A delivery that may hold a credit; `created_at` spares a search where it is known."""

    store_id: UUID
    delivery_id: UUID
    created_at: datetime | None = None


class Holds:
    """What deliveries hold of all stores' credits."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._after = _FIRST

    async def settle(self, plugin: str, deliveries: Sequence[Held]) -> None:
        """Charge, give back or keep what some deliveries of a plugin hold, those of them that have ended.

        The log is asked under the lock of the balances: a delivery that is being replayed has not ended, and what
        it reserves stays its own.

        Raises:
            psycopg.errors.LockNotAvailable: a balance is locked by others, for longer than `LOCK_LIMIT`; to be tried
                again.
        """
        parameters = {
            "plugin": plugin,
            "store_ids": [one.store_id for one in deliveries],
            "delivery_ids": [one.delivery_id for one in deliveries],
            "times": [one.created_at for one in deliveries],
        }
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_LIMIT_LOCKS)
            rows = CreditRows(connection, plugin)
            books = await rows.open_some({one.store_id for one in deliveries})
            ended = await (await connection.execute(_ENDED, parameters)).fetchall()
            for store_id, delivery_id, credit_type, ending in ended:
                book = books.get(store_id)  # none: its store is gone, or its balance, and nobody asks any more
                if ending is not None and book is not None:
                    _ENDINGS[ending](book, Hold(delivery_id, credit_type, "reserved"))
            await rows.write(books.values())
        done = [ending for *_, ending in ended if ending is not None]
        if done:
            _log.info("credits_settled", plugin=plugin, **{name: done.count(name) for name in sorted(set(done))})

    async def settle_open(self) -> bool:
        """Settle, of the credits that have been reserved for `REST_S`, those whose deliveries have ended.

        Reads a bounded number, oldest first, and goes on there with the next call; returns whether more are left. A
        new leader begins at the oldest.
        """
        for _ in range(PAGES_PER_RUN):
            if await self._page():
                return False
        return True

    async def _page(self) -> bool:
        """Settle one page; returns whether it was the last."""
        at, delivery_id = self._after
        parameters = {"rest_s": REST_S, "after_at": at, "after_id": delivery_id, "limit": PAGE}
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_OPEN, parameters)).fetchall()
        by_plugin: dict[str, list[Held]] = defaultdict(list)
        for _, delivery_id, store_id, plugin, has_ended in rows:
            if has_ended:
                by_plugin[plugin].append(Held(store_id, delivery_id))
        for plugin, deliveries in by_plugin.items():
            try:
                await self.settle(plugin, deliveries)
            except errors.LockNotAvailable:  # the others need not wait for it
                _log.warning("holds_not_settled", plugin=plugin, holds=len(deliveries), error="LockNotAvailable")
        is_last = len(rows) < PAGE
        self._after = _FIRST if is_last else (rows[-1][0], rows[-1][1])
        return is_last
