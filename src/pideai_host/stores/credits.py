"""What a store may spend on a plugin, and what each delivery took of it: exactly once, whatever crashes.

Two sources behind one interface: `pideai_host.credits`, and for WhatsApp the row of `public.whatsapp_credits` that the
shop itself uses. Every movement locks the source's row first, so all movements of a store and plugin queue up behind
each other, and writes balance, hold and ledger in one transaction.
"""

from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql

from pideai_host.api import CreditsExhausted, PluginFault
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.stores.balance import Balance, CreditType
from pideai_host.stores.rows import existing_store, require_row

WHATSAPP: Final = "whatsapp"

State = Literal["reserved", "charged", "refunded"]
Movement = Literal["reserve", "charge", "refund"]

_MOVE: Final = query(load("pideai_host.stores", "sql/credit_move.sql"))
_HOLD: Final = query(load("pideai_host.stores", "sql/credit_hold.sql"))


class _Source(msgspec.Struct, frozen=True):
    """Where balances lie: statements that lock one, make it and write it."""

    lock: sql.SQL
    create: sql.SQL
    write: sql.SQL


def _source(name: str) -> _Source:
    return _Source(
        *(query(load("pideai_host.stores", f"sql/{name}_{verb}.sql")) for verb in ("lock", "create", "write"))
    )


_OWN: Final = _source("credits")
_SHOP: Final = _source("whatsapp_credits")


class _Hold(msgspec.Struct, frozen=True):
    credit_type: CreditType
    state: State


class DeliveryCredits:
    """The credit of one delivery; see `pideai_host.api.Credits`.

    Args:
        pool: Runtime connections.
        store_id: Who pays.
        plugin: What for; `WHATSAPP` is paid from the shop's own table.
        delivery_id: Which delivery; None outside of event delivery, where each call is the plugin's fault.
    """

    def __init__(self, pool: Pool, store_id: UUID, plugin: str, delivery_id: UUID | None) -> None:
        self._pool = pool
        self._store_id = store_id
        self._plugin = plugin
        self._delivery_id = delivery_id
        self._source = _SHOP if plugin == WHATSAPP else _OWN

    async def reserve(self) -> str:
        """Take one credit for this delivery and say its kind; again after a refund, else at most once.

        Raises:
            CreditsExhausted: nothing is left.
            StoreUnknown: there is no such store.
        """
        async with self._pool.connection() as connection, connection.transaction():
            balance, hold = await self._lock(connection)
            if hold is not None and hold.state != "refunded":
                return hold.credit_type
            taken = balance.take()
            if taken is None:
                raise CreditsExhausted(f"the store has no credits left for {self._plugin}")
            credit_type, left = taken
            await self._write(connection, left)
            await self._move(connection, "reserve", _Hold(credit_type, "reserved"), left)
            return credit_type

    async def refund(self) -> None:
        """Give the credit back as the kind it was; does nothing when none is taken or it is charged."""
        async with self._pool.connection() as connection, connection.transaction():
            balance, hold = await self._lock(connection)
            if hold is None or hold.state != "reserved":
                return
            left = balance.give_back(hold.credit_type)
            await self._write(connection, left)
            await self._move(connection, "refund", _Hold(hold.credit_type, "refunded"), left)

    async def charge(self) -> None:
        """Keep the credit for good; does nothing when none is taken or it is charged already."""
        async with self._pool.connection() as connection, connection.transaction():
            balance, hold = await self._lock(connection)
            if hold is None or hold.state != "reserved":
                return
            await self._move(connection, "charge", _Hold(hold.credit_type, "charged"), balance)

    async def _lock(self, connection: AsyncConnection[Any]) -> tuple[Balance, _Hold | None]:
        """Lock the balance, then read the hold: a second statement, since only it sees what was waited for."""
        place = self._place()
        row = await (await connection.execute(self._source.lock, place)).fetchone()
        if row is None:
            with existing_store(self._store_id):
                await connection.execute(self._source.create, place)
            row = await (await connection.execute(self._source.lock, place)).fetchone()
        balance = Balance(*require_row(row, f"credits of {self._plugin}"))
        hold = await (await connection.execute(_HOLD, place)).fetchone()
        return balance, None if hold is None else _Hold(*hold)

    async def _write(self, connection: AsyncConnection[Any], left: Balance) -> None:
        written = await connection.execute(self._source.write, self._place() | {"extra": left.extra, "used": left.used})
        require_row(written.rowcount, f"credits of {self._plugin}")

    async def _move(self, connection: AsyncConnection[Any], movement: Movement, hold: _Hold, left: Balance) -> None:
        facts = {
            "movement": movement,
            "amount": _AMOUNTS[movement],
            "available": left.available,
            "credit_type": hold.credit_type,
            "state": hold.state,
        }
        await connection.execute(_MOVE, self._place() | facts)

    def _place(self) -> dict[str, Any]:
        if self._delivery_id is None:
            raise PluginFault(
                f"{self._plugin}: credits belong to a delivery, and this call has none", slug=self._plugin
            )
        return {"store_id": self._store_id, "plugin": self._plugin, "delivery_id": self._delivery_id}


_AMOUNTS: Final[dict[Movement, int]] = {"reserve": -1, "refund": 1, "charge": 0}
