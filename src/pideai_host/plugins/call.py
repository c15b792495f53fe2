"""Runs ONE hook of one plugin within its limits, whatever the plugin does.

`asyncio.timeout` and `wait_for` wait for a task that swallows its cancellation, so neither bounds a plugin. Here the
hook runs in a task of its own; when its time is over it is cancelled, given a short grace, and left behind, counted as
stuck until it ends (docs/adr/0001). Plain functions run on daemon threads, a few per plugin, and are left behind
likewise. What a hook starts and leaves running is counted as well (`leftovers`).
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import CancelledError as ThreadCancelled
from concurrent.futures import Future as ThreadFuture
from contextvars import ContextVar, copy_context
from functools import partial
from inspect import iscoroutine
from types import FrameType
from typing import Any, Final

from pideai_host.api.errors import HookTimeout, PluginFault
from pideai_host.plugins.contained import misbehaved
from pideai_host.plugins.interrupts import Interrupts
from pideai_host.plugins.leftovers import Call, Leftovers, current_call
from pideai_host.plugins.records import describe
from pideai_host.plugins.registry import Hook
from pideai_host.plugins.threads import DaemonPool
from pideai_host.telemetry import CALLS_LEFT_BEHIND, CALLS_STUCK, begin_hushing, get_logger

THREADS_PER_PLUGIN: Final = 8
GRACE_S: Final = 0.1
"""How long a cancelled hook may clean up before its caller goes on without it."""

current_plugin: Final[ContextVar[str | None]] = ContextVar("current_plugin", default=None)
"""The slug of the plugin whose hook is running, in its task or thread and in all that it starts."""

_log: Final = get_logger(__name__)


class HookRunner:
    """Calls hooks, for one event loop; keeps the threads and the counts of what is stuck and of what is left over.

    Args:
        threads_per_plugin: Plain hooks of one plugin that run at once; more wait within their limit.
        grace_s: Seconds that a cancelled hook gets for cleaning up, on top of its limit.
        on_stuck: Told slug and count whenever one more call of a plugin was left behind.
        on_left: Told slug and count whenever the number of tasks changes that calls of a plugin left running.
    """

    def __init__(
        self,
        *,
        threads_per_plugin: int = THREADS_PER_PLUGIN,
        grace_s: float = GRACE_S,
        on_stuck: Callable[[str, int], None] | None = None,
        on_left: Callable[[str, int], None] | None = None,
    ) -> None:
        self._threads_per_plugin = threads_per_plugin
        self._grace_s = grace_s
        self._on_stuck = on_stuck
        self._pools: dict[str, DaemonPool] = {}
        self._stuck: dict[str, set[asyncio.Task[Any] | ThreadFuture[Any]]] = {}
        self.leftovers = Leftovers(on_left)
        """What calls left running; counts once it watches the loop."""

    async def call(self, hook: Hook, arguments: Mapping[str, Any], *, limit_s: float) -> Any:
        """Call a hook and return what it returns, at the latest after `limit_s` plus the grace.

        Cancelling the caller cancels the hook.

        Args:
            hook: From the registry.
            arguments: All arguments of the hook by name; the plugin gets those that it takes.
            limit_s: Seconds, > 0, waiting for a thread included.

        Raises:
            HookTimeout: the hook did not end in time; it may have had its effect.
            PluginFault: it ended in a way no hook may (`SystemExit`, `KeyboardInterrupt`, cancelling itself), or never
                began because all threads of the plugin are taken.
            Exception: whatever else the plugin raised, unchanged.
        """
        values = [arguments[name] for name in hook.argnames]
        if hook.is_async:
            return await self._call_async(hook, values, limit_s)
        return await self._call_plain(hook, values, limit_s)

    def stuck(self, slug: str) -> int:
        """Count the calls of a plugin that were left behind and still run."""
        return len(self._stuck.get(slug, ()))

    def all_stuck(self) -> dict[str, int]:
        """Count them for each plugin that has any."""
        return {slug: len(calls) for slug, calls in sorted(self._stuck.items()) if calls}

    async def aclose(self) -> None:
        """End what can be ended: the idle threads, and the tasks left behind, by force if need be. Idempotent."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        stuck = [one for calls in self._stuck.values() for one in tuple(calls) if isinstance(one, asyncio.Task)]
        await self._end(stuck)
        left = self.leftovers.tasks()
        for task in left:
            task.add_done_callback(_forget_outcome)
            task.cancel()
        if left:
            _, left_still = await asyncio.wait(left, timeout=self._grace_s)
            await self._end(left_still)

    async def _end(self, tasks: Collection[asyncio.Task[Any]]) -> None:
        """End tasks that swallow their cancellation."""
        for task in tasks:
            _close(task)
        if tasks:
            await asyncio.wait(tasks, timeout=self._grace_s)

    async def _call_async(self, hook: Hook, values: list[Any], limit_s: float) -> Any:
        loop = asyncio.get_running_loop()
        call = Call(hook.slug)
        task = loop.create_task(_run_async(hook, values, call))
        try:
            ended = await _ends_within(loop, task, limit_s)
        except asyncio.CancelledError:
            await self._stop(hook, task)
            raise
        finally:
            if call.tasks:
                self.leftovers.take(hook.slug, call)
        if not ended:
            await self._stop(hook, task)
            raise HookTimeout(slug=hook.slug, hook=hook.name, limit_s=limit_s)
        if task.cancelled():
            raise PluginFault(f"{hook.slug}: {hook.name} cancelled itself", slug=hook.slug)
        return task.result()

    async def _stop(self, hook: Hook, task: asyncio.Task[Any]) -> None:
        """Cancel a hook and leave it behind if it has not ended after the grace."""
        task.add_done_callback(_forget_outcome)
        task.cancel()
        try:
            await asyncio.wait((task,), timeout=self._grace_s)
        finally:
            if not task.done():
                self._leave_behind(hook, task)

    async def _call_plain(self, hook: Hook, values: list[Any], limit_s: float) -> Any:
        pool = self._pools.get(hook.slug)
        if pool is None:
            pool = self._pools[hook.slug] = DaemonPool(f"plugin-{hook.slug}", self._threads_per_plugin)
        running = pool.submit(partial(copy_context().run, _run_in_thread, hook, values))
        loop = asyncio.get_running_loop()
        waiting = asyncio.wrap_future(running, loop=loop)
        try:
            ended = await _ends_within(loop, waiting, limit_s)
        except asyncio.CancelledError:
            self._abandon(hook, running, waiting)
            raise
        if ended:
            return waiting.result()
        if self._abandon(hook, running, waiting):
            raise PluginFault(
                f"{hook.slug}: {hook.name} found no free thread within {limit_s:g} s",
                slug=hook.slug,
                hint=f"{self.stuck(hook.slug)} earlier calls of the plugin hang.",
            )
        raise HookTimeout(slug=hook.slug, hook=hook.name, limit_s=limit_s)

    def _abandon(self, hook: Hook, running: ThreadFuture[Any], waiting: asyncio.Future[Any]) -> bool:
        """Stop waiting for a thread; tell whether the call had not begun and now never will."""
        never_began = running.cancel()
        waiting.cancel()
        if not never_began and not running.done():
            self._leave_behind(hook, running)
        return never_began

    def _leave_behind(self, hook: Hook, call: asyncio.Task[Any] | ThreadFuture[Any]) -> None:
        calls = self._stuck.setdefault(hook.slug, set())
        calls.add(call)
        stuck = CALLS_STUCK.labels(plugin=hook.slug)
        stuck.inc()
        CALLS_LEFT_BEHIND.labels(plugin=hook.slug).inc()

        def ended(call: asyncio.Task[Any] | ThreadFuture[Any]) -> None:
            calls.discard(call)
            stuck.dec()

        call.add_done_callback(ended)
        _log.error("hook_stuck", plugin=hook.slug, hook=hook.name, stuck=len(calls))
        if self._on_stuck is not None:
            self._on_stuck(hook.slug, len(calls))


