"""Yes-or-no questions that the database answers as it would for the user: under their claims, in their role."""

from collections.abc import Mapping
from typing import Any, Final

from psycopg import sql

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.web.auth import User

_TAKE_USER_ROLE: Final = query(load("pideai_host.web", "sql/take_user_role.sql"))
_NOTHING: Final[Mapping[str, Any]] = {}


async def ask_as_user(pool: Pool, user: User, question: sql.SQL, values: Mapping[str, Any] = _NOTHING) -> bool:
    """Ask in a transaction that has the user's role and claims, which end with it; no answer is no.

    Args:
        pool: Connections of the runtime role, which is a member of ``authenticated``.
        user: Whose claims count.
        question: A statement whose first column is the answer.
        values: Its parameters.
    """
    async with pool.connection() as connection:
        # one round trip: the pipeline sends begin, both statements and commit together
        async with connection.pipeline(), connection.transaction():
            await connection.execute(_TAKE_USER_ROLE, {"claims": user.claims})
            cursor = await connection.execute(question, values)
        row = await cursor.fetchone()
    return row is not None and bool(row[0])
