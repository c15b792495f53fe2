"""Raises in both kinds of hooks."""

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="raises",
            name="raises",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=("order.created",),
        )

    @hookimpl
    async def handle_event(self, event):
        raise LookupError("no such table")

    @hookimpl
    def on_enable(self, store_id):
        raise LookupError("no such table")


plugin = Plugin()
