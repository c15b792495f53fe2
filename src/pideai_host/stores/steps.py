"""The steps of a change: a plugin's hooks are asked, what they accept is written, what they refuse is undone.

Before the first hook is called the row says what is under way (`stores.transitions`).
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from psycopg import AsyncConnection

from pideai_host.api import NotReady, PideaiError, PluginSignal
from pideai_host.stores import transitions
from pideai_host.stores.draft import Draft
from pideai_host.stores.hooks import LifecycleHooks
from pideai_host.stores.installations import StoredInstallation
from pideai_host.stores.transitions import Transition
from pideai_host.stores.writes import (
    write_accepted,
    write_begun,
    write_change,
    write_leave,
    write_new,
    write_resting,
)


class Steps:
    """What `Lifecycle` does between its draft and its answer, with the lock of the installation held.

    Args:
        hooks: Those of all loaded plugins.
    """

    def __init__(self, hooks: LifecycleHooks) -> None:
        self._hooks = hooks

    async def insert(self, connection: AsyncConnection[Any], wanted: StoredInstallation) -> StoredInstallation:
        """Write a new installation when its plugin accepts; take it back when it does not."""
        names = ("on_install", "on_enable") if wanted.enabled else ("on_install",)
        if not self._hooks.has(wanted.slug, *names):
            return await write_new(connection, wanted)
        begun = msgspec.structs.replace(wanted, enabled=False, transition=Transition.INSTALLING)
        begun = await write_begun(connection, begun)
        for name in names:
            try:
                await self._hooks.ask(wanted, name)
            except PideaiError as problem:
                if name == "on_enable" and isinstance(problem, NotReady):
                    return await write_resting(connection, wanted, problem.message)
                undo = () if name == "on_install" and isinstance(problem, PluginSignal) else ("on_uninstall",)
                await self._undo(connection, begun, begun, undo, problem)
                raise
        return await write_accepted(connection, wanted)

    async def ask_for_change(self, connection: AsyncConnection[Any], stored: StoredInstallation, draft: Draft) -> bool:
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

    async def write_changed(
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
        kept = await write_change(connection, stored, wanted)
        if rests:
            await self._hooks.tell(kept, "on_disable")
        if is_settled and transition is not None:
            await transitions.end(connection, kept)
            kept = msgspec.structs.replace(kept, transition=None)
        return kept

    async def clear_leftover(self, connection: AsyncConnection[Any], left: StoredInstallation | None) -> None:
        """Have a plugin clean up after an installation that never came about, or has not quite gone."""
        if left is not None:
            await self._hooks.tell(left, "on_uninstall")
            await write_leave(connection, left, reason="left half-way")

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


def undo_of(left: StoredInstallation) -> tuple[str, ...]:
    """Name the hooks by which a plugin goes back to the installation that is stored."""
    resting = () if left.enabled else ("on_disable",)
    return (*resting, "on_config_change") if left.transition == Transition.RECONFIGURING else resting


def _undo_of_refusal(names: Sequence[str], refused: str) -> tuple[str, ...]:
    """Name what undoes the hooks that went before one that refused; who refuses has changed nothing."""
    if refused == "on_config_change":
        return ()
    return ("on_config_change",) if "on_config_change" in names else ("on_disable",)
