"""The arithmetic of credits, apart from where they lie: monthly ones are spent first, then extra ones.

Nothing goes below zero. Where more was used than a month holds (its size was lowered, or two callers of the shop's own
function spent one credit), the surplus does not eat extra credits.
"""

from typing import Literal

import msgspec

CreditType = Literal["monthly", "extra"]


class Balance(msgspec.Struct, frozen=True):
    """What one store has for one plugin, this month.

    Attributes:
        monthly: How many a month brings.
        extra: Bought ones, which stay.
        used: How many of the month's are spent; may exceed `monthly`.
    """

    monthly: int
    extra: int
    used: int

    @property
    def available(self) -> int:
        """How many can still be spent."""
        return max(self.monthly - self.used, 0) + max(self.extra, 0)

    def take(self) -> tuple[CreditType, "Balance"] | None:
        """Spend one; return its kind and what is left, or None when nothing is."""
        if self.used < self.monthly:
            return "monthly", Balance(self.monthly, self.extra, self.used + 1)
        if self.extra > 0:
            return "extra", Balance(self.monthly, self.extra - 1, self.used)
        return None

    def give_back(self, credit_type: CreditType) -> "Balance":
        """Return what one of a kind makes it; one of an earlier month adds nothing to an unspent month."""
        if credit_type == "extra":
            return Balance(self.monthly, self.extra + 1, self.used)
        return Balance(self.monthly, self.extra, max(self.used - 1, 0))

    def renewed(self) -> "Balance":
        """Return what a new month makes it: the month's ones are unspent."""
        return Balance(self.monthly, self.extra, 0)

    def grant(self, credit_type: CreditType, count: int) -> "Balance":
        """Return what `count` more of a kind make it: monthly ones come with every month, this one included.

        Raises:
            ValueError: fewer than none would be left of that kind.
        """
        monthly = self.monthly + count if credit_type == "monthly" else self.monthly
        extra = self.extra + count if credit_type == "extra" else self.extra
        if count < 0 and (monthly if credit_type == "monthly" else extra) < 0:
            raise ValueError(f"there are only {max(self.monthly if credit_type == 'monthly' else self.extra, 0)}")
        return Balance(monthly, extra, self.used)
