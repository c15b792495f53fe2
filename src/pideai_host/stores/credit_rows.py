"""Where credits lie: in `pideai_host.credits`, for WhatsApp in the row of `public.whatsapp_credits` that the shop uses.

Every movement locks the source's row first, so all movements of a store and plugin queue up behind each other; balance,
hold and ledger are written in the same transaction.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql

from pideai_host.db.sql import load, query
from pideai_host.stores.balance import Balance
from pideai_host.stores.book import Book, Hold
from pideai_host.stores.rows import existing_store, require_row

WHATSAPP: Final = "whatsapp"


def credit_sql(name: str) -> sql.SQL:
    """Read a statement of the credits."""
    return query(load("pideai_host.stores", f"sql/{name}.sql"))


class _Source(msgspec.Struct, frozen=True):
    """Statements that lock some balances, make one that is missing, and write some."""

    lock: sql.SQL
    create: sql.SQL
    write: sql.SQL


def _source(name: str) -> _Source:
    return _Source(*(credit_sql(f"{name}_{verb}") for verb in ("lock", "create", "write")))


_OWN: Final = _source("credits")
_SHOP: Final = _source("whatsapp_credits")
_LAST: Final = credit_sql("credit_last")
_HOLD: Final = credit_sql("credit_hold")
_MOVES: Final = credit_sql("credit_moves")
_encode: Final = msgspec.json.Encoder().encode


class CreditRows:
    """One plugin's credits on a connection with a transaction open."""

    def __init__(self, connection: AsyncConnection[Any], plugin: str) -> None:
        self._connection = connection
        self._plugin = plugin
        self._source = _SHOP if plugin == WHATSAPP else _OWN

    async def open(self, store_id: UUID, delivery_id: UUID | None = None) -> tuple[Book, Hold | None]:
        """Lock a store's balance, made first if there is none; return it, and what a delivery holds or held of it.

        Raises:
            StoreUnknown: there is no such store.
        """
        place = {"store_id": store_id, "plugin": self._plugin, "delivery_id": delivery_id}
        locked = await self._lock([store_id])
        if not locked:
            with existing_store(store_id):
                await self._connection.execute(self._source.create, place)
            locked = await self._lock([store_id])
        row = require_row(locked[0] if locked else None, f"credits of {self._plugin}")
        found = await (await self._connection.execute(_HOLD, place)).fetchone()
        last, credit_type, state = require_row(found, f"credits of {self._plugin}")
        hold = None if delivery_id is None or state is None else Hold(delivery_id, credit_type, state)
        return _book(row, last), hold

    async def open_some(self, store_ids: Collection[UUID]) -> Mapping[UUID, Book]:
        """Lock those balances of some stores that are there, in an order that all keep."""
        locked = await self._lock(store_ids)
        parameters = {"store_ids": list(store_ids), "plugin": self._plugin}
        last = dict(await (await self._connection.execute(_LAST, parameters)).fetchall())
        return {row[0]: _book(row, last[row[0]]) for row in locked}

    async def _lock(self, store_ids: Collection[UUID]) -> Sequence[tuple[Any, ...]]:
        parameters = {"store_ids": list(store_ids), "plugin": self._plugin}
        return await (await self._connection.execute(self._source.lock, parameters)).fetchall()

    async def write(self, books: Iterable[Book]) -> None:
        """Write what has changed."""
        changed = [book for book in books if book.is_changed]
        if not changed:
            return
        moves = [{"store_id": book.store_id, **msgspec.structs.asdict(move)} for book in changed for move in book.moves]
        holds = [{"store_id": book.store_id, **msgspec.structs.asdict(hold)} for book in changed for hold in book.holds]
        await self._write_balances([book for book in changed if book.is_balance_changed])
        parameters = {
            "plugin": self._plugin,
            "moves": _encode([{"n": n, **move} for n, move in enumerate(moves)]).decode(),
            "holds": _encode(holds).decode(),
        }
        await self._connection.execute(_MOVES, parameters)

    async def _write_balances(self, books: Sequence[Book]) -> None:
        if not books:
            return
        balances = [{"store_id": book.store_id, **msgspec.structs.asdict(book.balance)} for book in books]
        parameters = {"plugin": self._plugin, "balances": _encode(balances).decode()}
        written = await self._connection.execute(self._source.write, parameters)
        if written.rowcount != len(books):
            require_row(None, f"credits of {self._plugin}")


def _book(row: tuple[Any, ...], last: int) -> Book:
    store_id, monthly, extra, used, is_over = row
    return Book(store_id, Balance(monthly, extra, used), is_over=is_over, last=last)
