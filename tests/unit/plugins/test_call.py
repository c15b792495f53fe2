"""A hook is called with what it asks for, and whatever it raises hurts nobody but its plugin."""

import asyncio
import concurrent.futures
import contextvars
import signal
import threading

import pytest

from pideai_host.api import PluginFault
from pideai_host.plugins.call import HookRunner, call_now, current_plugin

LONG_S = 60.0
ARGUMENTS = {"event": "event", "config": "config", "context": "context", "store_id": "store"}


async def test_an_async_hook_gets_the_arguments_that_it_takes(runner, hook_of):
    async def handle_event(self, context, event):
        return (context, event)

    assert await runner.call(hook_of(handle_event), ARGUMENTS, limit_s=LONG_S) == ("context", "event")


async def test_a_plain_hook_gets_the_arguments_that_it_takes(runner, hook_of):
    def handle_event(self, config):
        return config

    assert await runner.call(hook_of(handle_event), ARGUMENTS, limit_s=LONG_S) == "config"


async def test_a_plain_hook_runs_off_the_loops_thread(runner, hook_of):
    def handle_event(self):
        return threading.current_thread() is threading.main_thread()

    assert await runner.call(hook_of(handle_event), ARGUMENTS, limit_s=LONG_S) is False


@pytest.mark.parametrize("name", ["handle_event", "on_enable"], ids=["async", "plain"])
async def test_what_a_plugin_raises_comes_unchanged(runner, load, name):
    hook = load("raises").hook("raises", name)

    with pytest.raises(LookupError, match=r"^no such table$"):
        await runner.call(hook, ARGUMENTS, limit_s=LONG_S)


@pytest.mark.parametrize("name", ["handle_event", "on_enable"], ids=["async", "plain"])
async def test_ending_the_process_is_a_fault_of_the_plugin(runner, load, name):
    hook = load("exits").hook("exits", name)

    with pytest.raises(PluginFault, match=rf"^exits: {name} raised SystemExit$") as caught:
        await runner.call(hook, ARGUMENTS, limit_s=LONG_S)

    assert (caught.value.slug, caught.value.hint) == ("exits", "The host's log tells what it said.")


class Strange(BaseException):
    """What a plugin may make up."""


@pytest.mark.parametrize(
    "error",
    [GeneratorExit(), KeyboardInterrupt(), Strange(), BaseExceptionGroup("x", [SystemExit()])],
    ids=repr,
)
async def test_what_is_no_exception_in_an_async_hook_is_a_fault(runner, hook_of, error):
    async def handle_event(self):
        raise error

    with pytest.raises(PluginFault, match=r"^sample: handle_event raised "):
        await runner.call(hook_of(handle_event), ARGUMENTS, limit_s=LONG_S)


@pytest.mark.parametrize(
    "error",
    [
        GeneratorExit(),
        KeyboardInterrupt(),
        asyncio.CancelledError(),
        concurrent.futures.CancelledError(),
        StopIteration(),
        BaseExceptionGroup("x", [SystemExit()]),
    ],
    ids=repr,
)
async def test_what_a_future_would_misread_from_a_thread_is_a_fault(runner, hook_of, error):
    def handle_event(self):
        raise error

    with pytest.raises(PluginFault, match=r"^sample: handle_event raised "):
        await runner.call(hook_of(handle_event), ARGUMENTS, limit_s=LONG_S)


async def test_a_hook_that_cancels_itself_does_not_cancel_its_caller(runner, hook_of):
    async def handle_event(self):
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    with pytest.raises(PluginFault, match=r"^sample: handle_event cancelled itself$"):
        await runner.call(hook_of(handle_event), ARGUMENTS, limit_s=LONG_S)


async def test_a_coroutine_from_a_plain_hook_is_a_fault_with_advice(runner, hook_of):
    async def later():
        return None

    def handle_event(self):
        return later()

    with pytest.raises(PluginFault, match=r"returned a coroutine$") as caught:
        await runner.call(hook_of(handle_event), ARGUMENTS, limit_s=LONG_S)

    assert caught.value.hint == "Make it an async def."


@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_the_running_plugin_is_known_by_a_context_variable(runner, hook_of, kind):
    async def waiting(self):
        return current_plugin.get()

    def plain(self):
        return current_plugin.get()

    function = {"async": waiting, "plain": plain}[kind]
    function.__name__ = "on_startup"

    assert await runner.call(hook_of(function), {}, limit_s=LONG_S) == "sample"
    assert current_plugin.get() is None


async def test_a_thread_sees_the_callers_context(runner, hook_of):
    variable = contextvars.ContextVar("variable", default="unset")
    variable.set("of the caller")

    def handle_event(self):
        return variable.get()

    assert await runner.call(hook_of(handle_event), {}, limit_s=LONG_S) == "of the caller"


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_a_task_of_a_hook_cannot_end_the_loop(hook_of, error):
    async def end():
        raise error

    async def handle_event(self):
        task = asyncio.create_task(end())
        await asyncio.wait({task})
        return type(task.exception())

    async def run():
        runner = HookRunner()
        runner.leftovers.watch(asyncio.get_running_loop())
        return await runner.call(hook_of(handle_event), {}, limit_s=LONG_S)

    assert asyncio.run(run()) is PluginFault


def test_a_task_that_outlives_its_hook_cannot_end_the_loop_either(hook_of):
    tasks = []

    async def end(gate):
        await gate.wait()
        raise SystemExit

    async def handle_event(self, event):
        tasks.append(asyncio.create_task(end(event)))

    async def run():
        gate = asyncio.Event()
        runner = HookRunner()
        runner.leftovers.watch(asyncio.get_running_loop())
        await runner.call(hook_of(handle_event), {"event": gate}, limit_s=LONG_S)
        gate.set()
        await asyncio.wait(tasks)
        return str(tasks[0].exception())

    assert asyncio.run(run()) == "sample: a task raised SystemExit"


@pytest.mark.usefixtures("foreground")
def test_the_operators_ctrl_c_ends_a_loop_that_calls_hooks(hook_of):
    async def handle_event(self):
        signal.raise_signal(signal.SIGINT)
        await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(HookRunner().call(hook_of(handle_event), {}, limit_s=LONG_S))


def test_a_plain_hook_can_be_called_while_the_host_starts(hook_of):
    def jobs(self):
        return [current_plugin.get()]

    assert call_now(hook_of(jobs), {}) == ["sample"]


def test_ending_the_process_while_the_host_starts_is_a_fault(load):
    with pytest.raises(PluginFault, match=r"^exits: http_routes raised SystemExit$"):
        call_now(load("exits").hook("exits", "http_routes"), {})


def test_a_hook_that_pretends_ctrl_c_while_the_host_starts_is_a_fault(hook_of):
    def jobs(self):
        raise KeyboardInterrupt

    with pytest.raises(PluginFault, match=r"^sample: jobs raised KeyboardInterrupt$"):
        call_now(hook_of(jobs), {})


def pressed_and_left():
    signal.raise_signal(signal.SIGINT)


def pressed_and_swallowed():
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        return


@pytest.mark.usefixtures("foreground")
@pytest.mark.parametrize("press", [pressed_and_left, pressed_and_swallowed])
def test_the_operators_ctrl_c_while_the_host_starts_gets_out(hook_of, press):
    def jobs(self):
        press()

    with pytest.raises(KeyboardInterrupt):
        call_now(hook_of(jobs), {})
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
