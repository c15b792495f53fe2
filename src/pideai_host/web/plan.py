"""Whether a store's plan has the module that a plugin needs: PideAI's own word, asked where use begins (docs/adr/0030).

Asked by what installs, enables, configures or tries out a plugin; never by what shows, stops or removes one, and never
by a delivery: a store whose plan ran out keeps what it has set up, as it does in the panel today.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Request
from msgspec import UNSET

from pideai_host.api import PluginDefinition
from pideai_host.api.errors import StoreProblem
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.stores.wire import UpdateIn
from pideai_host.web.as_user import ask_as_user
from pideai_host.web.auth import User
from pideai_host.web.state import host_state, user_of

_CAN_ASK: Final = query(load("pideai_host.web", "sql/can_ask_modules.sql"))
_HAS_MODULE: Final = query(load("pideai_host.web", "sql/has_module.sql"))


class ModuleNotInPlan(StoreProblem):
    """The store's plan does not include the module that the plugin needs."""

    code = "module_not_in_plan"

    def __init__(self, slug: str, module: str) -> None:
        super().__init__(
            f"{slug!r} needs the module {module!r}, which the store's subscription lacks, or it is not active",
            hint="Have the module added to the plan. What is installed can still be seen, disabled and removed.",
        )
        self.slug = slug
        self.module = module


class PlanGate:
    """Asks ``has_module_enabled`` for plugins that name a module; a database without that function is not asked.

    Args:
        pool: Connections of the runtime role, which is a member of ``authenticated``.
        definitions: The loaded plugins'.
    """

    def __init__(self, pool: Pool, definitions: Mapping[str, PluginDefinition]) -> None:
        self._pool = pool
        self._modules = {slug: one.module for slug, one in definitions.items() if one.module is not None}

    async def require(self, user: User, store_id: UUID, slug: str) -> None:
        """Return if the plugin needs no module, or the store has it.

        Raises:
            ModuleNotInPlan: it has not.
        """
        module = self._modules.get(slug)
        if module is None or not await self._can_ask():
            return
        if not await ask_as_user(self._pool, user, _HAS_MODULE, {"store_id": store_id, "module": module}):
            raise ModuleNotInPlan(slug, module)

    async def _can_ask(self) -> bool:
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_CAN_ASK)).fetchone()
        return row is not None and bool(row[0])


async def require_plan(request: Request[Any, Any, Any], store_id: UUID, slug: str) -> None:
    """Return if the store may begin to use a plugin, or if no plan is asked here. For handlers, the slug checked.

    Raises:
        ModuleNotInPlan: its plan lacks the plugin's module.
    """
    plan = host_state(request.scope).plan
    if plan is not None:
        await plan.require(user_of(request), store_id, slug)


def begins_use(change: UpdateIn) -> bool:
    """Tell whether a change begins or goes on with using a plugin, rather than stops it or puts it in another place."""
    if change.enabled is not UNSET:
        return change.enabled
    return any(one is not UNSET for one in (change.config, change.webhook_url, change.webhook_secret, change.policy))
