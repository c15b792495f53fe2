"""How many calls a second a plugin makes for one store, over all workers: what is over is put off, never dropped.

Calls reserve their moments in the database, a batch at once; one that has to wait is parked until its own, so that a
burst is spread evenly and each delivery waits once. Plugins without a limit never come here.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.queue import Claimed

EARLY_S: Final = 0.2
"""A call may be so much early: promotion is no finer."""

_RESERVE: Final = query(load("pideai_host.events", "sql/reserve.sql"))


class Rates:
    """The reserved moments of all installations."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def reserve(self, batch: Sequence[Claimed], per_s: float) -> Mapping[UUID, float]:
        """Reserve a moment for each call; return the seconds until those that are not now, by delivery.

        A delivery that was parked for its moment has had it and is not asked to wait again.
        """
        parameters = {"ids": [one.id for one in batch], "times": [one.created_at for one in batch], "per_s": per_s}
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_RESERVE, parameters)).fetchall()
        return {delivery_id: wait_s for delivery_id, wait_s in rows if wait_s > EARLY_S}
