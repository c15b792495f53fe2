"""Where credits lie: in `pideai_host.credits`, for WhatsApp in the row of `public.whatsapp_credits` that the shop uses.

Every movement locks the source's row first, so all movements of a store and plugin queue up behind each other; balance,
hold and ledger are written in the same transaction.
"""

from collections.abc import Collection, Iterable, Mapping
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

    async def open(self, store_id: UUID) -> Book:
        """Lock a store's balance; make it first if there is none, as its source has it.

        Raises:
            StoreUnknown: there is no such store.
        """
        books = await self.open_some([store_id])
        if not books:
            with existing_store(store_id):
                await self._connection.execute(self._source.create, {"store_id": store_id, "plugin": self._plugin})
            books = await self.open_some([store_id])
        return require_row(books.get(store_id), f"credits of {self._plugin}")

    async def open_some(self, store_ids: Collection[UUID]) -> Mapping[UUID, Book]:
        """Lock those balances of some stores that are there, in an order that all keep."""
        parameters = {"store_ids": list(store_ids), "plugin": self._plugin}
        async with self._connection.pipeline():
            locked = await self._connection.execute(self._source.lock, parameters)
            ledger = await self._connection.execute(_LAST, parameters)
        last = dict(await ledger.fetchall())
        return {
            store_id: Book(store_id, Balance(monthly, extra, used), is_over=is_over, last=last[store_id])
            for store_id, monthly, extra, used, is_over in await locked.fetchall()
        }

    async def hold(self, store_id: UUID, delivery_id: UUID) -> Hold | None:
        """Return what a delivery holds or held; only after `open`, whose lock it depends on."""
        place = {"store_id": store_id, "plugin": self._plugin, "delivery_id": delivery_id}
        row = await (await self._connection.execute(_HOLD, place)).fetchone()
        return None if row is None else Hold(*row)

    async def write(self, books: Iterable[Book]) -> None:
        """Write what has changed."""
        changed = [book for book in books if book.is_changed]
        if not changed:
            return
        balances = [_balance(book) for book in changed]
        moves = [{"store_id": book.store_id, **msgspec.structs.asdict(move)} for book in changed for move in book.moves]
        holds = [{"store_id": book.store_id, **msgspec.structs.asdict(hold)} for book in changed for hold in book.holds]
        async with self._connection.pipeline():
            written = await self._connection.execute(
                self._source.write, {"plugin": self._plugin, "balances": _encode(balances).decode()}
            )
            await self._connection.execute(
                _MOVES,
                {
                    "plugin": self._plugin,
                    "moves": _encode([{"n": n, **move} for n, move in enumerate(moves)]).decode(),
                    "holds": _encode(holds).decode(),
                },
            )
        if written.rowcount != len(changed):
            require_row(None, f"credits of {self._plugin}")


def _balance(book: Book) -> dict[str, Any]:
    return {"store_id": book.store_id, **msgspec.structs.asdict(book.balance)}
