"""Misspells a hook."""

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="typo-hook",
            name="typo-hook",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=("order.created",),
        )

    @hookimpl
    async def handle_event(self, event):
        return None

    @hookimpl
    async def on_instal(self, store_id):
        return None


plugin = Plugin()
