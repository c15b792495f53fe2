"""Needs an event loop to say what it is."""

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    async def plugin_definition(self):
        return PluginDefinition(
            slug="definition-async",
            name="definition-async",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=(),
        )


plugin = Plugin()
