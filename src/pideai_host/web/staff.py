"""PideAI's own staff: whoever has an active row in ``public.platform_admins``, asked as the user (supabase.md 5)."""

import time
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from pideai_host.api.errors import PideaiError
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.telemetry import get_logger
from pideai_host.web.as_user import ask_as_user
from pideai_host.web.auth import User
from pideai_host.web.remembered import Remembered
from pideai_host.web.state import host_state

REMEMBERED_S: Final = 5.0
REMEMBERED_MAX: Final = 10_000
LOOK_FOR_TABLE_S: Final = 60.0
"""How often a database without the table is looked at again."""

_HAS_TABLE: Final = query(load("pideai_host.web", "sql/has_platform_admins.sql"))
_IS_ADMIN: Final = query(load("pideai_host.web", "sql/is_platform_admin.sql"))

_log: Final = get_logger(__name__)


class AdminNeeded(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """Only PideAI's staff may do this."""

    code = "admin_needed"

    def __init__(self) -> None:
        super().__init__("only platform admins may do this")


class Staff:
    """Answers whether a user is a platform admin; both answers are remembered for `REMEMBERED_S` seconds.

    A database without the table, or with one that says something else, has no admins: nobody gets in by that.

    Args:
        pool: Connections of the runtime role, which is a member of ``authenticated``.
        monotonic: Clock in seconds.
    """

    def __init__(self, pool: Pool, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._monotonic = monotonic
        self._answers = Remembered[UUID, bool](for_s=REMEMBERED_S, most=REMEMBERED_MAX, monotonic=monotonic)
        self._has_table: bool | None = None
        self._look_again_at = -float("inf")

    async def is_admin(self, user: User) -> bool:
        """Tell whether a user is a platform admin, and an active one."""
        known = self._answers.get(user.id)
        if known is None:
            known = await self._table_is_there() and await ask_as_user(self._pool, user, _IS_ADMIN)
            self._answers.keep(user.id, known)
        return known

    async def require_admin(self, user: User) -> None:
        """Return if the user is a platform admin.

        Raises:
            AdminNeeded: not so.
        """
        if not await self.is_admin(user):
            raise AdminNeeded

    async def _table_is_there(self) -> bool:
        if not self._has_table and self._monotonic() >= self._look_again_at:
            self._look_again_at = self._monotonic() + LOOK_FOR_TABLE_S
            async with self._pool.connection() as connection:
                row = await (await connection.execute(_HAS_TABLE)).fetchone()
            found = row is not None and bool(row[0])
            if not found and self._has_table is None:
                _log.warning("no_platform_admins", reason="public.platform_admins is missing or not as expected")
            self._has_table = found
        return bool(self._has_table)


async def require_admin(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard what is the operator's: only platform admins go on. Below `Authentication` only."""
    await host_state(connection.scope).access.staff.require_admin(connection.user)
