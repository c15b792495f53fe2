"""How full the lanes are: counted by the scheduler, so that nobody who asks costs a count."""

from datetime import datetime
from typing import Final

import msgspec
from psycopg.rows import class_row

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.stores.waiting_configs import WaitingConfigs
from pideai_host.telemetry import BREAKERS_OPEN, CONFIGS_WAITING, LANE_CLAIMED, LANE_OLDEST_SECONDS, LANE_READY

EVERY_S: Final = 15.0
COUNTED_MAX: Final = 20_000
"""Messages of a lane that are counted."""

_LOOK: Final = query(load("pideai_host.events", "sql/lanes_look.sql"))
_BREAKERS: Final = query("select plugin, count(*) from pideai_host.breakers where phase <> 'closed' group by plugin")
_LANES: Final = query(load("pideai_host.events", "sql/lanes.sql"))


class LaneDepth(msgspec.Struct, frozen=True, kw_only=True):
    """A lane as it was when it was looked at.

    Attributes:
        ready: Messages that may be claimed, of the `COUNTED_MAX` oldest.
        claimed: Of these, those that a worker has.
        is_capped: There are more.
        oldest_at: When the oldest that is ready was put in.
    """

    lane: str
    ready: int
    claimed: int
    is_capped: bool
    oldest_at: datetime | None
    looked_at: datetime


class LaneDepths:
    """Counts lanes, and tells what was counted."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def look(self) -> bool:
        """Count lanes, and what else waits, for the table and this process's metrics; nothing is left to do then."""
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_LOOK, {"most": COUNTED_MAX})).fetchall()
            breakers = await (await connection.execute(_BREAKERS)).fetchall()
        configs = await WaitingConfigs(self._pool).counts()
        self.forget()
        for plugin, status, count in configs:
            CONFIGS_WAITING.labels(plugin=plugin, status=status).set(count)
        for lane, ready, claimed, oldest_s in rows:
            LANE_READY.labels(lane=lane).set(ready)
            LANE_CLAIMED.labels(lane=lane).set(claimed)
            LANE_OLDEST_SECONDS.labels(lane=lane).set(max(0.0, oldest_s or 0.0))
        for plugin, count in breakers:
            BREAKERS_OPEN.labels(plugin=plugin).set(count)
        return False

    def forget(self) -> None:
        """Tell no more of all these in this process's metrics: another one looks from now on."""
        for gauge in (LANE_READY, LANE_CLAIMED, LANE_OLDEST_SECONDS, BREAKERS_OPEN, CONFIGS_WAITING):
            gauge.clear()

    async def all(self) -> list[LaneDepth]:
        """Return all lanes as they were when they were looked at last, by name."""
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(LaneDepth)) as cursor,
        ):
            await cursor.execute(_LANES)
            return await cursor.fetchall()
