"""Declares a type of events that is the host's own."""

from pideai_host.api import PluginDefinition, PluginEventType, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="event-types-wrong",
            name="event-types-wrong",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=(),
        )

    @hookimpl
    def event_sources(self):
        return [PluginEventType(type="order.created")]


plugin = Plugin()
