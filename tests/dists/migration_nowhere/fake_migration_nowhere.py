"""Names a package of migrations that there is not."""

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="migration-nowhere",
            name="migration-nowhere",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=("order.created",),
        )

    @hookimpl
    async def handle_event(self):
        return None

    @hookimpl
    def migrations(self):
        return "fake_migration_nowhere_sql"


plugin = Plugin()
