"""Raises when it is asked for its commands."""

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="commands-raise",
            name="commands-raise",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=(),
        )

    @hookimpl
    def cli_commands(self):
        raise RuntimeError("no commands today")


plugin = Plugin()
