"""The turns of jobs: each at its interval, whatever becomes of the others."""

import asyncio

import pytest

from pideai_host.events.schedule import HEARTBEAT_S, RETRY_S, Job, Scheduler
from pideai_host.telemetry import JOBS


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Recorder:
    """Jobs that note their turn."""

    def __init__(self) -> None:
        self.turns: list[str] = []

    def job(self, name: str, every_s: float = 60.0, *, more: int = 0, error: Exception | None = None) -> Job:
        left = more

        async def run() -> bool:
            nonlocal left
            self.turns.append(name)
            left -= 1
            if error is not None:
                raise error
            return left >= 0

        return Job(name=name, every_s=every_s, run=run)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


async def turns(scheduler: Scheduler, count: int) -> None:
    for _ in range(count):
        await scheduler.run_due()


async def test_a_new_leader_runs_every_job_at_once(clock, recorder):
    scheduler = Scheduler("", [recorder.job("a"), recorder.job("b")], monotonic=clock)
    await turns(scheduler, 2)

    assert recorder.turns == ["a", "b"]


async def test_a_job_is_not_run_before_its_interval_is_over(clock, recorder):
    scheduler = Scheduler("", [recorder.job("a", 60.0)], monotonic=clock)
    await turns(scheduler, 1)
    clock.now_s += 59.0

    assert (await scheduler.run_due(), recorder.turns) == (1.0, ["a"])


async def test_a_job_is_run_again_after_its_interval(clock, recorder):
    scheduler = Scheduler("", [recorder.job("a", 60.0)], monotonic=clock)
    await turns(scheduler, 1)
    clock.now_s += 60.0
    await turns(scheduler, 1)

    assert recorder.turns == ["a", "a"]


async def test_a_job_with_more_to_do_goes_on_after_the_others_had_their_turn(clock, recorder):
    scheduler = Scheduler("", [recorder.job("much", more=2), recorder.job("little")], monotonic=clock)
    await turns(scheduler, 5)

    assert recorder.turns == ["much", "little", "much", "much"]


async def test_a_job_that_fails_stops_no_other_and_is_tried_again_soon(clock, recorder):
    scheduler = Scheduler("", [recorder.job("bad", error=KeyError("x")), recorder.job("good")], monotonic=clock)
    await turns(scheduler, 2)
    clock.now_s += RETRY_S
    await turns(scheduler, 1)

    assert recorder.turns == ["bad", "good", "bad"]


async def test_a_job_that_fails_is_not_tried_sooner_because_of_that(clock, recorder):
    scheduler = Scheduler("", [recorder.job("bad", 3.0, error=ValueError())], monotonic=clock)

    assert await scheduler.run_due() == 3.0


async def test_a_job_that_does_not_end_is_cancelled_at_its_limit(clock, recorder):
    ended: list[str] = []

    async def hang() -> bool:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("hung")
        return False

    hanging = Job(name="hangs", every_s=60.0, run=hang, limit_s=0.0)
    scheduler = Scheduler("", [hanging, recorder.job("good")], monotonic=clock)
    await turns(scheduler, 2)

    assert (ended, recorder.turns) == (["hung"], ["good"])


async def test_a_clock_that_stands_still_runs_nothing_twice(clock, recorder):
    scheduler = Scheduler("", [recorder.job("a")], monotonic=clock)
    await turns(scheduler, 5)

    assert recorder.turns == ["a"]


async def test_without_jobs_there_is_nothing_to_wait_for(clock):
    assert await Scheduler("", [], monotonic=clock).run_due() == HEARTBEAT_S


async def test_what_came_of_a_job_is_counted(clock, recorder):
    def told(job, result):
        return JOBS.labels(job=job, result=result)._value.get()

    scheduler = Scheduler(
        "", [recorder.job("counted"), recorder.job("counts", error=RuntimeError("x"))], monotonic=clock
    )
    await turns(scheduler, 2)

    assert (told("counted", "done"), told("counts", "failed"), told("counts", "done")) == (1, 1, 0)
