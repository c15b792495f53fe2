"""Seal all kept secrets with the newest master key, so that older ones can be taken out of the ring.

Done in batches, each a transaction of its own that only replaces what it read: it can be stopped and begun again
anywhere, run twice at once, and never undoes what an owner writes meanwhile. A change of an installation that was under
way may bring a value back under its old key, so rounds are made until nothing is left.
"""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

import msgspec
from psycopg.rows import class_row
from psycopg.sql import SQL

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.stores import audit
from pideai_host.stores.audit import Action, Line
from pideai_host.stores.secrets import Sealer, SecretUnreadable

BATCH: Final = 500
ROUNDS_MAX: Final = 3

_COUNT: Final = query(load("pideai_host.stores", "sql/seals_count.sql"))
_TABLES: Final = tuple(
    (
        query(load("pideai_host.stores", f"sql/seals_of_{name}.sql")),
        query(load("pideai_host.stores", f"sql/reseal_{name}.sql")),
    )
    for name in ("fields", "webhooks")
)


class KeyUse(msgspec.Struct, frozen=True, kw_only=True):
    """How many secrets are sealed with a key.

    Attributes:
        kid: The key's id.
        is_held: Whether it is in the ring; without it these secrets do not open.
        is_newest: Whether it is the one that seals.
    """

    kid: str
    secrets: int
    is_held: bool
    is_newest: bool


class Unreadable(msgspec.Struct, frozen=True):
    """A secret that does not open, and why; never what it holds."""

    store_id: UUID
    plugin: str
    field: str
    reason: str


class Step(msgspec.Struct, frozen=True):
    """What one batch did.

    Attributes:
        seen: Secrets under an older key.
        resealed: Of these, those that are under the newest now.
    """

    seen: int
    resealed: int
    unreadable: tuple[Unreadable, ...]


class _Sealed(msgspec.Struct, frozen=True):
    installation_id: UUID
    field: str
    sealed: str
    store_id: UUID
    slug: str

    def __repr__(self) -> str:
        return f"_Sealed({self.installation_id}, {self.field!r})"


class _Resealed(msgspec.Struct, frozen=True):
    installation_id: UUID
    field: str
    old: str
    new: str


class Rotation:
    """The secrets of all stores.

    Args:
        pool: Runtime connections.
        sealer: The ring; its first key is the newest.
        batch: Secrets of one transaction.
    """

    def __init__(self, pool: Pool, sealer: Sealer, *, batch: int = BATCH) -> None:
        self._pool = pool
        self._sealer = sealer
        self._batch = batch

    async def keys(self) -> list[KeyUse]:
        """Count the secrets of each key: the ring's in its order, then those that are missing from it."""
        async with self._pool.connection() as connection:
            counted: dict[str, int] = dict(await (await connection.execute(_COUNT)).fetchall())
        held = self._sealer.kids
        return [
            KeyUse(kid=kid, secrets=counted.get(kid, 0), is_held=kid in held, is_newest=kid == held[0])
            for kid in (*held, *sorted(counted.keys() - set(held)))
        ]

    async def waiting(self) -> int:
        """Count the secrets that are not sealed with the newest key."""
        return sum(one.secrets for one in await self.keys() if not one.is_newest)

    async def run(self) -> AsyncIterator[Step]:
        """Seal what is under an older key anew, batch by batch, and again what was brought back meanwhile.

        A secret that does not open is told of once, and left as it is.
        """
        told: set[tuple[UUID, str, str]] = set()
        for _ in range(ROUNDS_MAX):
            missed = 0
            async for step in self._round():
                new = tuple(one for one in step.unreadable if (one.store_id, one.plugin, one.field) not in told)
                told |= {(one.store_id, one.plugin, one.field) for one in new}
                missed += step.seen - step.resealed - len(step.unreadable)
                yield msgspec.structs.replace(step, unreadable=new)
            if not missed and await self.waiting() <= len(told):
                return

    async def record(self, resealed: int) -> None:
        """Leave a line in the audit trail."""
        line = Line(action=Action.SECRETS_ROTATED, detail={"key": self._sealer.kids[0], "secrets": resealed})
        async with self._pool.connection() as connection, connection.transaction():
            await audit.record(connection, None, [line])

    async def _round(self) -> AsyncIterator[Step]:
        for read, write in _TABLES:
            after = (UUID(int=0), "")
            while found := await self._read(read, after):
                yield await self._reseal(found, write)
                after = (found[-1].installation_id, found[-1].field)

    async def _read(self, statement: SQL, after: tuple[UUID, str]) -> list[_Sealed]:
        values = {
            "after_id": after[0],
            "after_field": after[1],
            "newest": self._sealer.prefix,
            "limit": self._batch,
        }
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(_Sealed)) as cursor:
            await cursor.execute(statement, values)
            return await cursor.fetchall()

    async def _reseal(self, found: list[_Sealed], statement: SQL) -> Step:
        resealed: list[_Resealed] = []
        unreadable: list[Unreadable] = []
        for one in found:
            try:
                plain = self._sealer.open(one.sealed, one.store_id, one.slug, one.field)
            except SecretUnreadable as problem:
                unreadable.append(Unreadable(one.store_id, one.slug, one.field, problem.message))
                continue
            new = self._sealer.seal(plain, one.store_id, one.slug, one.field)
            resealed.append(_Resealed(one.installation_id, one.field, one.sealed, new))
        async with self._pool.connection() as connection:
            done = await connection.execute(statement, {"sealed": msgspec.json.encode(resealed).decode()})
        return Step(len(found), done.rowcount, tuple(unreadable))
