"""What a hook starts and leaves running is counted until it ends, and ended with the process."""

import asyncio
import contextlib

import pytest

from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.leftovers import Leftovers

LONG_S = 60.0
SHORT_S = 0.01


@pytest.fixture
async def told():
    return []


@pytest.fixture
async def runner(told):
    loop = asyncio.get_running_loop()
    Leftovers.watch(loop)
    runner = HookRunner(grace_s=0.01, on_left=lambda slug, count: told.append((slug, count)))
    yield runner
    await runner.aclose()
    loop.set_task_factory(None)


async def turns(count=3):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_task_that_outlives_its_call_is_counted_until_it_ends(runner, hook_of, gate, told):
    kept = set()

    async def handle_event(self):
        kept.add(asyncio.create_task(gate.wait()))

    await runner.call(hook_of(handle_event), {}, limit_s=LONG_S)
    await runner.call(hook_of(handle_event), {}, limit_s=LONG_S)
    before = runner.leftovers.count("sample")
    gate.set()
    await turns()

    assert (told[:2], before, runner.leftovers.count("sample")) == ([("sample", 1), ("sample", 2)], 2, 0)


async def test_tasks_that_end_with_their_call_are_not(runner, hook_of, told):
    async def handle_event(self):
        await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0))

    await runner.call(hook_of(handle_event), {}, limit_s=LONG_S)

    assert told == []


async def test_what_a_leftover_starts_counts_too(runner, hook_of, gate, told):
    kept, later = set(), asyncio.Event()

    async def spread():
        await later.wait()
        kept.add(asyncio.create_task(gate.wait()))
        await gate.wait()

    async def handle_event(self):
        kept.add(asyncio.create_task(spread()))

    await runner.call(hook_of(handle_event), {}, limit_s=LONG_S)
    later.set()
    await turns()

    assert (told, runner.leftovers.count("sample")) == ([("sample", 1), ("sample", 2)], 2)


async def test_a_hook_that_is_ended_by_its_limit_leaves_what_it_started(runner, hook_of, gate):
    kept = set()

    async def handle_event(self):
        kept.add(asyncio.create_task(gate.wait()))
        await gate.wait()

    with contextlib.suppress(Exception):
        await runner.call(hook_of(handle_event), {}, limit_s=SHORT_S)

    assert runner.leftovers.count("sample") == 1


async def test_the_hosts_own_tasks_are_nobodys(runner, hook_of, gate):
    own = asyncio.create_task(gate.wait())

    async def handle_event(self):
        await asyncio.sleep(0)

    await runner.call(hook_of(handle_event), {}, limit_s=LONG_S)

    assert (own.done(), runner.leftovers.tasks()) == (False, [])


async def test_closing_ends_leftovers_even_if_they_swallow_their_cancellation(runner, hook_of):
    kept = set()

    async def swallow():
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(LONG_S)

    async def handle_event(self):
        kept.add(asyncio.create_task(swallow()))
        await asyncio.sleep(0)

    await runner.call(hook_of(handle_event), {}, limit_s=LONG_S)
    await runner.aclose()

    assert [task.done() for task in kept] == [True]


async def test_closing_lets_leftovers_clean_up(runner, hook_of, gate):
    cleaned = []

    async def keep():
        try:
            await gate.wait()
        finally:
            cleaned.append(True)

    async def handle_event(self):
        self.kept = asyncio.create_task(keep())
        await asyncio.sleep(0)

    await runner.call(hook_of(handle_event), {}, limit_s=LONG_S)
    await runner.aclose()

    assert cleaned == [True]
