"""Finish or undo what was left half-way with installations: a process ended in between, or a plugin did not manage.

Whoever works at an installation holds its lock, so what can be locked is left. A try is counted before it is made.
Hooks are idempotent: they may have been called before.
"""

from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from pideai_host.api import PideaiError
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.plugins.registry import Registry
from pideai_host.stores import installations, transitions
from pideai_host.stores.installations import StoredInstallation
from pideai_host.stores.lifecycle import Lifecycle
from pideai_host.stores.notices import Notices
from pideai_host.stores.steps import undo_of
from pideai_host.stores.transitions import Transition
from pideai_host.stores.writes import write_leave
from pideai_host.telemetry import get_logger

EVERY_S: Final = 30.0
BATCH: Final = 20
HOOK_LIMIT_S: Final = 10.0
"""Others wait for the scheduler: a hook gets no longer here."""

_LEFT: Final = query(load("pideai_host.stores", "sql/installations_left.sql"))
_GIVEN_UP: Final = "No se pudo terminar un cambio del plugin «{slug}». Guarda su configuración otra vez o desinstálalo."
_log: Final = get_logger(__name__)


class Recovery:
    """A job of the scheduler.

    Args:
        pool: Runtime connections.
        registry: The loaded plugins; what is left of others is left to a host that has them.
        lifecycle: Whose locks and hooks are used.
    """

    def __init__(self, pool: Pool, registry: Registry, lifecycle: Lifecycle) -> None:
        self._pool = pool
        self._slugs = list(registry.definitions)
        self._hooks = lifecycle.hooks
        self._locks = lifecycle.locks

    async def run(self) -> bool:
        """Deal with one installation that is due; tell whether there may be more."""
        async with self._pool.connection() as connection:
            values = {"slugs": self._slugs, "limit": BATCH}
            due = await (await connection.execute(_LEFT, values)).fetchall()
        for store_id, slug in due:
            if await self.recover(store_id, slug):
                return len(due) > 1
        return False

    async def recover(self, store_id: UUID, slug: str) -> bool:
        """Finish or undo what was left with one installation; tell whether there was something, and nobody at it."""
        async with self._locks.hold_if_free(store_id, slug) as connection:
            if connection is None:
                return False
            left = await installations.find(connection, store_id, slug)
            if left is None or left.transition is None or left.is_given_up:
                return False
            await transitions.begin_try(connection, left)
            try:
                await self._deal_with(connection, left)
            except PideaiError as problem:
                await self._leave(connection, left, problem)
            else:
                _log.info("installation_recovered", store_id=str(store_id), plugin=slug, was=left.transition)
            return True

    async def _deal_with(self, connection: AsyncConnection[Any], left: StoredInstallation) -> None:
        match left.transition:
            case Transition.INSTALLING:
                await self._hooks.ask(left, "on_uninstall", limit_s=HOOK_LIMIT_S)
                await write_leave(connection, left, reason="undone: it was left half-way")
            case Transition.UNINSTALLING:
                for name in ("on_disable", "on_uninstall"):
                    await self._hooks.tell(left, name, limit_s=HOOK_LIMIT_S)
                await write_leave(connection, left, reason="finished: it was left half-way")
            case Transition.DISABLING:
                await self._hooks.tell(left, "on_disable", limit_s=HOOK_LIMIT_S)
                await transitions.end(connection, left, reason="finished: it was left half-way")
            case _:
                for name in undo_of(left):
                    await self._hooks.ask(left, name, limit_s=HOOK_LIMIT_S)
                await transitions.end(connection, left, reason="undone: it was left half-way")

    async def _leave(self, connection: AsyncConnection[Any], left: StoredInstallation, problem: PideaiError) -> None:
        tries = left.transition_tries + 1
        reason = problem.message
        gives_up = await transitions.leave(connection, left, left.transition or "", tries=tries, reason=reason)
        _log.warning(
            "installation_not_recovered",
            store_id=str(left.store_id),
            plugin=left.slug,
            was=left.transition,
            tries=tries,
            gives_up=gives_up,
            error=reason,
        )
        if gives_up:
            await Notices(self._pool).leave(left.store_id, left.slug, _GIVEN_UP.format(slug=left.slug), level="error")
