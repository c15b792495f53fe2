"""Has a migration that changes the shop's tables."""

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="migration-strays",
            name="migration-strays",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=("order.created",),
        )

    @hookimpl
    async def handle_event(self):
        return None

    @hookimpl
    def migrations(self):
        return "fake_migration_strays_sql"


plugin = Plugin()
