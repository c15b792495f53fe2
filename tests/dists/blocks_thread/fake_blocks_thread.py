"""A plain hook that blocks its thread until `event` is set."""

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="blocks-thread",
            name="blocks-thread",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=("order.created",),
        )

    @hookimpl
    def handle_event(self, event):
        event.wait()


plugin = Plugin()
