"""Which stores today's triggers still speak for. Pure.

Two forms, since stores come and go: all but those that are listed (while stores are cut over one by one), or none but
those that are listed (once all were: a store that is born later belongs to the host from its first day).
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import msgspec

STORES_MAX: Final = 5_000
"""A list this long is read with every order that changes."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which stores the triggers speak for.

    Attributes:
        is_over: False: for all stores but the listed. True: for the listed alone.
        listed: The exceptions.
    """

    is_over: bool = False
    listed: frozenset[UUID] = frozenset()

    def speaks_for(self, store_id: UUID) -> bool:
        """Tell whether the triggers announce this store's changes."""
        return (store_id in self.listed) is self.is_over

    def without(self, stores: Iterable[UUID]) -> "Scope":
        """Return the scope after the host took these stores over."""
        listed = self.listed.difference(stores) if self.is_over else self.listed.union(stores)
        return msgspec.structs.replace(self, listed=listed)

    def with_again(self, stores: Iterable[UUID]) -> "Scope":
        """Return the scope after the triggers took these stores back."""
        listed = self.listed.union(stores) if self.is_over else self.listed.difference(stores)
        return msgspec.structs.replace(self, listed=listed)

    @property
    def is_whole(self) -> bool:
        """Whether the triggers speak for every store, as they did before anything was cut over."""
        return not self.is_over and not self.listed

    @property
    def condition(self) -> str | None:
        """The SQL that a trigger asks of an order's new row; None where it asks nothing.

        An order without a store cannot be saved; if one could, the triggers would keep it.
        """
        if self.is_whole:
            return None
        stores = "'{" + ",".join(sorted(map(str, self.listed))) + "}'::uuid[]"
        return f"new.store_id = ANY ({stores})" if self.is_over else f"(new.store_id <> ALL ({stores})) IS NOT FALSE"
