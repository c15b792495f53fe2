"""Install, change and uninstall a store's plugins: rows are written only when the plugin's hooks accept.

Hooks see the installation as it will be, so nothing half-made is ever visible, and no row has to be taken back. One
change at a time for each store and plugin. What stands in the way of resting or leaving (`on_disable`, `on_uninstall`)
is logged and stops nobody.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET
from psycopg import AsyncConnection, errors

from pideai_host.api import AlreadyInstalled, ConfigRejected, NotInstalled, PideaiError, PluginUnknown, StoreUnknown
from pideai_host.db.pool import Pool
from pideai_host.outgoing.guard import Network
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.stores import audit, deliveries, installations
from pideai_host.stores.audit_diff import line_of_leave, lines_of_change, lines_of_install
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.draft import Draft, draft_changed, draft_new, switched
from pideai_host.stores.expected import require_expected
from pideai_host.stores.hooks import LifecycleHooks
from pideai_host.stores.installations import StoredInstallation
from pideai_host.stores.lock import InstallationLocks
from pideai_host.stores.reach import unreachable_fault
from pideai_host.stores.secrets import Sealer
from pideai_host.stores.wire import InstallIn, InstallOut, UpdateIn
from pideai_host.telemetry import get_logger

Written = TypeVar("Written")

_WRITES_MAX: Final = 3
_log: Final = get_logger(__name__)


class Lifecycle:
    """What a store's owner does with plugins.

    Args:
        pool: Runtime connections.
        registry: The loaded plugins.
        runner: Calls their hooks, each within its plugin's limits.
        contexts: Makes what hooks are given.
        sealer: Seals secrets.
    """

    def __init__(
        self,
        pool: Pool,
        registry: Registry,
        runner: HookRunner,
        contexts: ContextFactory,
        sealer: Sealer,
        *,
        allow: tuple[Network, ...] = (),
    ) -> None:
        self._definitions = registry.definitions
        self._hooks = LifecycleHooks(registry, runner, contexts)
        self._sealer = sealer
        self._allow = allow
        self._locks = InstallationLocks(pool)

    async def install(self, store_id: UUID, slug: str, wanted: InstallIn) -> InstallOut:
        """Install a plugin for a store.

        Raises:
            StoreUnknown: there is no such store.
            PluginUnknown: it is not loaded, or the catalogue does not offer it.
            AlreadyInstalled: the store has it.
            ConfigRejected: by its schema or by the plugin, all faults at once.
            PluginFault: a hook failed; nothing is written.
            InstallationBusy: another change of it is under way.
        """
        definition = self._definitions.get(slug)
        if definition is None:
            raise PluginUnknown(slug)
        async with self._locks.hold(store_id, slug) as connection:
            plugin_id = await _require_target(connection, store_id, slug)
            draft = draft_new(self._sealer, definition, store_id, plugin_id, wanted)
            self._require_reachable(draft)
            await self._hooks.ask(draft.installation, "on_install")
            if wanted.enabled:
                await self._ask_or_undo(draft.installation, "on_enable", "on_uninstall", draft.installation)
            kept = await _write(connection, lambda: _write_new(connection, draft.installation))
        _log.info("plugin_installed", store_id=str(store_id), plugin=slug, enabled=kept.enabled)
        return InstallOut.of(kept, webhook_secret=draft.new_webhook_secret)

    async def update(
        self, store_id: UUID, slug: str, change: UpdateIn, *, expected: Collection[str] | None = None
    ) -> InstallOut:
        """Change an installation; what the change leaves out stays.

        Disabling parks what is queued, enabling makes it due. A plugin that is not loaded can still be disabled.

        Args:
            store_id: The store.
            slug: The plugin.
            change: What is wanted.
            expected: Tags of the states that it may begin from (`stores.expected`); None for any.

        Raises:
            ChangedMeanwhile: it is in another state than expected; nothing is written.
            NotInstalled: the store does not have it.
            PluginUnknown: it is not loaded, and more is asked than to disable or reorder it.
            ConfigRejected: by its schema or by the plugin, all faults at once.
            PluginFault: a hook failed; nothing is written.
            SecretUnreadable: a secret that is to stay does not open any more.
            InstallationBusy: another change of it is under way.
        """
        async with self._locks.hold(store_id, slug) as connection:
            stored = await _require_installed(connection, store_id, slug)
            require_expected(stored, expected)
            draft = self._draft_change(stored, change)
            if change.webhook_url is not UNSET:
                self._require_reachable(draft)
            await self._ask_for_change(stored, draft)
            kept = await _write(connection, lambda: _write_change(connection, stored, draft.installation))
            if stored.enabled and not kept.enabled:
                await self._hooks.tell(kept, "on_disable")
        _log.info("plugin_changed", store_id=str(store_id), plugin=slug, enabled=kept.enabled, revision=kept.revision)
        return InstallOut.of(kept, webhook_secret=draft.new_webhook_secret)

    def _require_reachable(self, draft: Draft) -> None:
        url = draft.installation.webhook_url
        fault = None if url is None else unreachable_fault(url, self._allow)
        if fault is not None:
            raise ConfigRejected({"webhook_url": fault})

    async def uninstall(self, store_id: UUID, slug: str, *, expected: Collection[str] | None = None) -> None:
        """Uninstall a plugin: cancel what is queued, tell the plugin, delete the row.

        Raises:
            ChangedMeanwhile: it is in none of the states whose tags are `expected`.
            NotInstalled: the store does not have it.
            InstallationBusy: another change of it is under way.
        """
        async with self._locks.hold(store_id, slug) as connection:
            stored = await _require_installed(connection, store_id, slug)
            require_expected(stored, expected)
            resting = msgspec.structs.replace(stored, enabled=False)
            await _write(connection, lambda: _write_change(connection, stored, resting, is_leaving=True))
            if stored.enabled:
                await self._hooks.tell(resting, "on_disable")
            await self._hooks.tell(resting, "on_uninstall")
            await _write(connection, lambda: _write_leave(connection, resting))
        _log.info("plugin_uninstalled", store_id=str(store_id), plugin=slug)

    def _draft_change(self, stored: StoredInstallation, change: UpdateIn) -> Draft:
        definition = self._definitions.get(stored.slug)
        if definition is not None:
            return draft_changed(self._sealer, definition, stored, change)
        drafted = switched(stored, change)
        reconfiguring = (change.config, change.webhook_url, change.webhook_secret, change.policy)
        if any(one is not UNSET for one in reconfiguring) or (drafted.enabled and not stored.enabled):
            raise PluginUnknown(stored.slug)
        return Draft(drafted, is_reconfigured=False)

    async def _ask_for_change(self, stored: StoredInstallation, draft: Draft) -> None:
        if draft.is_reconfigured:
            await self._hooks.ask(draft.installation, "on_config_change")
        if not stored.enabled and draft.installation.enabled:
            undo = "on_config_change" if draft.is_reconfigured else "on_disable"
            await self._ask_or_undo(draft.installation, "on_enable", undo, stored)

    async def _ask_or_undo(self, wanted: StoredInstallation, name: str, undo: str, before: StoredInstallation) -> None:
        """Ask a hook that others went before; when it refuses, tell the plugin to go back."""
        try:
            await self._hooks.ask(wanted, name)
        except PideaiError:
            await self._hooks.tell(before, undo)
            raise


async def _require_target(connection: AsyncConnection[Any], store_id: UUID, slug: str) -> UUID:
    found = await installations.target(connection, store_id, slug)
    if not found.has_store:
        raise StoreUnknown(store_id)
    if found.is_installed:
        raise AlreadyInstalled(slug)
    if found.plugin_id is None:
        raise PluginUnknown(slug)
    return found.plugin_id


async def _require_installed(connection: AsyncConnection[Any], store_id: UUID, slug: str) -> StoredInstallation:
    stored = await installations.find(connection, store_id, slug)
    if stored is None:
        raise NotInstalled(slug)
    return stored


async def _write_new(connection: AsyncConnection[Any], wanted: StoredInstallation) -> StoredInstallation:
    kept = await installations.insert(connection, wanted)
    await audit.record(connection, kept.store_id, lines_of_install(kept))
    return kept


async def _write_change(
    connection: AsyncConnection[Any],
    stored: StoredInstallation,
    wanted: StoredInstallation,
    *,
    is_leaving: bool = False,
) -> StoredInstallation:
    kept = await installations.update(connection, wanted)
    if not is_leaving:
        await audit.record(connection, kept.store_id, lines_of_change(stored, kept))
    if is_leaving:
        await deliveries.cancel(connection, kept)
    elif stored.enabled and not kept.enabled:
        await deliveries.park(connection, kept)
    elif kept.enabled and not stored.enabled:
        await deliveries.resume(connection, kept)
    return kept


async def _write_leave(connection: AsyncConnection[Any], leaving: StoredInstallation) -> None:
    """Delete the row, and cancel what intake or a replay, at work when the installation went to rest, still queued.

    In this order: a replay locks the installation, so either it is done before and its delivery is cancelled here, or
    it finds no installation.
    """
    await installations.delete(connection, leaving.id)
    await deliveries.cancel(connection, leaving)
    await audit.record(connection, leaving.store_id, [line_of_leave(leaving)])


async def _write(connection: AsyncConnection[Any], work: Callable[[], Awaitable[Written]]) -> Written:
    """Write in one transaction, again when a worker's batch held the same messages in another order."""
    writes = 1
    while True:
        try:
            async with connection.transaction():
                return await work()
        except errors.DeadlockDetected:
            if writes == _WRITES_MAX:
                raise
            writes += 1
