"""Has a migration that nothing undoes."""

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="migration-one-way",
            name="migration-one-way",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=("order.created",),
        )

    @hookimpl
    async def handle_event(self):
        return None

    @hookimpl
    def migrations(self):
        return "fake_migration_one_way_sql"


plugin = Plugin()
