"""Has a command that is no click command."""

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="commands-wrong",
            name="commands-wrong",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=(),
        )

    @hookimpl
    def cli_commands(self):
        return [print]


plugin = Plugin()
