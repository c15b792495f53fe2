"""Made for a contract of the future, with a hook of the future."""

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="api-too-new",
            name="api-too-new",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=("order.created",),
            api=">=2.0,<3",
        )

    @hookimpl
    async def handle_event(self, event):
        return None

    @hookimpl
    async def on_the_moon(self, store_id):
        return None


plugin = Plugin()
