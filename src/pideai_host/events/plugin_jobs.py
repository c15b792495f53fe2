"""Runs plugins' jobs in the process whose scheduler leads: each in a task of its own, and within its time.

None of them can delay the host's own jobs, another plugin's, or another of the same plugin (docs/adr/0040). When a job
is due is known from the database, so that neither a restart nor a change of the lead has all of them begin at once, or
begin again.
"""

import asyncio
import time
from collections.abc import Callable, Container, Iterable, Mapping
from functools import partial
from random import random as by_chance
from typing import Any, Final

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout

from pideai_host.api import HookTimeout, PluginJob
from pideai_host.api.jobs import JobContext
from pideai_host.events.job_rows import Ended, JobRows
from pideai_host.events.reach import Reach, ReachParts
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.records import describe
from pideai_host.plugins.registry import Hook
from pideai_host.stores.database import PluginDatabase
from pideai_host.telemetry import PLUGIN_JOBS, get_logger

LOOK_S: Final = 1.0
"""How soon a process that has just taken the lead begins."""

JITTER: Final = 0.1
"""Share of the interval that chance adds to it."""

FIRST_WITHIN_S: Final = 5.0
"""A job that never had a turn has its first one within so many seconds."""

_AWAY: Final = (psycopg.Error, PoolTimeout, PoolClosed, OSError)
_log: Final = get_logger(__name__)


class HostJob(Reach):
    """What one turn of a job is given; see `pideai_host.api.JobContext`."""

    def __init__(self, slug: str, job: str, parts: ReachParts) -> None:
        super().__init__(slug, parts)
        self.job = job
        self.db = PluginDatabase(parts.pool)
        self.log = _log.bind(plugin=slug, job=job)

    def __repr__(self) -> str:
        return f"HostJob({self.plugin}, {self.job})"


class PluginJobs:
    """The jobs of all plugins.

    Args:
        jobs: Slug -> its jobs.
        parts: What jobs reach stores with.
        rows: What became of them.
        runner: Calls them.
        leads: Tells whether this process runs jobs at the moment.
        quarantined: Slugs of plugins that are left alone; looked at before each turn.
        random: From 0 to 1, injected.
        monotonic: Seconds, injected.
    """

    def __init__(
        self,
        jobs: Mapping[str, Iterable[PluginJob]],
        parts: ReachParts,
        rows: JobRows,
        runner: HookRunner,
        *,
        leads: Callable[[], bool],
        quarantined: Container[str],
        random: Callable[[], float] = by_chance,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jobs = {(slug, one.name): one for slug, some in jobs.items() for one in some}
        self._parts = parts
        self._rows = rows
        self._runner = runner
        self._leads = leads
        self._quarantined = quarantined
        self._random = random
        self._monotonic = monotonic
        self._due_s: dict[tuple[str, str], float] = {}
        self._running: set[tuple[str, str]] = set()
        self._turns: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look what is due; returns at once."""
        if self._jobs:
            self._task = asyncio.create_task(self._run(), name="plugin-jobs")

    async def stop(self) -> None:
        """End the turns that are under way, then end."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        turns = list(self._turns.values())
        for turn in turns:
            turn.cancel()
        await asyncio.gather(*turns, return_exceptions=True)

    async def _run(self) -> None:
        led = False
        while not self._stopping.is_set():
            leads = self._leads()
            if leads and not led:
                led = await self._take_over()
            elif not leads:
                led = False
            if led:
                self.begin_due()
            try:
                await asyncio.wait_for(self._stopping.wait(), LOOK_S)
            except TimeoutError:
                continue

    async def _take_over(self) -> bool:
        """Learn when each job is due from when its newest turn began, wherever that was; tell whether it worked."""
        try:
            await self._rows.prune()
            seen = {(one.plugin, one.job): one.began_ago_s for one in await self._rows.all()}
        except _AWAY as error:
            _log.warning("jobs_not_read", error=type(error).__name__)
            return False
        now_s = self._monotonic()
        for key, job in self._jobs.items():
            ago_s = seen.get(key)
            left_s = FIRST_WITHIN_S * self._random() if ago_s is None else self._pause_s(job) - ago_s
            self._due_s[key] = now_s + max(0.0, min(left_s, self._pause_s(job)))
        return True

    def begin_due(self) -> None:
        """Begin a turn of every job that is due and does not run; returns at once."""
        now_s = self._monotonic()
        for key, job in self._jobs.items():
            if self._due_s.get(key, now_s) > now_s or key in self._turns or key[0] in self._quarantined:
                continue
            if key in self._running:  # the turn before could not be ended, and still runs
                _log.warning("job_still_runs", plugin=key[0], job=key[1])
                self._due_s[key] = now_s + job.interval_s
                continue
            turn = asyncio.create_task(self._turn(key, job), name=f"job-{key[0]}-{key[1]}")
            self._turns[key] = turn
            turn.add_done_callback(partial(self._ended, key))

    def _ended(self, key: tuple[str, str], _: object) -> None:
        del self._turns[key]

    async def _turn(self, key: tuple[str, str], job: PluginJob) -> None:
        """Have one turn of a job, and say when the next one is due; raises nothing but its cancellation."""
        began_s = self._monotonic()
        try:
            await self._rows.begin(*key, job.interval_s)
            outcome, error = await self._call(key, job)
            PLUGIN_JOBS.labels(plugin=key[0], job=key[1], outcome=outcome).inc()
            await self._rows.end(*key, outcome, error, self._monotonic() - began_s)
        except _AWAY as away:
            _log.warning("job_not_noted", plugin=key[0], job=key[1], error=type(away).__name__)
        finally:
            self._due_s[key] = self._monotonic() + self._pause_s(job)

    async def _call(self, key: tuple[str, str], job: PluginJob) -> tuple[Ended, str | None]:
        context = HostJob(*key, self._parts)
        hook = Hook(
            slug=key[0], name=f"job {key[1]}", function=self._marked(key, job), argnames=("job",), is_async=True
        )
        try:
            await self._runner.call(hook, {"job": context}, limit_s=job.timeout_s)
        except HookTimeout as late:
            _log.error("plugin_job_failed", plugin=key[0], job=key[1], error=late.message)
            return "timeout", late.message
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises, its job has its next turn
            said = context.redact(describe(error))
            _log.error("plugin_job_failed", plugin=key[0], job=key[1], error=said)
            return "failed", said
        return "ok", None

    def _marked(self, key: tuple[str, str], job: PluginJob) -> Callable[[JobContext], Any]:
        """Return what runs a job and knows until it has really ended, also when it was left behind."""

        async def run(context: JobContext) -> None:
            self._running.add(key)
            try:
                await job.run(context)
            finally:
                self._running.discard(key)

        return run

    def _pause_s(self, job: PluginJob) -> float:
        return job.interval_s * (1 + JITTER * self._random())
