"""Tell live streams that something of a store has changed: a NOTIFY with ids of stores, after the commit.

It is said once for all that changed within `COALESCE_S`, so it costs a few statements a second however much is settled.
Like the word of new work it is a hint: who listens reads the log, and looks now and then without being told.
"""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from pideai_host.db.pool import Pool
from pideai_host.events.wake import Notifier

CHANNEL: Final = "pideai_stores"
COALESCE_S: Final = 0.25


class ChangedStores:
    """Spreads the word of changed stores.

    Args:
        pool: Runtime connections.
    """

    def __init__(self, pool: Pool) -> None:
        self._notifier = Notifier(pool, channel=CHANNEL, first_s=COALESCE_S, coalesce_s=COALESCE_S)

    def tell(self, store_ids: Collection[UUID]) -> None:
        """Say that something of these stores has changed. Never waits and never raises."""
        if store_ids:
            self._notifier.lanes({str(one) for one in store_ids})

    async def stop(self) -> None:
        """Send what is pending, then end."""
        await self._notifier.stop()