def call_now(hook: Hook, arguments: Mapping[str, Any]) -> Any:
    """Call a plain hook here and now, without limits: for what plugins contribute while the host starts.

    Raises:
        PluginFault: it ended in a way no hook may, such as `SystemExit`.
        KeyboardInterrupt: the operator's.
        Exception: whatever else the plugin raised, unchanged.
    """
    values = [arguments[name] for name in hook.argnames]
    with Interrupts() as interrupts:
        try:
            return copy_context().run(_run_plain, hook, values)
        except PluginFault:
            if interrupts.came:
                raise KeyboardInterrupt from None
            raise


def hook_in(frame: FrameType) -> Hook | None:
    """Return the async hook that a frame of another thread's stack runs, or None for a frame of anything else."""
    hook = frame.f_locals.get("hook") if frame.f_code is _run_async.__code__ else None
    return hook if isinstance(hook, Hook) else None


async def _ends_within(loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], limit_s: float) -> bool:
    """Wait for a future and tell whether it ended in time; half the cost of `asyncio.wait`, which this is in small."""
    waiter = loop.create_future()
    timer = loop.call_later(limit_s, _wake, waiter)
    wake = partial(_wake, waiter)
    future.add_done_callback(wake)
    try:
        await waiter
    finally:
        timer.cancel()
        if not (is_done := future.done()):
            future.remove_done_callback(wake)
    return is_done


