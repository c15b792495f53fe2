"""The plugin: its declaration and its hooks.

What a delivery goes through lives in `notify`, which asks in turn `choice` (which message), `records` (what the store
says), `draft` (the text) and `send` (once, and for one credit).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

from pideai_host.api import (
    ConfigRejected,
    PluginContext,
    PluginDefinition,
    PluginEvent,
    PluginEventResult,
    PluginType,
    hookimpl,
)
from pideai_whatsapp.config import CONFIG_SCHEMA, read_config
from pideai_whatsapp.sending.choice import SUBSCRIBED
from pideai_whatsapp.sending.notify import FOREIGN_INSTANCE, notify_customer
from pideai_whatsapp.sending.records import Records, SqlRecords

MAX_AGE_S: Final = 7_200.0
"""Nobody wants to read "your order is ready" two hours late."""


def sql_records(context: PluginContext) -> Records:
    """Return the store's rows in the shop's own tables."""
    return SqlRecords(context.db, context.store_id)


def utc_now() -> datetime:
    """Return the time, aware UTC."""
    return datetime.now(UTC)


class WhatsAppPlugin:
    """Tells a store's customers by WhatsApp what becomes of their orders."""

    def __init__(
        self, *, records: Callable[[PluginContext], Records] = sql_records, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._records = records
        self._now = now

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        """Declare what the plugin hears and what a store can set."""
        return PluginDefinition(
            slug="whatsapp",
            name="WhatsApp",
            version=version("pideai-whatsapp"),
            description="Confirma cada pedido y avisa de su estado por WhatsApp.",
            type=PluginType.NOTIFICATION,
            subscribed_events=tuple(event.value for event in SUBSCRIBED),
            config_schema=CONFIG_SCHEMA,
            module="whatsapp",
            max_age_s=MAX_AGE_S,
            repeat_safe=False,
            ordered=True,
        )

    @hookimpl
    async def on_install(self, config: Mapping[str, Any], context: PluginContext) -> None:
        """Refuse a configuration that would send through another store's phone."""
        await self._require_own_instance(config, context)

    @hookimpl
    async def on_config_change(self, config: Mapping[str, Any], context: PluginContext) -> None:
        """Refuse what `on_install` refuses."""
        await self._require_own_instance(config, context)

    @hookimpl
    async def handle_event(
        self, event: PluginEvent, config: Mapping[str, Any], context: PluginContext
    ) -> PluginEventResult:
        """Send the message that an event calls for, once; or say why none is sent."""
        return await notify_customer(
            event, read_config(config), context=context, records=self._records(context), now=self._now()
        )

    async def _require_own_instance(self, config: Mapping[str, Any], context: PluginContext) -> None:
        name = read_config(config).instance_name
        if name is not None and await self._records(context).is_foreign_instance(name):
            raise ConfigRejected({"/instanceName": FOREIGN_INSTANCE})


plugin = WhatsAppPlugin()
"""The entry point's target."""
