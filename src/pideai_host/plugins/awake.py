"""Wakes plugins with a process and lets them rest with it: `on_startup` and `on_shutdown`, each plugin's apart.

A plugin that does not wake is left out of this process, its record says why, and the host goes on without it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from pideai_host.api import PluginFault
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.records import LoadRecord, Phase, Status, describe, format_traceback
from pideai_host.plugins.registry import Hook, Registry
from pideai_host.telemetry import get_logger

STARTUP_LIMIT_S: Final = 10.0
"""How long one plugin may take to wake; all wake at once, and the process takes no call before."""
SHUTDOWN_LIMIT_S: Final = 5.0

_log: Final = get_logger(__name__)


@asynccontextmanager
async def awake(
    registry: Registry,
    runner: HookRunner,
    *,
    startup_limit_s: float = STARTUP_LIMIT_S,
    shutdown_limit_s: float = SHUTDOWN_LIMIT_S,
) -> AsyncIterator[Registry]:
    """Have the plugins that woke for as long as the block runs; then let them rest, all at once.

    When the start is called off, those that were about to wake rest as well: they may have begun something.

    Args:
        registry: The loaded plugins.
        runner: Calls the hooks.
        startup_limit_s: Seconds for each plugin's `on_startup`.
        shutdown_limit_s: Seconds for each plugin's `on_shutdown`.
    """
    refused: dict[str, Callable[[LoadRecord], LoadRecord]] = {}

    async def wake(hook: Hook) -> None:
        error = await _called(hook, runner, startup_limit_s)
        if error is not None:
            refused[hook.slug] = _note(error)
            _log.error("plugin_refused", plugin=hook.slug, phase=Phase.STARTUP, error=_said(error))

    try:
        await asyncio.gather(*(wake(hook) for hook in registry.hooks("on_startup")))
        yield registry.without(refused)
    finally:
        resting = [hook for hook in registry.hooks("on_shutdown") if hook.slug not in refused]
        await asyncio.gather(*(_rest(hook, runner, shutdown_limit_s) for hook in resting))


async def _rest(hook: Hook, runner: HookRunner, limit_s: float) -> None:
    error = await _called(hook, runner, limit_s)
    if error is not None:
        _log.error("plugin_not_at_rest", plugin=hook.slug, error=_said(error))


async def _called(hook: Hook, runner: HookRunner, limit_s: float) -> Exception | None:
    try:
        await runner.call(hook, {}, limit_s=limit_s)
    except Exception as error:  # noqa: BLE001 - whatever a plugin brings, the others wake and rest
        return error
    return None


def _note(error: Exception) -> Callable[[LoadRecord], LoadRecord]:
    def note(record: LoadRecord) -> LoadRecord:
        return msgspec.structs.replace(
            record,
            phase=Phase.STARTUP,
            status=Status.BROKEN,
            error=f"it did not wake: {_said(error)}",
            traceback=None if isinstance(error, PluginFault) else format_traceback(error),
        )

    return note


def _said(error: Exception) -> str:
    return error.message if isinstance(error, PluginFault) else describe(error)
