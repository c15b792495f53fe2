"""Runs the numbered .sql files of this folder, once per version of them."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from psycopg import AsyncConnection, sql
from psycopg.rows import dict_row

from pideai_host.api.errors import ConfigurationError
from pideai_host.db.sql import load, query

MARK = "pideai-host development base"
"""Begins the comment on schema auth that tells a base of ours from a real Supabase project."""

# "pideaidb" in ASCII: any number that no other lock of the host uses.
_LOCK_KEY = 0x7069646561696462


async def apply_dev_base(conn: AsyncConnection[Any]) -> None:
    """Bring the development base into the connection's database, in one transaction.

    Safe to repeat, and to run from several processes at once (advisory lock). A base of this very version is left as
    it is, so that what was changed since (a cutover, say) stays; an older one gets the newer functions, triggers and
    policies. Existing rows and tables are kept.

    Args:
        conn: A superuser's connection. Inside an open transaction nothing is committed here.

    Raises:
        ConfigurationError: The database holds auth.users, stores or orders that this base did not make.
    """
    async with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute("select pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
        await cursor.execute(query(load(__package__, "find_base.sql")))
        found = await cursor.fetchone() or {}
        if found["has_tables"] and not found["mark"].startswith(MARK):
            raise ConfigurationError(
                f"database {conn.info.dbname!r} holds a real project; the development base would change it",
                hint="Name an empty database, or bring a Supabase project up to date with `pideai-host migrate` alone.",
            )
        mark = f"{MARK} {_version()}"
        if found["mark"] == mark:
            return

        # With an empty search_path every name in the files must be a qualified one.
        await cursor.execute("set local search_path = ''; set local client_min_messages = warning")
        for name in _script_names():
            await cursor.execute(query(load(__package__, name)))
        await cursor.execute(sql.SQL("comment on schema auth is {}").format(sql.Literal(mark)))
        await cursor.execute(
            "select set_config('search_path', %(search_path)s, true),"
            " set_config('client_min_messages', %(client_min_messages)s, true)",
            found,
        )


@cache
def _script_names() -> tuple[str, ...]:
    """The numbered files, in the order in which they run."""
    names = (entry.name for entry in files(__package__).iterdir())
    return tuple(sorted(name for name in names if name[:3].isdigit() and name.endswith(".sql")))


@cache
def _version() -> str:
    digest = hashlib.sha256()
    for name in _script_names():
        digest.update(load(__package__, name).encode())
    return digest.hexdigest()[:16]
