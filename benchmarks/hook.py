"""Hook calls: what the limits around a plugin's function cost, beside calling the function itself."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, Final

from benchmarks.figures import Figure, alone, compared
from benchmarks.harness import Options
from benchmarks.loop import on_workers_loop
from pideai_host.api import PluginDefinition, PluginEventResult, PluginType, delivered, hookimpl
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry

CALLS: Final = 20_000
LIMIT_S: Final = 20.0
Call = Callable[[], Awaitable[Any]]


class _Declared:
    """Declares a plugin."""

    def __init__(self, slug: str) -> None:
        self._slug = slug

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        return PluginDefinition(
            slug=self._slug, name="Probe", version="1", type=PluginType.INTEGRATION, subscribed_events=()
        )


class AsyncPlugin(_Declared):
    """Answers at once."""

    @hookimpl
    async def handle_event(self, event: object, config: object, context: object) -> PluginEventResult:  # noqa: ARG002
        return _ANSWER


class _PlainPlugin(_Declared):
    """Answers at once, in a thread."""

    @hookimpl
    def handle_event(self, event: object, config: object, context: object) -> PluginEventResult:  # noqa: ARG002
        return _ANSWER


_ANSWER: Final = delivered()


async def run(options: Options) -> list[Figure]:
    """Measure hook calls, on the loop that workers run on."""
    return await on_workers_loop(_measure(options.rounds))


async def _measure(rounds: int) -> list[Figure]:
    plugin, plain = AsyncPlugin("async"), _PlainPlugin("plain")
    registry = Registry.of({"async": plugin, "plain": plain})
    runner = HookRunner()
    arguments = {"event": object(), "config": {}, "context": object()}
    values = tuple(arguments.values())

    def called(slug: str) -> Call:
        hook = registry.hook(slug, "handle_event")
        if hook is None:
            raise RuntimeError(f"{slug} has no hook")
        return lambda: runner.call(hook, arguments, limit_s=LIMIT_S)

    async def timed(ours: Call, theirs: Call, calls: int) -> tuple[list[float], list[float]]:
        pairs = [(await _us(ours, calls), await _us(theirs, calls)) for _ in range(rounds)]
        return [mine for mine, _ in pairs], [other for _, other in pairs]

    try:
        direct = await timed(called("async"), lambda: plugin.handle_event(*values), CALLS)
        threaded = await timed(called("plain"), lambda: asyncio.to_thread(plain.handle_event, *values), CALLS // 10)
    finally:
        await runner.aclose()
    return [
        compared("hook.async", "us/call", *direct),
        alone("hook.async.overhead", "us/call", [mine - other for mine, other in zip(*direct, strict=True)]),
        compared("hook.plain", "us/call", *threaded),
    ]


async def _us(call: Call, calls: int) -> float:
    began_s = perf_counter()
    for _ in range(calls):
        await call()
    return (perf_counter() - began_s) / calls * 1_000_000
