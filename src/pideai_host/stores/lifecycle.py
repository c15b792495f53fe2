"""Install, change and uninstall a store's plugins: what a change wants is written only when the plugin's hooks accept.

Hooks see the installation as it will be. Before the first one is called the row says what is under way, so that what a
process leaves half-way is found again (`stores.recovery`). One change at a time for each store and plugin. What stands
in the way of resting or leaving (`on_disable`, `on_uninstall`) is logged and stops nobody.
"""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import UNSET
from psycopg import AsyncConnection

from pideai_host.api import (
    AlreadyInstalled,
    ConfigRejected,
    NotInstalled,
    PideaiError,
    PluginUnknown,
    StoreUnknown,
)
from pideai_host.db.pool import Pool
from pideai_host.outgoing.guard import Network
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.stores import installations
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.draft import Draft, draft_changed, draft_new, switched
from pideai_host.stores.expected import require_expected
from pideai_host.stores.hooks import LifecycleHooks
from pideai_host.stores.installations import StoredInstallation
from pideai_host.stores.lock import InstallationLocks
from pideai_host.stores.reach import unreachable_fault
from pideai_host.stores.secrets import Sealer
from pideai_host.stores.steps import Steps
from pideai_host.stores.transitions import Transition
from pideai_host.stores.versions import Versions, require_current
from pideai_host.stores.wire import InstallIn, InstallOut, UpdateIn
from pideai_host.stores.writes import write_change, write_leave
from pideai_host.telemetry import get_logger

HALF_THERE: Final = frozenset({Transition.INSTALLING, Transition.UNINSTALLING})
"""What is left of these, nobody has installed."""

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
        self.hooks = self._hooks = LifecycleHooks(registry, runner, contexts)
        self._steps = Steps(self._hooks)
        self._sealer = sealer
        self._allow = allow
        self.versions = Versions(pool, self._hooks, sealer)
        self.locks = self._locks = InstallationLocks(pool)

    async def install(self, store_id: UUID, slug: str, wanted: InstallIn) -> InstallOut:
        """Install a plugin for a store.

        One whose plugin is not ready to be enabled is installed all the same, disabled, with the reason.

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
            await self._steps.clear_leftover(connection, await installations.find(connection, store_id, slug))
            kept = await self._steps.insert(connection, draft.installation)
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
            NotReady: the plugin cannot be enabled for the store yet; the installation keeps the reason.
            PluginFault: a hook failed; nothing is written.
            ConfigNotCurrent: the configuration is newer than this host's code.
            SecretUnreadable: a secret that is to stay does not open any more.
            InstallationBusy: another change of it is under way.
        """
        async with self._locks.hold(store_id, slug) as connection:
            stored = await self._require_installed(connection, store_id, slug)
            require_expected(stored, expected)
            stored = await self._current(connection, stored, change)
            draft = self._draft_change(stored, change)
            if change.webhook_url is not UNSET:
                self._require_reachable(draft)
            is_settled = await self._steps.ask_for_change(connection, stored, draft) or stored.transition is None
            kept = await self._steps.write_changed(connection, stored, draft.installation, is_settled=is_settled)
        _log.info("plugin_changed", store_id=str(store_id), plugin=slug, enabled=kept.enabled, revision=kept.revision)
        return InstallOut.of(kept, webhook_secret=draft.new_webhook_secret)

    def _require_reachable(self, draft: Draft) -> None:
        url = draft.installation.webhook_url
        fault = None if url is None else unreachable_fault(url, self._allow)
        if fault is not None:
            raise ConfigRejected({"/webhook_url": fault})

    async def uninstall(self, store_id: UUID, slug: str, *, expected: Collection[str] | None = None) -> None:
        """Uninstall a plugin: cancel what is queued, tell the plugin, delete the row.

        Raises:
            ChangedMeanwhile: it is in none of the states whose tags are `expected`.
            NotInstalled: the store does not have it.
            InstallationBusy: another change of it is under way.
        """
        async with self._locks.hold(store_id, slug) as connection:
            stored = await installations.find(connection, store_id, slug)
            if stored is None:
                raise NotInstalled(slug)
            require_expected(stored, expected)
            resting = msgspec.structs.replace(stored, enabled=False, transition=Transition.UNINSTALLING)
            await write_change(connection, stored, resting, is_leaving=True)
            if stored.enabled:
                await self._hooks.tell(resting, "on_disable")
            await self._hooks.tell(resting, "on_uninstall")
            await write_leave(connection, resting)
        _log.info("plugin_uninstalled", store_id=str(store_id), plugin=slug)

    async def _current(
        self, connection: AsyncConnection[Any], stored: StoredInstallation, change: UpdateIn
    ) -> StoredInstallation:
        """Bring an older configuration up before it is changed; one that cannot be may be replaced, and switched off.

        Raises:
            ConfigNotCurrent: it is newer, and more is asked than to disable or reorder it.
            PideaiError: it cannot be brought up, and is to be used.
        """
        definition = self._definitions.get(stored.slug)
        if definition is None or stored.config_version == definition.config_version:
            return stored
        is_used = change.enabled is True or change.webhook_url is not UNSET or change.webhook_secret is not UNSET
        if stored.config_version > definition.config_version:
            if is_used or change.config is not UNSET:
                require_current(stored, definition)
            return stored
        try:
            return await self.versions.bring_up(connection, stored, definition)
        except PideaiError:
            if is_used and change.config is UNSET:
                raise
            return stored

    def _draft_change(self, stored: StoredInstallation, change: UpdateIn) -> Draft:
        definition = self._definitions.get(stored.slug)
        if definition is not None:
            return draft_changed(self._sealer, definition, stored, change)
        drafted = switched(stored, change)
        reconfiguring = (change.config, change.webhook_url, change.webhook_secret, change.policy)
        if any(one is not UNSET for one in reconfiguring) or (drafted.enabled and not stored.enabled):
            raise PluginUnknown(stored.slug)
        return Draft(drafted, is_reconfigured=False)

    async def _require_installed(
        self, connection: AsyncConnection[Any], store_id: UUID, slug: str
    ) -> StoredInstallation:
        stored = await installations.find(connection, store_id, slug)
        if stored is not None and stored.transition in HALF_THERE:
            await self._steps.clear_leftover(connection, stored)
            stored = None
        if stored is None:
            raise NotInstalled(slug)
        return stored


async def _require_target(connection: AsyncConnection[Any], store_id: UUID, slug: str) -> UUID:
    found = await installations.target(connection, store_id, slug)
    if not found.has_store:
        raise StoreUnknown(store_id)
    if found.is_installed:
        stored = await installations.find(connection, store_id, slug)
        if stored is None or stored.transition not in HALF_THERE:
            raise AlreadyInstalled(slug)
    if found.plugin_id is None:
        raise PluginUnknown(slug)
    return found.plugin_id
