"""Whose store it is: the database's own rule, asked as the user (supabase.md 5).

The owner does everything in a store, a platform admin sees everything and changes nothing, nobody else learns even that
it exists (docs/adr/0030).
"""

import time
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from pideai_host.api.errors import StoreUnknown
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.web.as_user import ask_as_user
from pideai_host.web.auth import OwnerNeeded, User
from pideai_host.web.remembered import Remembered
from pideai_host.web.staff import Staff
from pideai_host.web.state import host_state

REMEMBERED_S: Final = 5.0
REMEMBERED_MAX: Final = 10_000

_OWNS_STORE: Final = query(load("pideai_host.web", "sql/owns_store.sql"))
_STORE_EXISTS: Final = query(load("pideai_host.web", "sql/store_exists.sql"))
_READING: Final = frozenset({"GET", "HEAD"})


class StoreAccess:
    """Answers whether a user owns a store, by ``public.user_owns_store`` under the user's claims.

    A yes is remembered for `REMEMBERED_S` seconds, a no never: a store just opened is its owner's at once, one just
    handed over is the former owner's for that long.

    Args:
        pool: Connections of the runtime role, which is a member of ``authenticated``.
        monotonic: Clock in seconds.

    Attributes:
        staff: Knows the platform admins.
    """

    def __init__(self, pool: Pool, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self.staff = Staff(pool, monotonic=monotonic)
        self._owned = Remembered[tuple[UUID, UUID], bool](for_s=REMEMBERED_S, most=REMEMBERED_MAX, monotonic=monotonic)

    async def require_owner(self, user: User, store_id: UUID) -> None:
        """Return if the store is the user's.

        Raises:
            StoreUnknown: it is not, or there is no such store; which of the two is not told.
            OwnerNeeded: it is not, but the user is a platform admin and may know that it exists.
        """
        if await self._owns(user, store_id):
            return
        await self._require_admin(user, store_id)
        raise OwnerNeeded("platform admins see a store and change nothing in it", hint="Its owner may do this.")

    async def require_reader(self, user: User, store_id: UUID) -> None:
        """Return if the user may see the store: it is theirs, or they are a platform admin and there is such a store.

        Raises:
            StoreUnknown: neither.
        """
        if not await self._owns(user, store_id):
            await self._require_admin(user, store_id)

    async def _owns(self, user: User, store_id: UUID) -> bool:
        pair = (user.id, store_id)
        if self._owned.get(pair):
            return True
        owns = await ask_as_user(self._pool, user, _OWNS_STORE, {"store_id": store_id})
        if owns:
            self._owned.keep(pair, answer=True)
        return owns

    async def _require_admin(self, user: User, store_id: UUID) -> None:
        if not (await self.staff.is_admin(user) and await self._exists(store_id)):
            raise StoreUnknown(store_id)

    async def _exists(self, store_id: UUID) -> bool:
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_STORE_EXISTS, {"store_id": store_id})).fetchone()
        return row is not None and bool(row[0])


async def require_access(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard everything below ``/api/stores/{store_id}``: the owner goes on, to read a platform admin as well.

    Only then the request is counted against the store: a stranger cannot use up what is its own.
    """
    host = host_state(connection.scope)
    access = host.access
    ask = access.require_reader if connection.scope.get("method") in _READING else access.require_owner
    store_id = connection.path_params["store_id"]
    await ask(connection.user, store_id)
    if host.limits is not None:
        await host.limits.spend("store", store_id, connection.scope)
