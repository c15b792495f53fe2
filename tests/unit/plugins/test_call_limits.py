"""What does not end in time is left behind and counted, and ended with the process."""

import asyncio
import threading

import pytest

from pideai_host.api import HookTimeout, PluginFault
from pideai_host.plugins.call import HookRunner, _run_async
from pideai_host.plugins.leftovers import Call
from pideai_host.plugins.quarantine import Quarantine
from pideai_host.telemetry import REGISTRY

LONG_S = 60.0
SHORT_S = 0.01
THREAD_BEGINS_WITHIN_S = 1.0
ARGUMENTS = {"event": "event", "config": "config", "context": "context", "store_id": "store"}


async def ended(predicate):
    """Give the loop turns until something holds; the test's own time limit ends it otherwise."""
    while not predicate():  # noqa: ASYNC110 - what holds comes from another thread
        await asyncio.sleep(0)


async def take_thread(runner, hook):
    """Occupy one thread of a plugin and leave it behind; returns what frees it."""
    gate, began = threading.Event(), threading.Event()

    class Told(threading.Event):
        def wait(self, timeout=None):
            began.set()
            return gate.wait(timeout)

    caller = asyncio.create_task(runner.call(hook, {"event": Told()}, limit_s=LONG_S))
    await ended(began.is_set)
    caller.cancel()
    await asyncio.wait({caller})
    return gate


async def test_a_hook_that_hangs_is_cancelled_and_timed_out(runner, load):
    hook = load("hangs").hook("hangs", "handle_event")

    with pytest.raises(HookTimeout, match=r"^hangs: handle_event did not end within 0.01 s$"):
        await runner.call(hook, ARGUMENTS, limit_s=SHORT_S)

    assert runner.stuck("hangs") == 0


async def test_a_hook_that_swallows_its_cancellation_is_left_behind_and_counted(runner, load, gate):
    hook = load("swallows_cancel").hook("swallows-cancel", "handle_event")

    for stuck in (1, 2):
        with pytest.raises(HookTimeout):
            await runner.call(hook, {"event": gate}, limit_s=SHORT_S)
        assert runner.stuck("swallows-cancel") == stuck
    assert runner.all_stuck() == {"swallows-cancel": 2}


async def test_a_hook_left_behind_is_no_longer_counted_once_it_ends(runner, load, gate):
    hook = load("swallows_cancel").hook("swallows-cancel", "handle_event")
    with pytest.raises(HookTimeout):
        await runner.call(hook, {"event": gate}, limit_s=SHORT_S)

    gate.set()

    await ended(lambda: runner.stuck("swallows-cancel") == 0)


async def test_a_plugin_with_too_many_calls_left_behind_is_quarantined(load, gate):
    quarantine = Quarantine(stuck_max=2)
    runner = HookRunner(grace_s=0.01, on_stuck=quarantine.stuck)
    hook = load("swallows_cancel").hook("swallows-cancel", "handle_event")
    reasons = []
    for _ in range(2):
        with pytest.raises(HookTimeout):
            await runner.call(hook, {"event": gate}, limit_s=SHORT_S)
        reasons.append(dict(quarantine.reasons))
    gate.set()
    await runner.aclose()

    assert reasons == [{}, {"swallows-cancel": "2 calls hang past their limit and cannot be ended"}]


async def test_what_is_left_behind_is_a_metric_until_it_ends(runner, load, gate):
    hook = load("swallows_cancel").hook("swallows-cancel", "handle_event")
    before = measured("swallows-cancel")
    with pytest.raises(HookTimeout):
        await runner.call(hook, {"event": gate}, limit_s=SHORT_S)
    during = measured("swallows-cancel")
    gate.set()
    await ended(lambda: runner.all_stuck() == {})
    after = measured("swallows-cancel")

    stuck, left_behind = before
    assert (during, after) == ((stuck + 1, left_behind + 1), (stuck, left_behind + 1))


def measured(slug):
    names = ("pideai_calls_stuck", "pideai_calls_left_behind_total")
    return tuple(REGISTRY.get_sample_value(name, {"plugin": slug}) or 0 for name in names)


async def test_a_result_after_the_limit_is_still_a_timeout(runner, hook_of):
    async def handle_event(self):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "late"

    with pytest.raises(HookTimeout):
        await runner.call(hook_of(handle_event), ARGUMENTS, limit_s=SHORT_S)


async def test_what_a_cancelled_hook_raises_is_not_reported_as_lost(runner, hook_of):
    lost = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: lost.append(context))

    async def handle_event(self):
        try:
            await asyncio.Event().wait()
        finally:
            raise LookupError("while cleaning up")

    with pytest.raises(HookTimeout):
        await runner.call(hook_of(handle_event), ARGUMENTS, limit_s=SHORT_S)

    assert lost == []


