"""Has a route that goes back up from its prefix."""

from litestar import get

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="routes-escape",
            name="routes-escape",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=(),
        )

    @hookimpl
    def http_routes(self):
        @get("/../plugins")
        async def plugins() -> None:
            return None

        return [plugins]


plugin = Plugin()
