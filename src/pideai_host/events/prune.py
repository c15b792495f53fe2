"""Forgets what nobody can need any more in the tables that are not dropped by the week: in batches, by an index each.

`captured_changes`, `breakers`, `ordered_*` and `replays` are emptied by what fills them. What stays for good is one row
for each store, installation or customer of a store, what plugins put into their storage, and the ledger of credits.
"""

from typing import Final

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.telemetry import get_logger

BATCH: Final = 2_000

_STATEMENTS: Final = {
    name: query(load("pideai_host.events", f"sql/prune_{name}.sql"))
    for name in ("quarantine", "notices", "holds", "windows", "answers", "states")
}
_log: Final = get_logger(__name__)


class Pruning:
    """What is kept for as long as the delivery log, and answers, which are kept for a day.

    Args:
        pool: Runtime connections.
        retention_days: Age at which it goes.
    """

    def __init__(self, pool: Pool, *, retention_days: int) -> None:
        self._pool = pool
        self._retention_days = retention_days

    async def run(self) -> bool:
        """Forget a batch of each; returns whether there may be more."""
        has_more = False
        for name, statement in _STATEMENTS.items():
            async with self._pool.connection() as connection:
                done = await connection.execute(statement, {"days": self._retention_days, "limit": BATCH})
            if done.rowcount:
                _log.info("pruned", table=name, rows=done.rowcount, days=self._retention_days)
            has_more |= done.rowcount == BATCH
        return has_more
