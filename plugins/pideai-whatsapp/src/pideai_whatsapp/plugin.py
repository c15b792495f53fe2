"""The plugin: its declaration and its hooks.

What a delivery goes through lives in `sending.notify`, which asks in turn `choice` (which message), `records` (what the
store says), `earlier` (what became of it so far), `draft` (the text) and `send` (once, and for one credit).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final
from uuid import UUID

import click

from pideai_host.api import (
    ConfigRejected,
    PluginContext,
    PluginDefinition,
    PluginEvent,
    PluginEventResult,
    PluginJob,
    PluginType,
    RetryPolicy,
    WebhookLookup,
    WebhookReply,
    WebhookRequest,
    hookimpl,
)
from pideai_whatsapp.campaigns.release import RELEASE
from pideai_whatsapp.channel.asking import ASKING
from pideai_whatsapp.channel.counts import Counts
from pideai_whatsapp.channel.linking import begin, take_name
from pideai_whatsapp.channel.numbers import MetaNumbers
from pideai_whatsapp.channel.routing import route_call
from pideai_whatsapp.channel.watchdog import WATCHDOG
from pideai_whatsapp.channel.webhook import take_call
from pideai_whatsapp.config import CONFIG_SCHEMA, read_config
from pideai_whatsapp.cutover.commands import cutover_commands
from pideai_whatsapp.cutover.gate import require_cut_over
from pideai_whatsapp.cutover.upkeep import CUTOVER_UPKEEP
from pideai_whatsapp.providers.choose import provider_for
from pideai_whatsapp.routes import all_routes
from pideai_whatsapp.sending import adoption
from pideai_whatsapp.sending.attempt import Attempt, ProviderFor, base_domain_of
from pideai_whatsapp.sending.facts import Records
from pideai_whatsapp.sending.notify import SUBSCRIBED, handle
from pideai_whatsapp.sending.providers import FOREIGN_INSTANCE
from pideai_whatsapp.sending.records import SqlRecords
from pideai_whatsapp.sending.send import RETRY_DELAYS_S
from pideai_whatsapp.sending.stale import OLD_SENDS, STALE_SENDS
from pideai_whatsapp.sending.template_store import TemplateStore

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
        self,
        *,
        records: Callable[[PluginContext], Records] = sql_records,
        now: Callable[[], datetime] = utc_now,
        provider_for: ProviderFor = provider_for,
    ) -> None:
        self._records = records
        self._now = now
        self._provider_for = provider_for
        self._counts = Counts()
        self._numbers = MetaNumbers()

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        """Declare what the plugin hears and what a store can set."""
        return PluginDefinition(
            slug="whatsapp",
            name="WhatsApp",
            version=version("pideai-whatsapp"),
            description="Confirma cada pedido y avisa de su estado por WhatsApp.",
            type=PluginType.NOTIFICATION,
            subscribed_events=tuple(str(event) for event in SUBSCRIBED),
            config_schema=CONFIG_SCHEMA,
            module="whatsapp",
            retry=RetryPolicy(delays_s=RETRY_DELAYS_S),
            max_age_s=MAX_AGE_S,
            repeat_safe=False,
            ordered=True,
            api=">=1.2,<2",
        )

    @hookimpl
    def migrations(self) -> str:
        """Name the plugin's own tables: what was sent, who wants no advertising, which stores it knows."""
        return "pideai_whatsapp.migrations"

    @hookimpl
    async def on_install(self, config: Mapping[str, Any], context: PluginContext) -> None:
        """Take over what the store has; refuse a configuration that names another store's phone or number."""
        await self._numbers.require_own(read_config(config), context)
        await self._require_own_instance(config, context)
        await adoption.adopt(context.db, context.store_id)
        await TemplateStore(context.db, context.store_id, base_domain=base_domain_of(context)).initialise()

    @hookimpl
    async def on_enable(self, config: Mapping[str, Any], context: PluginContext) -> None:
        """Show in the panel that WhatsApp is on; wait while today's triggers still send for the store."""
        await require_cut_over(context)
        await self._numbers.require_own(read_config(config), context)
        await adoption.enable(context.db, context.store_id, read_config(config))
        await begin(read_config(config), context)

    @hookimpl
    async def on_disable(self, context: PluginContext) -> None:
        """Show in the panel that WhatsApp is off."""
        await adoption.disable(context.db, context.store_id)

    @hookimpl
    async def on_config_change(self, config: Mapping[str, Any], context: PluginContext) -> None:
        """Refuse what `on_install` refuses; show in the panel what the configuration says of its switches."""
        await self._numbers.require_own(read_config(config), context)
        await self._require_own_instance(config, context)
        await begin(read_config(config), context)  # may still refuse: the panel's switches are told after it
        await adoption.tell_switches(context.db, context.store_id, read_config(config))

    @hookimpl
    async def handle_event(
        self, event: PluginEvent, config: Mapping[str, Any], context: PluginContext
    ) -> PluginEventResult:
        """Send the message that an event calls for, once; or say why none is sent."""
        attempt = Attempt(
            context=context,
            config=read_config(config),
            records=self._records(context),
            now=self._now(),
            provider_for=self._provider_for,
        )
        return await handle(event, attempt)

    @hookimpl
    async def route_webhook(self, request: WebhookRequest, lookup: WebhookLookup) -> list[UUID] | WebhookReply:
        """Say which stores a call is for that names none in its address."""
        return await route_call(request, lookup)

    @hookimpl
    async def handle_webhook(
        self, request: WebhookRequest, config: Mapping[str, Any], context: PluginContext
    ) -> WebhookReply:
        """Take a provider's call: receipts, customers' wishes, what became of the store's phone."""
        return await take_call(request, read_config(config), context, self._counts, self._numbers)

    @hookimpl
    def http_routes(self) -> list[Any]:
        """Contribute what the panel asks for: linking, messages, templates, credits."""
        return all_routes()

    @hookimpl
    def jobs(self) -> list[PluginJob]:
        """Contribute the look after all stores' channels, and after messages of which nothing is heard."""
        return [ASKING, CUTOVER_UPKEEP, RELEASE, STALE_SENDS, OLD_SENDS, WATCHDOG]

    @hookimpl
    def cli_commands(self) -> list[click.Command]:
        """Contribute the cutover from today's triggers, and the way back."""
        return cutover_commands()

    async def _require_own_instance(self, config: Mapping[str, Any], context: PluginContext) -> None:
        name = read_config(config).instance_name
        if name is None:
            return
        is_foreign = await self._records(context).is_foreign_instance(name)
        if is_foreign or not await take_name(context.db, context.store_id, name):
            raise ConfigRejected({"/instanceName": FOREIGN_INSTANCE})


plugin = WhatsAppPlugin()
"""The entry point's target."""
