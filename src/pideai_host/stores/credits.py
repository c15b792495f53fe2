"""What a delivery takes of its store's credits: exactly once, whatever crashes. `holds` ends what is left open here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from pideai_host.api import CreditsExhausted, PluginFault
from pideai_host.db.pool import Pool
from pideai_host.stores.balance import CreditType
from pideai_host.stores.book import Book, Hold
from pideai_host.stores.credit_rows import CreditRows
from pideai_host.stores.turns import Turns


class DeliveryCredits:
    """The credit of one delivery; see `pideai_host.api.Credits`.

    Args:
        pool: Runtime connections.
        store_id: Who pays.
        plugin: What for; WhatsApp is paid from the shop's own table.
        delivery_id: Which delivery; None outside of event delivery, where each call is the plugin's fault.
        turns: Shared by all of a process who use the pool.
    """

    def __init__(
        self, pool: Pool, store_id: UUID, plugin: str, delivery_id: UUID | None, *, turns: Turns | None = None
    ) -> None:
        self._pool = pool
        self._store_id = store_id
        self._plugin = plugin
        self._delivery_id = delivery_id
        self._turns = turns or Turns()
        self._may_hold = False

    @property
    def may_hold(self) -> bool:
        """Whether these calls may have left a credit reserved, which the end of the delivery has to settle."""
        return self._may_hold

    async def reserve(self) -> CreditType:
        """Take one credit for this delivery and say its kind; again after a refund, else at most once.

        Raises:
            CreditsExhausted: nothing is left.
            StoreUnknown: there is no such store.
        """
        async with self._moving() as (delivery_id, book, hold):
            if hold is not None and hold.state == "kept":
                book.take_again(hold)
            if hold is not None and hold.state != "refunded":
                self._may_hold = hold.state != "charged"
                return hold.credit_type
            credit_type = book.take(delivery_id)
            if credit_type is None:
                self._may_hold = False
                raise CreditsExhausted(f"the store has no credits left for {self._plugin}")
            return credit_type

    async def refund(self) -> None:
        """Give the credit back as the kind it was; does nothing when none is taken or it is charged."""
        async with self._moving() as (_, book, hold):
            if hold is not None and hold.state in ("reserved", "kept"):
                book.give_back(hold)
        self._may_hold = False

    async def charge(self) -> None:
        """Keep the credit for good; does nothing when none is taken or it is charged already."""
        async with self._moving() as (_, book, hold):
            if hold is not None and hold.state in ("reserved", "kept"):
                book.charge(hold)
        self._may_hold = False

    @asynccontextmanager
    async def _moving(self) -> AsyncIterator[tuple[UUID, Book, Hold | None]]:
        """Lock the balance, then read the hold; write what was changed, or nothing when the block raises."""
        delivery_id = self._delivery_id
        if delivery_id is None:
            raise PluginFault(
                f"{self._plugin}: credits belong to a delivery, and this call has none", slug=self._plugin
            )
        self._may_hold = True  # until the answer is here: a lost one may have been a yes
        async with (
            self._turns.at(self._store_id, self._plugin),
            self._pool.connection() as connection,
            connection.transaction(),
        ):
            rows = CreditRows(connection, self._plugin)
            book, hold = await rows.open(self._store_id, delivery_id)
            yield delivery_id, book, hold
            await rows.write([book])


class SimulatedCredits(DeliveryCredits):
    """The credit of a test: there is always one, and none is taken."""

    async def reserve(self) -> CreditType:
        """Say that an extra credit is taken."""
        return "extra"

    async def refund(self) -> None:
        """Do nothing."""

    async def charge(self) -> None:
        """Do nothing."""
