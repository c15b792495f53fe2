"""Never answers, and will not be cancelled until `event` is set."""

import asyncio

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="swallows-cancel",
            name="swallows-cancel",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=("order.created",),
        )

    @hookimpl
    async def handle_event(self, event):
        while not event.is_set():
            try:
                await event.wait()
            except asyncio.CancelledError:
                continue
        return "done after all"


plugin = Plugin()
