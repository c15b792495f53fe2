"""The hooks a plugin can implement, and the marker that says that a method does.

A plugin is an instance whose methods carry `hookimpl`. Every hook is optional but `plugin_definition`; an
implementation may take any subset of a hook's arguments, and may be `async def` or plain `def` (which then runs in a
thread). pluggy registers and validates; it never executes (docs/adr/0001). Wrappers, `firstresult` and historic hooks
are refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import pluggy

from pideai_host.api.context import Installation, PluginContext
from pideai_host.api.definition import PluginDefinition
from pideai_host.api.events import PluginEvent, PluginEventType
from pideai_host.api.jobs import PluginJob
from pideai_host.api.outcomes import PluginEventResult
from pideai_host.api.webhooks import WebhookLookup, WebhookReply, WebhookRequest

PROJECT: Final = "pideai"
ENTRY_POINT_GROUP: Final = "pideai.plugins"

hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)


class PluginSpec:
    """The hooks, in the order in which a plugin meets them."""

    @hookspec
    def plugin_definition(self) -> PluginDefinition:
        """Declare the plugin. Called once, at load, without a running event loop; no network, no files."""

    @hookspec
    async def on_install(self, store_id: UUID, config: Mapping[str, Any], context: PluginContext) -> None:
        """Prepare a store that just installed the plugin; raise `ConfigRejected` to refuse. Idempotent."""

    @hookspec
    async def on_uninstall(self, store_id: UUID, config: Mapping[str, Any], context: PluginContext) -> None:
        """Clean up after a store; what is queued is cancelled already. Idempotent."""

    @hookspec
    async def on_enable(self, store_id: UUID, config: Mapping[str, Any], context: PluginContext) -> None:
        """Go to work for a store. Idempotent."""

    @hookspec
    async def on_disable(self, store_id: UUID, config: Mapping[str, Any], context: PluginContext) -> None:
        """Rest for a store; what is queued is parked by the host. Idempotent."""

    @hookspec
    async def on_config_change(self, store_id: UUID, config: Mapping[str, Any], context: PluginContext) -> None:
        """Take a new configuration, valid by the schema; raise `ConfigRejected` to refuse it. Idempotent."""

    @hookspec
    async def migrate_config(
        self, store_id: UUID, config: Mapping[str, Any], context: PluginContext
    ) -> Mapping[str, Any]:
        """Bring a configuration of an older `config_version` (`context.installation`) to the definition's."""

    @hookspec
    async def handle_event(
        self, event: PluginEvent, config: Mapping[str, Any], context: PluginContext
    ) -> PluginEventResult | None:
        """Deal with one event for one store; called at least once, `context.delivery.id` is the idempotency key."""

    @hookspec
    async def deliver_external(
        self, event: PluginEvent, installation: Installation, context: PluginContext
    ) -> PluginEventResult | None:
        """Deliver to an external plugin, one of the catalogue with ``is_internal = false``. No host calls it yet."""

    @hookspec
    async def route_webhook(self, request: WebhookRequest, lookup: WebhookLookup) -> Sequence[UUID] | WebhookReply:
        """Say which stores a provider's call without a store id is for, or answer it at once."""

    @hookspec
    async def handle_webhook(
        self, request: WebhookRequest, config: Mapping[str, Any], context: PluginContext
    ) -> WebhookReply:
        """Take a provider's call for one store: check its signature first, then answer in the provider's words.

        Idempotent: a call that was not answered, or not with 2xx, comes again.
        """

    @hookspec
    def http_routes(self) -> list[Any]:
        """Contribute Litestar handlers below ``/api/stores/{store_id}/{slug}``; the host brings authentication.

        They get `store_id`, `config` and `context` by name.
        """

    @hookspec
    def event_sources(self) -> Sequence[PluginEventType]:
        """Declare the event types that the plugin emits: their names, schemas and samples. Called once, at a start."""

    @hookspec
    def jobs(self) -> Sequence[PluginJob]:
        """Contribute periodic work, run by the elected scheduler. Called once, while a process with a worker starts."""

    @hookspec
    def cli_commands(self) -> list[Any]:
        """Contribute click commands below ``pideai-host <slug>``; they find a `CommandContext` as ``ctx.obj``."""

    @hookspec
    def migrations(self) -> str | None:
        """Name the package folder of SQL migrations, ``acme_courier.migrations``, for the schema ``pideai_<slug>``.

        A hyphen of the slug is an underscore there. Each ``NAME.sql`` has its ``rollback/NAME.sql``; they are applied
        in the order of names, each in a transaction of its own, wherever the host's own are.
        """

    @hookspec
    async def on_startup(self) -> None:
        """Wake with a process that serves or makes deliveries, before its first call; within 10 s, or do without it.

        A plugin that raises or takes longer is left out of this process until it starts again.
        """

    @hookspec
    async def on_shutdown(self) -> None:
        """Rest with a process, after its last call; within 5 s. Not called where `on_startup` failed."""


HOOK_NAMES: Final = tuple(name for name in vars(PluginSpec) if not name.startswith("_"))
"""Every hook's name, in the order of `PluginSpec`."""
