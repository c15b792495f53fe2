"""What the scheduler does: sweeps, replays, partitions for the weeks to come, and the end of what is old."""

from typing import Final

from psycopg import errors

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events import replay_job
from pideai_host.events.depths import EVERY_S as DEPTHS_EVERY_S
from pideai_host.events.depths import LaneDepths
from pideai_host.events.ordering import OrderUpkeep
from pideai_host.events.prune import Pruning
from pideai_host.events.replay_job import ReplayJob
from pideai_host.events.schedule import Job
from pideai_host.events.sweep import Sweep
from pideai_host.stores import recovery as recoveries
from pideai_host.stores.audit import AuditTrail
from pideai_host.stores.holds import Holds
from pideai_host.stores.recovery import Recovery
from pideai_host.telemetry import get_logger

MINUTE_S: Final = 60.0
HOUR_S: Final = 3600.0
PRUNE_BATCH: Final = 5_000
LOCK_LIMIT: Final = "200ms"
"""Both kinds of work on partitions need a lock on tables that all workers use; whoever comes waits behind it."""

_PRUNE: Final = query(load("pideai_host.events", "sql/prune_ids.sql"))
_ENSURE: Final = query("select pideai_host.ensure_partitions()")
_DROP: Final = query("select name from pideai_host.drop_old_partitions(%(days)s) as name")
_LIMIT_LOCKS: Final = query(f"set local lock_timeout = '{LOCK_LIMIT}'")
_log: Final = get_logger(__name__)


class Upkeep:
    """The host's own tables, kept in shape.

    Args:
        pool: Runtime connections.
        retention_days: Age at which a week of events and deliveries is dropped, and what is kept as long as they are.
        audit_days: Age at which lines of the audit trail are forgotten.
    """

    def __init__(self, pool: Pool, *, retention_days: int, audit_days: int = 730) -> None:
        self._pool = pool
        self._audit = AuditTrail(pool)
        self._audit_days = audit_days
        self._retention_days = retention_days
        self.holds = Holds(pool)
        self.pruning = Pruning(pool, retention_days=retention_days)

    async def ensure_partitions(self) -> bool:
        """Make the partitions of the weeks to come. Nothing is left to do afterwards.

        Raises:
            psycopg.errors.LockNotAvailable: the tables were busy; to be tried again.
        """
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_LIMIT_LOCKS)
            await connection.execute(_ENSURE)
        return False

    async def drop_old_partitions(self) -> bool:
        """Drop the weeks that are older than the retention and hold nothing that still waits.

        What is busy is left for the next time.
        """
        async with self._pool.connection() as connection:
            try:
                rows = await (await connection.execute(_DROP, {"days": self._retention_days})).fetchall()
            except errors.LockNotAvailable:
                _log.info("retention_gave_way")
                return False
        for (name,) in rows:
            _log.info("partition_dropped", partition=name, days=self._retention_days)
        return bool(rows)

    async def prune_ids(self) -> bool:
        """Forget a batch of event ids that are older than 14 days; returns whether there may be more."""
        async with self._pool.connection() as connection:
            done = await connection.execute(_PRUNE, {"limit": PRUNE_BATCH})
        return done.rowcount == PRUNE_BATCH

    async def prune_audit(self) -> bool:
        """Forget a batch of old lines of the audit trail; returns whether there may be more."""
        gone = await self._audit.forget(self._audit_days, limit=PRUNE_BATCH)
        if gone:
            _log.info("pruned", table="audit", rows=gone, days=self._audit_days)
        return gone == PRUNE_BATCH


def jobs_of(
    *,
    sweep: Sweep,
    carts: Sweep,
    upkeep: Upkeep,
    order: OrderUpkeep,
    replays: ReplayJob,
    recovery: Recovery,
    depths: LaneDepths,
    sweep_interval_s: float,
) -> list[Job]:
    """List what the scheduler of a host does."""
    return [
        Job(name="sweep", every_s=sweep_interval_s, run=sweep.run),
        Job(name="carts", every_s=sweep_interval_s, run=carts.run),
        Job(name="replays", every_s=replay_job.EVERY_S, run=replays.run),
        Job(name="installations", every_s=recoveries.EVERY_S, run=recovery.run),
        Job(name="lanes", every_s=DEPTHS_EVERY_S, run=depths.look),
        Job(name="partitions", every_s=HOUR_S, run=upkeep.ensure_partitions),
        Job(name="retention", every_s=HOUR_S, run=upkeep.drop_old_partitions, limit_s=60.0),
        Job(name="credit_holds", every_s=MINUTE_S, run=upkeep.holds.settle_open),
        Job(name="prune", every_s=HOUR_S, run=upkeep.pruning.run),
        Job(name="audit", every_s=HOUR_S, run=upkeep.prune_audit),
        Job(name="event_ids", every_s=HOUR_S, run=upkeep.prune_ids),
        Job(name="order", every_s=MINUTE_S, run=order.mend),
        Job(name="ordered_entities", every_s=HOUR_S, run=order.prune),
        Job(name="old_replays", every_s=HOUR_S, run=replays.forget),
    ]