async def test_a_thread_that_hangs_is_left_behind_and_counted_until_it_ends(runner, load):
    gate = threading.Event()
    hook = load("blocks_thread").hook("blocks-thread", "handle_event")

    with pytest.raises(HookTimeout):
        await runner.call(hook, {"event": gate}, limit_s=THREAD_BEGINS_WITHIN_S)

    assert runner.stuck("blocks-thread") == 1
    gate.set()
    await ended(lambda: runner.stuck("blocks-thread") == 0)


async def test_a_call_that_finds_no_thread_never_began_and_says_so(runner, load):
    hook = load("blocks_thread").hook("blocks-thread", "handle_event")
    gates = [await take_thread(runner, hook) for _ in range(2)]

    with pytest.raises(PluginFault, match=r"found no free thread within 0.01 s$") as caught:
        await runner.call(hook, ARGUMENTS, limit_s=SHORT_S)

    assert (type(caught.value), caught.value.hint) == (PluginFault, "2 earlier calls of the plugin hang.")
    for gate in gates:
        gate.set()


async def test_one_plugins_hanging_threads_do_not_hold_up_another(runner, load, hook_of):
    hook = load("blocks_thread").hook("blocks-thread", "handle_event")
    gates = [await take_thread(runner, hook) for _ in range(2)]

    def handle_event(self):
        return "in time"

    assert await runner.call(hook_of(handle_event), ARGUMENTS, limit_s=LONG_S) == "in time"
    for gate in gates:
        gate.set()


async def test_cancelling_the_caller_cancels_the_hook(runner, hook_of):
    seen = asyncio.Queue()

    async def handle_event(self):
        seen.put_nowait("began")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.put_nowait("cancelled")
            raise

    caller = asyncio.create_task(runner.call(hook_of(handle_event), ARGUMENTS, limit_s=LONG_S))
    await seen.get()
    caller.cancel()
    await asyncio.wait({caller})

    assert (caller.cancelled(), seen.get_nowait()) == (True, "cancelled")


async def test_cancelling_the_caller_leaves_a_stubborn_hook_behind(runner, load, gate):
    hook = load("swallows_cancel").hook("swallows-cancel", "handle_event")
    caller = asyncio.create_task(runner.call(hook, {"event": gate}, limit_s=LONG_S))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    caller.cancel()
    await asyncio.wait({caller})

    assert (caller.cancelled(), runner.stuck("swallows-cancel")) == (True, 1)


async def test_cancelling_the_caller_of_a_thread_leaves_it_behind(runner, load):
    hook = load("blocks_thread").hook("blocks-thread", "handle_event")

    gate = await take_thread(runner, hook)

    assert runner.stuck("blocks-thread") == 1
    gate.set()
    await ended(lambda: runner.stuck("blocks-thread") == 0)


async def test_closing_ends_even_a_hook_that_never_lets_itself_be_cancelled(hook_of):
    async def handle_event(self):
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    runner = HookRunner(grace_s=SHORT_S)
    with pytest.raises(HookTimeout):
        await runner.call(hook_of(handle_event), {}, limit_s=SHORT_S)

    await runner.aclose()

    assert runner.stuck("sample") == 0


async def test_closing_ends_even_a_hook_that_resists_being_closed(runner, hook_of):
    thrown_out: list[GeneratorExit] = []

    async def handle_event(self):
        while len(thrown_out) < 2:  # the second comes when the interpreter frees it
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
            except GeneratorExit as error:
                thrown_out.append(error)

    hook = hook_of(handle_event)
    with pytest.raises(HookTimeout):
        await runner.call(hook, {}, limit_s=SHORT_S)

    await runner.aclose()

    assert runner.stuck("sample") == 0


def test_a_hook_that_outlives_its_loop_is_closed_without_a_fault(hook_of):
    async def handle_event(self):
        await asyncio.Event().wait()

    loop = asyncio.new_event_loop()
    task = loop.create_task(_run_async(hook_of(handle_event), [], Call()))
    task._log_destroy_pending = False
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()

    task.get_coro().close()

    assert task.get_coro().cr_frame is None


async def test_closing_twice_ends_every_idle_thread_and_no_more(runner, hook_of):
    def handle_event(self):
        return threading.current_thread()

    thread = await runner.call(hook_of(handle_event), {}, limit_s=LONG_S)

    await runner.aclose()
    await runner.aclose()

    await ended(lambda: not thread.is_alive())
    assert await runner.call(hook_of(handle_event), {}, limit_s=LONG_S) is not thread
