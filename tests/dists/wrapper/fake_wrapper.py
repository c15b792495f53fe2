"""Wants to wrap the others."""

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="wrapper",
            name="wrapper",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=("order.created",),
        )

    @hookimpl(wrapper=True)
    def handle_event(self, event):
        return (yield)


plugin = Plugin()
