"""The scheduler: of all worker processes exactly one runs the jobs, and another takes over when it is gone.

Who leads holds an advisory lock of the session, on a connection of its own. The lock ends with the session, however it
ends; a leader that hangs or cannot be reached loses the session after `SILENCE_S`. All jobs bear being run twice at
once, since a leader only learns of the loss when it looks.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from pideai_host.db.sql import query
from pideai_host.telemetry import JOBS, get_logger

LEADER_KEY: Final = 0x70696465_73636865
"""The advisory lock; one for each database."""

HEARTBEAT_S: Final = 5.0
"""How often the leader shows that it lives, and the others look whether it does."""

SILENCE_S: Final = 90
"""After this long without a word the server ends a leader's session; longer than any job may take."""

ANSWER_S: Final = 10.0
"""How long the server may take for a word of its own."""

RECONNECT_S: Final = 2.0
RETRY_S: Final = 10.0
"""A job that failed is tried again this soon, or at its interval if that is sooner."""

_SESSION: Final = query(f"set idle_session_timeout = '{SILENCE_S}s'")
_LEAD: Final = query("select pg_try_advisory_lock(%(key)s)")
_ALIVE: Final = query("select 1")
_log: Final = get_logger(__name__)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is done again and again.

    Attributes:
        every_s: From one end to the next beginning.
        run: Does a bounded piece of work; returns True if more is left, then it is called again as soon as the others
            had their turn. Must bear being cancelled, and being run twice at once.
        limit_s: After this long it is cancelled; shorter than `SILENCE_S`.
    """

    name: str
    every_s: float
    run: Callable[[], Awaitable[bool]]
    limit_s: float = 30.0


class Scheduler:
    """Runs jobs one after the other as long as this process leads.

    Args:
        url: A direct or session connection's; a transaction pooler would lose the lock.
        jobs: The one that has waited longest comes first.
        on_lost: Told when this process does not lead any more; must not block.
        monotonic: Clock in seconds.
    """

    def __init__(
        self,
        url: str,
        jobs: Sequence[Job],
        *,
        on_lost: Callable[[], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_lost = on_lost
        self._url = url
        self._jobs = {job.name: job for job in jobs}
        self._monotonic = monotonic
        self._due = dict.fromkeys(self._jobs, -float("inf"))
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_leader = False

    @property
    def is_leader(self) -> bool:
        """Whether this process runs the jobs, as far as it knows."""
        return self._is_leader

    async def start(self) -> None:
        """Start to look for the lead; returns at once."""
        self._task = asyncio.create_task(self._run(), name="scheduler")

    async def stop(self) -> None:
        """Finish the job under way, give up the lead, then end."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def run_due(self) -> float:
        """Run the job that is due longest, if any; return the seconds until the next one is due, 0 if one is."""
        name = min(self._due, key=self._due.__getitem__, default=None)
        if name is None:
            return HEARTBEAT_S
        if self._due[name] <= self._monotonic():
            wait_s = await self._run_job(self._jobs[name])
            self._due[name] = self._monotonic() + wait_s
        return max(0.0, min(self._due.values()) - self._monotonic())

    async def _run_job(self, job: Job) -> float:
        """Run a job within its limit; return after how many seconds it is due again."""
        try:
            async with asyncio.timeout(job.limit_s):
                has_more = await job.run()
        except Exception as error:  # noqa: BLE001 - a job that fails, however, must not stop the others
            _log.error("job_failed", job=job.name, error=type(error).__name__, message=str(error)[:200])
            JOBS.labels(job=job.name, result="failed").inc()
            return min(RETRY_S, job.every_s)
        JOBS.labels(job=job.name, result="done").inc()
        return 0.0 if has_more else job.every_s

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(ANSWER_S):
                    connection = await AsyncConnection.connect(self._url, autocommit=True)
                async with connection:
                    await connection.execute(_SESSION)
                    await self._take_part(connection)
            except (psycopg.Error, TimeoutError) as error:
                _log.warning("scheduler_lost", error=type(error).__name__, was_leader=self._is_leader)
            if self._is_leader and self._on_lost is not None:
                self._on_lost()
            self._is_leader = False
            await self._pause(RECONNECT_S)

    async def _take_part(self, connection: AsyncConnection[TupleRow]) -> None:
        while not self._stopping.is_set():
            if self._is_leader:
                async with asyncio.timeout(ANSWER_S):
                    await connection.execute(_ALIVE)
                pause_s = await self.run_due()
            else:
                self._is_leader = await _try_to_lead(connection)
                pause_s = 0.0 if self._is_leader else HEARTBEAT_S
            if pause_s > 0.0:
                await self._pause(min(pause_s, HEARTBEAT_S))

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return


async def _try_to_lead(connection: AsyncConnection[TupleRow]) -> bool:
    async with asyncio.timeout(ANSWER_S):
        row = await (await connection.execute(_LEAD, {"key": LEADER_KEY})).fetchone()
    leads = row is not None and bool(row[0])
    if leads:
        _log.info("scheduler_leads")
    return leads
