"""Credits that an operator gives to a store, or takes away: once for each idempotency key."""

from typing import Any, ClassVar, Final
from uuid import UUID

from psycopg import AsyncConnection, errors
from psycopg.rows import class_row

from pideai_host.api import StoreProblem
from pideai_host.db.pool import Pool
from pideai_host.stores.audit import Action, Line, record
from pideai_host.stores.balance import CreditType
from pideai_host.stores.credit_accounts import LedgerEntry
from pideai_host.stores.credit_rows import CreditRows, credit_sql

GRANT_MAX: Final = 1_000_000
REFERENCE_MAX_CHARS: Final = 200

_GRANTED: Final = credit_sql("credit_granted")


class CreditGrantRefused(StoreProblem):
    """A grant that cannot be made: of nothing, of too much, of less than there is, or another one has its key."""

    code: ClassVar[str] = "credit_grant_refused"


class CreditGrants:
    """What operators grant to stores."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def grant(
        self, store_id: UUID, plugin: str, credit_type: CreditType, count: int, *, reference: str
    ) -> tuple[LedgerEntry, bool]:
        """Grant credits and return the ledger's entry, and whether it is new.

        Args:
            store_id: To whom.
            plugin: What for; WhatsApp's go into the shop's own row.
            credit_type: `monthly` ones come with every month, this one included; `extra` ones stay until they are
                spent.
            count: How many more; below 0 takes away.
            reference: The idempotency key, unique for store and plugin. The same grant again answers the entry of the
                first time.

        Raises:
            CreditGrantRefused: it cannot be made; nothing is changed.
            StoreUnknown: there is no such store.
        """
        if count == 0 or abs(count) > GRANT_MAX:
            raise CreditGrantRefused(f"a grant gives or takes 1 to {GRANT_MAX:,} credits")
        if not 1 <= len(reference) <= REFERENCE_MAX_CHARS or "\x00" in reference:
            raise CreditGrantRefused(f"the key of a grant has 1 to {REFERENCE_MAX_CHARS} characters")
        try:
            async with self._pool.connection() as connection, connection.transaction():
                rows = CreditRows(connection, plugin)
                book, _ = await rows.open(store_id)
                known = await _find(connection, store_id, plugin, reference)
                if known is None:
                    book.grant(credit_type, count, reference=reference)
                    await rows.write([book])
                    known, is_new = await _find(connection, store_id, plugin, reference), True
                    detail = {"credit_type": credit_type, "count": count}
                    line = Line(action=Action.CREDITS_GRANTED, plugin=plugin, subject=reference, detail=detail)
                    await record(connection, store_id, [line])
                else:
                    is_new = False
        except ValueError as few:
            raise CreditGrantRefused(f"{abs(count)} {credit_type} credits cannot be taken away: {few}") from None
        except errors.NumericValueOutOfRange:
            raise CreditGrantRefused("the store would have more credits than can be counted") from None
        if known is None or (known.credit_type, known.granted) != (credit_type, count):
            raise CreditGrantRefused(
                f"the key {reference!r} belongs to another grant of this store",
                hint="Choose a new key for a new grant.",
            )
        return known, is_new


async def _find(connection: AsyncConnection[Any], store_id: UUID, plugin: str, reference: str) -> LedgerEntry | None:
    async with connection.cursor(row_factory=class_row(LedgerEntry)) as cursor:
        await cursor.execute(_GRANTED, {"store_id": store_id, "plugin": plugin, "reference": reference})
        return await cursor.fetchone()
