"""What became of plugins' jobs, as all processes and the operator see it."""

from datetime import datetime
from typing import Final, Literal

import msgspec
from psycopg.rows import class_row

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query

Ended = Literal["ok", "failed", "timeout"]

_BEGIN: Final = query(load("pideai_host.events", "sql/job_begin.sql"))
_END: Final = query(load("pideai_host.events", "sql/job_end.sql"))
_JOBS: Final = query(load("pideai_host.events", "sql/jobs.sql"))
_PRUNE: Final = query(load("pideai_host.events", "sql/jobs_prune.sql"))


class JobSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A job of a plugin.

    Attributes:
        began_at: When the newest turn began.
        ended_at: When the newest turn that ended did.
        outcome: Of that one: ok, failed or timeout.
        error: What went wrong with it.
        turns: How many ended.
        failures: How many of the last ones failed in a row.
        began_ago_s: Seconds since the newest turn began, by the database's clock.
    """

    plugin: str
    job: str
    interval_s: float
    began_at: datetime
    ended_at: datetime | None
    outcome: Ended | None
    error: str | None
    took_s: float | None
    turns: int
    failures: int
    began_ago_s: float


class JobRows:
    """The rows of all jobs."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def all(self) -> list[JobSeen]:
        """Return the jobs that had a turn, by plugin and name."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(JobSeen)) as cursor:
            await cursor.execute(_JOBS)
            return await cursor.fetchall()

    async def begin(self, plugin: str, job: str, interval_s: float) -> None:
        """Note that a turn begins."""
        async with self._pool.connection() as connection:
            await connection.execute(_BEGIN, {"plugin": plugin, "job": job, "interval_s": interval_s})

    async def end(self, plugin: str, job: str, outcome: Ended, error: str | None, took_s: float) -> None:
        """Note that it ended."""
        values = {"plugin": plugin, "job": job, "outcome": outcome, "error": error, "took_s": took_s}
        async with self._pool.connection() as connection:
            await connection.execute(_END, values)

    async def prune(self) -> None:
        """Forget jobs that had no turn for a month."""
        async with self._pool.connection() as connection:
            await connection.execute(_PRUNE)
