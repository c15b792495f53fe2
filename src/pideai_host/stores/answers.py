"""Answers that are kept for a day under a key of the client's, so that a request sent twice is carried out once.

A key belongs to one user and one store. Whoever takes it holds it for as long as the request is under way, renewed now
and then; what a process that is gone held is free again after `HOLD_S`.
"""

from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from psycopg.rows import class_row
from psycopg.sql import SQL

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.stores.secrets import Sealer, SecretUnreadable

HOLD_S: Final = 60.0
ANSWER_MAX_BYTES: Final = 262_144
"""A larger answer is not kept, only that there was one."""

NO_STORE: Final = UUID(int=0)

_BEGIN: Final = query(load("pideai_host.stores", "sql/answer_begin.sql"))
_KEEP: Final = query(load("pideai_host.stores", "sql/answer_keep.sql"))
_RENEW: Final = query(load("pideai_host.stores", "sql/answer_renew.sql"))
_FORGET: Final = query(load("pideai_host.stores", "sql/answer_forget.sql"))
_SEALED_FOR: Final = "idempotency-key"


class Key(msgspec.Struct, frozen=True):
    """Whose key, and which.

    Attributes:
        store_id: `NO_STORE` for a request that belongs to no store.
    """

    user_id: UUID
    store_id: UUID
    key: str


class KeptAnswer(msgspec.Struct, frozen=True):
    """An answer as it was given."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def __repr__(self) -> str:
        return f"KeptAnswer(status={self.status})"


class Begun(msgspec.Struct, frozen=True):
    """What is known of a key.

    Attributes:
        is_ours: It was free and is held by us now.
        is_same: It was taken by the same request.
        status: With which the request was answered; None as long as it is under way.
        answer: Sealed; None if it was too large.
    """

    is_ours: bool
    is_same: bool
    status: int | None
    answer: str | None

    def __repr__(self) -> str:
        return f"Begun(is_ours={self.is_ours}, is_same={self.is_same}, status={self.status})"


class Held:
    """A key that we hold. What is written after it was lost changes nothing."""

    def __init__(self, pool: Pool, sealer: Sealer, key: Key, holder: UUID) -> None:
        self._pool = pool
        self._sealer = sealer
        self._key = key
        self._values = {**msgspec.structs.asdict(key), "holder": holder, "hold_s": HOLD_S}

    async def renew(self) -> None:
        """Hold it for another `HOLD_S`."""
        await self._write(_RENEW)

    async def keep(self, answer: KeptAnswer) -> None:
        """Keep the answer for a day."""
        sealed = None
        if len(answer.body) <= ANSWER_MAX_BYTES:
            plain = msgspec.json.encode(answer).decode()
            sealed = self._sealer.seal(plain, self._key.store_id, _SEALED_FOR, _field(self._key))
        await self._write(_KEEP, status=answer.status, answer=sealed)

    async def forget(self) -> None:
        """Let the key go: the request changed nothing."""
        await self._write(_FORGET)

    async def _write(self, statement: SQL, **more: Any) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(statement, self._values | more)


class KeptAnswers:
    """All users' keys.

    Args:
        pool: Runtime connections.
        sealer: Seals what is kept: a plugin's answers may hold anything.
    """

    def __init__(self, pool: Pool, sealer: Sealer) -> None:
        self._pool = pool
        self._sealer = sealer

    async def begin(self, key: Key, request: bytes) -> Held | Begun | None:
        """Take a key, or tell what became of the request that has it; None: somebody takes it at this very moment.

        Args:
            key: The user's.
            request: A hash of all that makes the request what it is.
        """
        holder = uuid4()
        values = {**msgspec.structs.asdict(key), "request": request, "holder": holder, "hold_s": HOLD_S}
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Begun)) as cursor:
            await cursor.execute(_BEGIN, values)
            found = await cursor.fetchone()
        return Held(self._pool, self._sealer, key, holder) if found is not None and found.is_ours else found

    def open(self, key: Key, begun: Begun) -> KeptAnswer | None:
        """Return the answer that was kept; None if it was too large, or does not open any more."""
        if begun.answer is None:
            return None
        try:
            plain = self._sealer.open(begun.answer, key.store_id, _SEALED_FOR, _field(key))
        except SecretUnreadable:
            return None
        return msgspec.json.decode(plain, type=KeptAnswer)


def _field(key: Key) -> str:
    return f"{key.user_id}|{key.key}"
