"""Raises what would end an event loop, wherever a provider's call leads."""

import asyncio

from pideai_host.api import PluginDefinition, PluginType, WebhookReply, hookimpl


async def raise_it(error):
    raise error


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="interrupts",
            name="interrupts",
            version="1.0",
            type=PluginType.INTEGRATION,
            subscribed_events=(),
            api=">=1.1,<2",
        )

    @hookimpl
    def http_routes(self):
        raise KeyboardInterrupt

    @hookimpl
    async def route_webhook(self, request):
        kind, _, where = request.query.partition(".")
        error = {"exit": SystemExit, "interrupt": KeyboardInterrupt, "close": GeneratorExit}.get(kind)
        match where:
            case "hook":
                raise error
            case "task":
                await asyncio.create_task(raise_it(error))
            case "left":
                self.left = asyncio.create_task(raise_it(error))
                await asyncio.wait({self.left})
            case "group":
                async with asyncio.TaskGroup() as group:
                    group.create_task(raise_it(error))
            case "thread":
                await asyncio.to_thread(asyncio.run, raise_it(error))
        return WebhookReply(body=b"still here")

    @hookimpl
    async def handle_webhook(self):
        return WebhookReply()


plugin = Plugin()
