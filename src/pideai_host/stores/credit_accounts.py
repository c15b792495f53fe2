"""What a store has to spend on its plugins, and what became of it: for owners and operators to read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, errors
from psycopg.rows import class_row, kwargs_row

from pideai_host.db.pool import Pool
from pideai_host.stores.balance import Balance, CreditType
from pideai_host.stores.book import Movement
from pideai_host.stores.credit_rows import WHATSAPP, CreditRows, credit_sql

PAGE_MAX: Final = 200

_OWN: Final = credit_sql("credit_accounts")
_SHOP: Final = credit_sql("whatsapp_credits_account")
_LEDGER: Final = credit_sql("credit_ledger")


class CreditAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A store's credits for one plugin, as of now.

    Attributes:
        used: Of the month's; may exceed `monthly` where that was lowered.
        reserved: How many are held by deliveries that have not ended; they are not available any more.
        renews_at: When the month's are unspent again; None for never.
    """

    plugin: str
    monthly: int = 0
    extra: int = 0
    used: int = 0
    available: int = 0
    reserved: int = 0
    renews_at: datetime | None = None


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of a store's credits; see `book.Move`."""

    id: int
    at: datetime
    movement: Movement
    credit_type: CreditType | None
    amount: int
    available: int
    delivery_id: UUID | None
    reference: str | None
    granted: int | None


class CreditAccounts:
    """All stores' credits."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_store(self, store_id: UUID) -> list[CreditAccount]:
        """Return what a store has for each plugin that it ever had credits for, by plugin."""
        async with self._pool.connection() as connection:
            found = await _read(connection, store_id, None)
        return sorted(found, key=lambda account: account.plugin)

    async def of_plugin(self, store_id: UUID, plugin: str) -> CreditAccount:
        """Return what a store has for one plugin: nothing if it never had any.

        For WhatsApp the shop's row is made if there is none, with the shop's own defaults, as the shop's function does
        when it is asked.

        Raises:
            StoreUnknown: there is no such store.
        """
        async with self._pool.connection() as connection:
            found = await _read(connection, store_id, plugin)
            if not found and plugin == WHATSAPP:
                async with connection.transaction():
                    await CreditRows(connection, plugin).open(store_id)
                found = await _read(connection, store_id, plugin)
        return found[0] if found else CreditAccount(plugin=plugin)

    async def ledger(
        self, store_id: UUID, plugin: str, *, before: int | None = None, limit: int = 50
    ) -> list[LedgerEntry]:
        """Return movements of a store and plugin, the newest first.

        Args:
            store_id: Whose.
            plugin: Of which plugin.
            before: Only those before this entry's id.
            limit: At most so many, up to `PAGE_MAX` and one more, which tells whether there are more.
        """
        parameters = {"store_id": store_id, "plugin": plugin, "before": before, "limit": min(limit, PAGE_MAX + 1)}
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(LedgerEntry)) as cursor,
        ):
            await cursor.execute(_LEDGER, parameters)
            return await cursor.fetchall()


async def _read(connection: AsyncConnection[Any], store_id: UUID, plugin: str | None) -> list[CreditAccount]:
    parameters = {"store_id": store_id, "plugin": plugin}
    found: list[CreditAccount] = []
    if plugin != WHATSAPP:
        found += await _rows(connection, _OWN, parameters)
    if plugin in (None, WHATSAPP):
        try:
            found += await _rows(connection, _SHOP, parameters)
        except errors.UndefinedTable:  # a shop without WhatsApp
            if plugin is not None:
                raise
    return found


async def _rows(connection: AsyncConnection[Any], statement: Any, parameters: Mapping[str, Any]) -> list[CreditAccount]:
    async with connection.cursor(row_factory=kwargs_row(_account)) as cursor:
        await cursor.execute(statement, parameters)
        return await cursor.fetchall()


def _account(**row: Any) -> CreditAccount:
    return CreditAccount(**row, available=Balance(row["monthly"], row["extra"], row["used"]).available)
