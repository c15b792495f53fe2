"""Ends the process in both kinds of hooks."""

import sys

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="exits",
            name="exits",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=("order.created",),
        )

    @hookimpl
    async def handle_event(self, event):
        sys.exit(4)

    @hookimpl
    def on_enable(self, store_id):
        sys.exit(4)

    @hookimpl
    def http_routes(self):
        sys.exit(4)


plugin = Plugin()
