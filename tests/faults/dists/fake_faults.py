"""Plugins that harm the process they run in, each in its own way, at orders of a customer called `CULPRIT`."""

import asyncio
import contextlib
import os
import threading

from pideai_host.api import Limits, PluginDefinition, PluginType, RetryPolicy, hookimpl

CULPRIT = "culprit"
BLOCK_S = 1.5
LEAK = 400
"""Tasks of one call; the third call leaves more than the host bears."""
_leaked = set()


class Plugin:
    def __init__(self, slug, harm):
        self._slug = slug
        self._harm = harm

    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug=self._slug,
            name=self._slug,
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=("order.created",),
            retry=RetryPolicy(delays_s=(0.1,), jitter=0.0),
            limits=Limits(timeout_s=1.0),
        )

    @hookimpl
    async def handle_event(self, event):
        if event.payload.customer_name == CULPRIT:
            await self._harm()


async def _exit():
    if "FAULTS_MENDED" not in os.environ:
        os._exit(7)


async def _raise():
    raise ValueError("a bug")


async def _hang():
    await asyncio.Event().wait()


async def _swallow():
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)


async def _block():
    threading.Event().wait(BLOCK_S)


async def _leak():
    _leaked.update(asyncio.create_task(_swallow()) for _ in range(LEAK))


exits = Plugin("exits", _exit)
raises = Plugin("raises", _raise)
hangs = Plugin("hangs", _hang)
swallows = Plugin("swallows", _swallow)
blocks = Plugin("blocks", _block)
leaks = Plugin("leaks", _leak)
