"""How many calls a second are made for one installation, over all workers: what is over is put off, never dropped.

Calls reserve their moments in the database, a batch at once; one that has to wait is parked until its own, so that a
burst is spread evenly and each delivery waits once. Without a limit nothing is asked.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.installed import Installed
from pideai_host.events.queue import Claimed

EARLY_S: Final = 0.2
"""A call may be so much early: promotion is no finer."""

_RESERVE: Final = query(load("pideai_host.events", "sql/reserve.sql"))


class Rates:
    """The reserved moments of all installations."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def reserve(self, batch: Sequence[Claimed], per_s: Mapping[UUID, float]) -> Mapping[UUID, float]:
        """Reserve a moment for each call; return the seconds until those that are not now, by delivery.

        A delivery that was parked for its moment has had it and is not asked to wait again.

        Args:
            batch: The calls, in their order; those of installations without a rate go at once.
            per_s: Calls a second, by installation (see `rates_of`).
        """
        limited = [one for one in batch if one.installation_id in per_s]
        if not limited:
            return {}
        parameters = {
            "ids": [one.id for one in limited],
            "times": [one.created_at for one in limited],
            "rates": [per_s[one.installation_id] for one in limited],
        }
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_RESERVE, parameters)).fetchall()
        return {delivery_id: wait_s for delivery_id, wait_s in rows if wait_s > EARLY_S}


def rates_of(installed: Mapping[UUID, Installed]) -> dict[UUID, float]:
    """Return the calls a second of those installations that have a limit."""
    rates = ((key, one.delivery.per_store_per_s) for key, one in installed.items())
    return {key: per_s for key, per_s in rates if per_s is not None}
