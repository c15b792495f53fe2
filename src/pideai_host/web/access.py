"""Whose store it is: the database's own rule, asked as the user (supabase.md 5)."""

import time
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from pideai_host.api.errors import StoreUnknown
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.web.auth import User
from pideai_host.web.state import host_state

REMEMBERED_S: Final = 5.0
REMEMBERED_MAX: Final = 10_000

_TAKE_USER_ROLE: Final = query(load("pideai_host.web", "sql/take_user_role.sql"))
_OWNS_STORE: Final = query(load("pideai_host.web", "sql/owns_store.sql"))


class StoreAccess:
    """Answers whether a user owns a store, by ``public.user_owns_store`` under the user's claims.

    A yes is remembered for `REMEMBERED_S` seconds, a no never: a store just opened is its owner's at once, one just
    handed over is the former owner's for that long.

    Args:
        pool: Connections of the runtime role, which is a member of ``authenticated``.
        monotonic: Clock in seconds.
    """

    def __init__(self, pool: Pool, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._monotonic = monotonic
        self._owned_until: dict[tuple[UUID, UUID], float] = {}

    async def require_owner(self, user: User, store_id: UUID) -> None:
        """Return if the store is the user's.

        Raises:
            StoreUnknown: it is not, or there is no such store; which of the two is not told.
        """
        pair = (user.id, store_id)
        if self._monotonic() < self._owned_until.get(pair, -float("inf")):
            return
        if not await self._owns(user, store_id):
            raise StoreUnknown(store_id)
        self._remember(pair)

    def _remember(self, pair: tuple[UUID, UUID]) -> None:
        self._owned_until.pop(pair, None)  # to the end of the line: the first one in it is the oldest
        while len(self._owned_until) >= REMEMBERED_MAX:
            del self._owned_until[next(iter(self._owned_until))]
        self._owned_until[pair] = self._monotonic() + REMEMBERED_S

    async def _owns(self, user: User, store_id: UUID) -> bool:
        async with self._pool.connection() as connection:
            # one round trip: the pipeline sends begin, both statements and commit together
            async with connection.pipeline(), connection.transaction():
                await connection.execute(_TAKE_USER_ROLE, {"claims": user.claims})
                cursor = await connection.execute(_OWNS_STORE, {"store_id": store_id})
            row = await cursor.fetchone()
        return row is not None and bool(row[0])


async def require_owner(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard everything below ``/api/stores/{store_id}``: only the owner goes on."""
    await host_state(connection.scope).access.require_owner(connection.user, connection.path_params["store_id"])
