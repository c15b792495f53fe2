"""The plugin: each event of a store to the URL it has set, signed."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

from pideai_host.api import (
    ConfigRejected,
    EventType,
    Installation,
    Limits,
    PluginContext,
    PluginDefinition,
    PluginEvent,
    PluginEventResult,
    PluginType,
    failed,
    hookimpl,
    skipped,
)
from pideai_webhook_bridge.address import secret_fault, url_fault
from pideai_webhook_bridge.delivery import post
from pideai_webhook_bridge.envelope import body_of
from pideai_webhook_bridge.signing import read_secrets, sign

USER_AGENT: Final = "PideAI-Webhooks/1.0"

CONFIG_SCHEMA: Final = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "events": {
            "title": "Eventos",
            "description": "Los eventos que se envían; si no se indica ninguno, todos.",
            "type": "array",
            "items": {"enum": [event_type.value for event_type in EventType]},
            "minItems": 1,
            "uniqueItems": True,
        }
    },
    "additionalProperties": False,
}


class WebhookBridge:
    """Posts events as signed webhooks.

    Args:
        now: The clock; aware.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        """Declare the plugin."""
        return PluginDefinition(
            slug="webhook-bridge",
            name="Webhooks",
            version=version("pideai-webhook-bridge"),
            type=PluginType.INTEGRATION,
            description="Envía cada evento de la tienda, firmado, a una dirección de internet.",
            subscribed_events=tuple(event_type.value for event_type in EventType),
            config_schema=CONFIG_SCHEMA,
            webhook=True,
            # A receiver tells a repeated delivery by its webhook-id.
            repeat_safe=True,
            limits=Limits(timeout_s=20.0),
        )

    @hookimpl
    async def on_install(self, context: PluginContext) -> None:
        """Refuse a URL or a secret that could not work."""
        await _check(context)

    @hookimpl
    async def on_config_change(self, context: PluginContext) -> None:
        """Refuse a URL or a secret that could not work."""
        await _check(context)

    @hookimpl
    async def handle_event(
        self, event: PluginEvent, config: Mapping[str, Any], context: PluginContext
    ) -> PluginEventResult:
        """Deliver an event to the store's own URL."""
        if event.type not in config.get("events", (event.type,)):
            return skipped(f"the store does not send {event.type}")
        return await self._deliver(event, context.installation, context)

    @hookimpl
    async def deliver_external(
        self, event: PluginEvent, installation: Installation, context: PluginContext
    ) -> PluginEventResult:
        """Deliver an event to an external plugin's URL; the same way, secret and log."""
        return await self._deliver(event, installation, context)

    async def _deliver(
        self, event: PluginEvent, installation: Installation, context: PluginContext
    ) -> PluginEventResult:
        if not installation.webhook_url:
            return failed("the installation has no webhook_url")
        secret = await context.secrets.get("webhook_secret")
        if not secret:
            return failed("the installation has no webhook_secret")
        try:
            keys = read_secrets(secret)
        except ValueError as fault:
            return failed(f"the installation's webhook_secret cannot be used: {fault}")
        now = self._now()
        body = body_of(event)
        headers = _headers(_delivery_id(event, context), keys, int(now.timestamp()), body)
        return await post(context, installation.webhook_url, headers=headers, body=body, now=now)


def _delivery_id(event: PluginEvent, context: PluginContext) -> str:
    # Only a test send is no delivery.
    return str(event.id if context.delivery is None else context.delivery.id)


def _headers(message_id: str, keys: tuple[bytes, ...], timestamp_s: int, body: bytes) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": sign(keys, message_id=message_id, timestamp_s=timestamp_s, body=body),
    }


async def _check(context: PluginContext) -> None:
    found = {
        "/webhook_url": url_fault(context.installation.webhook_url),
        "/webhook_secret": secret_fault(await context.secrets.get("webhook_secret")),
    }
    faults = {at: fault for at, fault in found.items() if fault is not None}
    if faults:
        raise ConfigRejected(faults)


plugin = WebhookBridge()