def _wake(waiter: asyncio.Future[None], _future: object = None) -> None:
    if not waiter.done():
        waiter.set_result(None)


async def _run_async(hook: Hook, values: list[Any], call: Call) -> Any:
    """Run a hook inside its own task, whose context is a copy, so that the variables need no reset."""
    task = asyncio.current_task()
    current_plugin.set(hook.slug)
    current_call.set(call)
    begin_hushing()
    try:
        return await hook.function(*values)
    except (Exception, asyncio.CancelledError):
        raise
    except BaseException as error:  # SystemExit and its kind would end the process
        if isinstance(error, GeneratorExit) and not _is_current(task):
            raise  # not the plugin's: the coroutine is being closed from outside
        raise misbehaved(hook.slug, hook.name, error) from error


def _run_in_thread(hook: Hook, values: list[Any]) -> Any:
    """Run a plain hook; what a future would take for its own becomes a fault."""
    try:
        return _run_plain(hook, values)
    except (StopIteration, ThreadCancelled) as error:
        raise misbehaved(hook.slug, hook.name, error) from error


def _run_plain(hook: Hook, values: list[Any]) -> Any:
    """Run a plain hook in a copied context, so that the variables need no reset."""
    current_plugin.set(hook.slug)
    begin_hushing()
    try:
        result = hook.function(*values)
    except Exception:
        raise
    except BaseException as error:  # SystemExit and its kind would end the process
        raise misbehaved(hook.slug, hook.name, error) from error
    if iscoroutine(result):
        result.close()
        raise PluginFault(
            f"{hook.slug}: {hook.name} returned a coroutine", slug=hook.slug, hint="Make it an async def."
        )
    return result


def _is_current(task: asyncio.Task[Any] | None) -> bool:
    try:
        return asyncio.current_task() is task
    except RuntimeError:
        return False


def _forget_outcome(task: asyncio.Task[Any]) -> None:
    """Read the exception of a task that nobody waits for, so that asyncio does not report it as lost."""
    if not task.cancelled():
        task.exception()


def _close(task: asyncio.Task[Any]) -> None:
    """End a task that swallows its cancellation: only closing its coroutine stops one that loops for ever."""
    coroutine: Any = task.get_coro()
    try:
        coroutine.close()
    except Exception as error:  # noqa: BLE001 - the plugin's last words while it is thrown out
        _log.warning("hook_resisted_close", error=describe(error))
    task.cancel()
