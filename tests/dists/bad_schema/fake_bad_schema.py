"""Its configuration schema is none, and its secret has a default."""

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="bad-schema",
            name="bad-schema",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=("order.created",),
            config_schema={
                "type": "object",
                "properties": {
                    "token": {"type": "string", "writeOnly": True, "default": "abc"},
                    "retries": {"type": "integr"},
                },
            },
        )

    @hookimpl
    async def handle_event(self, event):
        return None


plugin = Plugin()
