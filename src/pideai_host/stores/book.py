"""One locked balance, and the movements to be written with it. Pure: `credit_rows` reads and writes them.

The ledger's amounts add up to what is available: each movement's amount is what it changes of that, and what changed
outside of the host since the last movement (the shop's own spending, a plan) is noted as one, too.
"""

from typing import Literal
from uuid import UUID

import msgspec

from pideai_host.stores.balance import Balance, CreditType

State = Literal["reserved", "charged", "refunded", "kept"]
"""Of a hold. Kept: its delivery ended without anybody knowing whether it had its effect."""

Movement = Literal["reserve", "charge", "refund", "grant", "renew", "adjust"]
"""Renew: a new month began. Adjust: what changed outside of the host, or was there when it first looked."""


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the ledger.

    Attributes:
        amount: What it changes of what is available.
        available: What is left after it.
        reference: A grant's idempotency key.
        granted: How many a grant was of.
    """

    movement: Movement
    amount: int
    available: int
    credit_type: CreditType | None = None
    delivery_id: UUID | None = None
    reference: str | None = None
    granted: int | None = None


class Hold(msgspec.Struct, frozen=True):
    """What a delivery holds, or held, of a balance."""

    delivery_id: UUID
    credit_type: CreditType
    state: State


class Book:
    """The balance of one store and plugin, for as long as its row is locked.

    Args:
        store_id: Whose.
        balance: As it was found, before anything of this class.
        is_over: Whether the month it counts for is over.
        last: What the ledger's last row says is available; 0 when it has none.
    """

    def __init__(self, store_id: UUID, balance: Balance, *, is_over: bool, last: int) -> None:
        self.store_id = store_id
        self.balance = balance
        self.moves: list[Move] = []
        self.holds: list[Hold] = []
        if balance.available != last:
            self.moves.append(Move(movement="adjust", amount=balance.available - last, available=balance.available))
        if is_over and balance.used:
            self._move("renew", balance.renewed())
        self._found = len(self.moves)
        self._written = None if is_over else balance

    @property
    def is_changed(self) -> bool:
        """Whether there is something to write: what was merely found is written with the next movement."""
        return len(self.moves) > self._found or bool(self.holds)

    @property
    def is_balance_changed(self) -> bool:
        """Whether the balance has to be written: in a new month always, though the numbers may be those of the last."""
        return self.balance != self._written

    def take(self, delivery_id: UUID) -> CreditType | None:
        """Reserve one for a delivery; None when nothing is left."""
        taken = self.balance.take()
        if taken is None:
            return None
        credit_type, left = taken
        self._move("reserve", left, Hold(delivery_id, credit_type, "reserved"))
        return credit_type

    def take_again(self, hold: Hold) -> None:
        """Reserve what is kept for a delivery already."""
        self.holds.append(msgspec.structs.replace(hold, state="reserved"))

    def charge(self, hold: Hold) -> None:
        """Spend what a delivery holds."""
        self._move("charge", self.balance, msgspec.structs.replace(hold, state="charged"))

    def give_back(self, hold: Hold) -> None:
        """Take back what a delivery holds, as the kind it was."""
        left = self.balance.give_back(hold.credit_type)
        self._move("refund", left, msgspec.structs.replace(hold, state="refunded"))

    def keep(self, hold: Hold) -> None:
        """Leave what a delivery holds where it is; no movement."""
        self.holds.append(msgspec.structs.replace(hold, state="kept"))

    def grant(self, credit_type: CreditType, count: int, *, reference: str) -> Move:
        """Add to what a month brings, or to the extra ones; less than nothing takes away.

        Raises:
            ValueError: there is less than that.
        """
        self._move("grant", self.balance.grant(credit_type, count))
        self.moves[-1] = msgspec.structs.replace(
            self.moves[-1], credit_type=credit_type, reference=reference, granted=count
        )
        return self.moves[-1]

    def _move(self, movement: Movement, left: Balance, hold: Hold | None = None) -> None:
        self.moves.append(
            Move(
                movement=movement,
                amount=left.available - self.balance.available,
                available=left.available,
                credit_type=None if hold is None else hold.credit_type,
                delivery_id=None if hold is None else hold.delivery_id,
            )
        )
        self.balance = left
        if hold is not None:
            self.holds.append(hold)
