"""Who blocks the event loop is named, by a thread that looks from outside."""

import asyncio
import threading

import pytest

from pideai_host.plugins import watchdog
from pideai_host.plugins.watchdog import Watchdog

LONG_S = 30.0


@pytest.fixture
async def named():
    """The slugs that were told, and an event that is set by the first."""
    told, first = [], threading.Event()

    def tell(slug):
        told.append(slug)
        first.set()

    watching = Watchdog(tell, limit_s=0.01)
    watching.start()
    yield told, first
    watching.stop()


async def test_the_plugin_that_blocks_the_loop_is_named_while_it_does(runner, hook_of, named):
    told, first = named

    async def handle_event(self):
        return first.wait(LONG_S)

    assert await runner.call(hook_of(handle_event), {}, limit_s=LONG_S)
    assert told[0] == "sample"


async def test_it_is_named_however_deep_it_blocks(runner, hook_of, named):
    _, first = named

    async def inner():
        return first.wait(LONG_S)

    async def handle_event(self):
        await asyncio.sleep(0)
        return await inner()

    assert await runner.call(hook_of(handle_event), {}, limit_s=LONG_S)


@pytest.fixture
def looked(monkeypatch):
    """Set once the watchdog has looked for a culprit, which is in the list."""
    found, done = [], threading.Event()
    look = watchdog._culprit

    def noted(*arguments):
        found.append(look(*arguments))
        done.set()
        return found[-1]

    monkeypatch.setattr(watchdog, "_culprit", noted)
    return found, done


async def test_what_blocks_outside_of_any_hook_is_nobodys_fault(looked, named):
    found, done = looked
    done.wait(LONG_S)

    assert (found[0], named[0]) == (None, [])


async def test_a_plain_hook_that_blocks_its_thread_is_not_named(runner, hook_of, looked, named):
    found, done = looked

    def handle_event(self):
        return done.wait(LONG_S)

    calling = asyncio.create_task(runner.call(hook_of(handle_event), {}, limit_s=LONG_S))
    await asyncio.sleep(0)
    done.wait(LONG_S)
    await calling

    assert (found[0], named[0]) == (None, [])


async def test_it_ends_with_its_loop():
    before = {thread for thread in threading.enumerate() if thread.name == "watchdog"}

    async def watched():
        Watchdog(lambda _: None, limit_s=0.01).start()

    await asyncio.to_thread(asyncio.run, watched())
    started = [one for one in threading.enumerate() if one.name == "watchdog" and one not in before]
    for thread in started:
        await asyncio.to_thread(thread.join, LONG_S)

    assert not any(thread.is_alive() for thread in started)
