"""Has a schema of its own, in two steps."""

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="migrated",
            name="migrated",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=("order.created",),
        )

    @hookimpl
    async def handle_event(self):
        return None

    @hookimpl
    def migrations(self):
        return "fake_migrated_sql"


plugin = Plugin()
