"""Does not wake."""

from pideai_host.api import PluginDefinition, PluginType, WebhookReply, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="wake-fails",
            name="wake-fails",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=("order.created",),
            webhook=True,
        )

    @hookimpl
    async def handle_event(self, event):
        return None

    @hookimpl
    async def handle_webhook(self, request):
        return WebhookReply(status=200)

    @hookimpl
    async def on_startup(self):
        raise RuntimeError("too early")


plugin = Plugin()
