"""Raises when it is asked for its migrations."""

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="migration-raises",
            name="migration-raises",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=("order.created",),
        )

    @hookimpl
    async def handle_event(self):
        return None

    @hookimpl
    def migrations(self):
        raise RuntimeError("no migrations today")


plugin = Plugin()
