"""Install, change and uninstall a store's plugins: what a change wants is written only when the plugin's hooks accept.

Hooks see the installation as it will be. Before the first one is called the row says what is under way, so that what a
process leaves half-way is found again (`stores.recovery`). One change at a time for each store and plugin. What stands
in the way of resting or leaving (`on_disable`, `on_uninstall`) is logged and stops nobody.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET
from psycopg import AsyncConnection, errors

from pideai_host.api import (
    AlreadyInstalled,
    ConfigRejected,
    NotInstalled,
    NotReady,
    PideaiError,
    PluginSignal,
    PluginUnknown,
    StoreUnknown,
)
from pideai_host.db.pool import Pool
from pideai_host.outgoing.guard import Network
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.stores import audit, deliveries, installations, transitions
from pideai_host.stores.audit_diff import line_of_leave, lines_of_change, lines_of_install
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.draft import Draft, draft_changed, draft_new, switched
from pideai_host.stores.expected import require_expected
from pideai_host.stores.hooks import LifecycleHooks
from pideai_host.stores.installations import StoredInstallation
from pideai_host.stores.lock import InstallationLocks
from pideai_host.stores.reach import unreachable_fault
from pideai_host.stores.secrets import Sealer
from pideai_host.stores.transitions import Transition
from pideai_host.stores.versions import Versions, require_current
from pideai_host.stores.wire import InstallIn, InstallOut, UpdateIn
from pideai_host.telemetry import get_logger

Written = TypeVar("Written")

HALF_THERE: Final = frozenset({Transition.INSTALLING, Transition.UNINSTALLING})
"""What is left of these, nobody has installed."""

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
        self.hooks = self._hooks = LifecycleHooks(registry, runner, contexts)
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
            await self._clear_leftover(connection, await installations.find(connection, store_id, slug))
            kept = await self._insert(connection, draft.installation)
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
            is_settled = await self._ask_for_change(connection, stored, draft) or stored.transition is None
            kept = await self._write_changed(connection, stored, draft.installation, is_settled=is_settled)
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
            await _write(connection, lambda: _write_change(connection, stored, resting, is_leaving=True))
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

    async def _insert(self, connection: AsyncConnection[Any], wanted: StoredInstallation) -> StoredInstallation:
        """Write a new installation when its plugin accepts; take it back when it does not."""
        names = ("on_install", "on_enable") if wanted.enabled else ("on_install",)
        if not self._hooks.has(wanted.slug, *names):
            return await _write(connection, lambda: _write_new(connection, wanted))
        begun = msgspec.structs.replace(wanted, enabled=False, transition=Transition.INSTALLING)
        begun = await _write(connection, lambda: installations.insert(connection, begun))
        for name in names:
            try:
                await self._hooks.ask(wanted, name)
            except PideaiError as problem:
                if name == "on_enable" and isinstance(problem, NotReady):
                    return await _rest(connection, wanted, problem.message)
                undo = () if name == "on_install" and isinstance(problem, PluginSignal) else ("on_uninstall",)
                await self._undo(connection, begun, begun, undo, problem)
                raise
        return await _write(connection, lambda: _write_accepted(connection, wanted))

    async def _ask_for_change(self, connection: AsyncConnection[Any], stored: StoredInstallation, draft: Draft) -> bool:
        """Ask the hooks that may refuse a change; when one does, have the plugin go back to what was.

        Tells whether any was asked: then the plugin knows what is to be.
        """
        wanted = draft.installation
        names = ["on_enable"] if wanted.enabled and not stored.enabled else []
        is_reconfigured = draft.is_reconfigured or (bool(names) and stored.transition == Transition.RECONFIGURING)
        if is_reconfigured:  # or the plugin may know a configuration that was never written
            names.insert(0, "on_config_change")
        if not self._hooks.has(stored.slug, *names):
            return False
        transition = Transition.RECONFIGURING if is_reconfigured else Transition.ENABLING
        await transitions.begin(connection, stored, transition)
        for name in names:
            try:
                await self._hooks.ask(wanted, name)
            except PideaiError as problem:
                begun = msgspec.structs.replace(stored, transition=transition)
                undo = undo_of(begun)
                if stored.transition is None and isinstance(problem, PluginSignal):
                    undo = _undo_of_refusal(names, name)
                await self._undo(connection, begun, stored, undo, problem)
                raise
        return True

    async def _write_changed(
        self,
        connection: AsyncConnection[Any],
        stored: StoredInstallation,
        wanted: StoredInstallation,
        *,
        is_settled: bool,
    ) -> StoredInstallation:
        """Write a change and have the plugin rest if that is what it is; what was left half-way before stays so."""
        may_work = stored.enabled or (is_settled and stored.transition is not None)
        rests = may_work and not wanted.enabled
        transition = Transition.DISABLING if rests and self._hooks.has(stored.slug, "on_disable") else None
        if is_settled:
            reason = stored.transition_reason if stored.transition is None and not wanted.enabled else None
            wanted = msgspec.structs.replace(
                wanted, transition=transition, transition_reason=reason, transition_tries=0, is_given_up=False
            )
        kept = await _write(connection, lambda: _write_change(connection, stored, wanted))
        if rests:
            await self._hooks.tell(kept, "on_disable")
        if is_settled and transition is not None:
            await transitions.end(connection, kept)
            kept = msgspec.structs.replace(kept, transition=None)
        return kept

    async def _undo(
        self,
        connection: AsyncConnection[Any],
        begun: StoredInstallation,
        before: StoredInstallation,
        names: Sequence[str],
        problem: PideaiError,
    ) -> None:
        """Have a plugin go back to what was before; what it does not manage is left for `stores.recovery`."""
        try:
            for name in names:
                await self._hooks.ask(before, name)
        except PideaiError as second:
            reason = f"{problem.message}; undoing it: {second.message}"
            await transitions.leave(connection, begun, begun.transition or "", tries=0, reason=reason)
            return
        if begun.transition == Transition.INSTALLING:
            await write_leave(connection, begun, reason=problem.message)
        else:
            await transitions.end(connection, begun, reason=problem.message, is_kept=isinstance(problem, NotReady))

    async def _clear_leftover(self, connection: AsyncConnection[Any], left: StoredInstallation | None) -> None:
        """Have a plugin clean up after an installation that never came about, or has not quite gone."""
        if left is not None:
            await self._hooks.tell(left, "on_uninstall")
            await write_leave(connection, left, reason="left half-way")

    async def _require_installed(
        self, connection: AsyncConnection[Any], store_id: UUID, slug: str
    ) -> StoredInstallation:
        stored = await installations.find(connection, store_id, slug)
        if stored is not None and stored.transition in HALF_THERE:
            await self._clear_leftover(connection, stored)
            stored = None
        if stored is None:
            raise NotInstalled(slug)
        return stored


def undo_of(left: StoredInstallation) -> tuple[str, ...]:
    """Name the hooks by which a plugin goes back to the installation that is stored."""
    resting = () if left.enabled else ("on_disable",)
    return (*resting, "on_config_change") if left.transition == Transition.RECONFIGURING else resting


def _undo_of_refusal(names: Sequence[str], refused: str) -> tuple[str, ...]:
    """Name what undoes the hooks that went before one that refused; who refuses has changed nothing."""
    if refused == "on_config_change":
        return ()
    return ("on_config_change",) if "on_config_change" in names else ("on_disable",)


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


async def _write_new(connection: AsyncConnection[Any], wanted: StoredInstallation) -> StoredInstallation:
    kept = await installations.insert(connection, wanted)
    await audit.record(connection, kept.store_id, lines_of_install(kept))
    return kept


async def _write_accepted(connection: AsyncConnection[Any], wanted: StoredInstallation) -> StoredInstallation:
    """Write what was begun as an installation that its plugin accepted."""
    kept = await installations.update(connection, wanted, is_new=True)
    await audit.record(connection, kept.store_id, lines_of_install(kept))
    return kept


async def _rest(connection: AsyncConnection[Any], wanted: StoredInstallation, reason: str) -> StoredInstallation:
    """Write what was begun as an installation that its plugin accepted, but cannot work for yet."""

    async def write() -> StoredInstallation:
        kept = await _write_accepted(connection, msgspec.structs.replace(wanted, enabled=False))
        await transitions.end(connection, kept, reason=reason, is_kept=True)
        return msgspec.structs.replace(kept, transition_reason=transitions.shortened(reason))

    return await _write(connection, write)


async def _write_change(
    connection: AsyncConnection[Any],
    stored: StoredInstallation,
    wanted: StoredInstallation,
    *,
    is_leaving: bool = False,
) -> StoredInstallation:
    kept = await installations.update(connection, wanted)
    lines = [line_of_leave(kept)] if is_leaving else lines_of_change(stored, kept)
    await audit.record(connection, kept.store_id, lines)
    if is_leaving:
        await deliveries.cancel(connection, kept)
    elif stored.enabled and not kept.enabled:
        await deliveries.park(connection, kept)
    elif kept.enabled and not stored.enabled:
        await deliveries.resume(connection, kept)
    return kept


async def write_leave(
    connection: AsyncConnection[Any], leaving: StoredInstallation, *, reason: str | None = None
) -> None:
    """Delete the row, and cancel what intake or a replay, at work when the installation went to rest, still queued.

    In this order: a replay locks the installation, so either it is done before and its delivery is cancelled here, or
    it finds no installation.
    """

    async def write() -> None:
        await installations.delete(connection, leaving, reason=reason)
        await deliveries.cancel(connection, leaving)

    await _write(connection, write)


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
