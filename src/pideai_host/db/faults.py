"""From what psycopg raises to one line that an operator understands."""

import psycopg

from pideai_host.api.errors import DatabaseUnavailable
from pideai_host.db.urls import place

OLDEST_SERVER = 150000
_REASONS = (
    (
        ("password authentication failed", "no pg_hba.conf entry", "authentication"),
        "refuses user or password",
        "Are both right? In the URL a password's special characters are written as %40 for @ and so on.",
    ),
    (
        ("Tenant or user not found",),
        "does not know the user",
        "By Supabase's pooler users are called name.<ref>, such as pideai_host.<ref>.",
    ),
    (
        ("not permitted to log in",),
        "does not let the user log in",
        "As the owner: alter role pideai_host login password '…' (docs/deploy.md).",
    ),
    (
        ('role "pideai_host" does not exist',),
        "does not know the user pideai_host",
        "Run `pideai-host migrate` first: it makes that user.",
    ),
    (("role ",), "does not know the user", "Is it right in the URL?"),
    (("does not exist",), "does not exist there", "Create it, or correct the name in the URL."),
    (("resolve host", "translate host name"), "cannot be found by its host name", "Is the name right?"),
    (
        ("Network is unreachable",),
        "cannot be reached from this network",
        "Supabase's direct host speaks IPv6 only: where there is none, use the session pooler, port 5432.",
    ),
    (("refused", "No such file"), "does not answer", "Is the server running, and host and port right?"),
    (("timeout",), "does not answer in time", "Are host and port right, and does a firewall stand between?"),
    (("too many", "slots"), "has no connection left", "Lower the pool's size, or raise max_connections."),
)


def unavailable(conninfo: str, error: psycopg.Error) -> DatabaseUnavailable:
    """Say in one line why no connection came about; never with user or password.

    libpq gives failed connections no SQLSTATE, so the words are looked at; what they do not tell is quoted.
    """
    said = str(error)
    for marks, reason, hint in _REASONS:
        if any(mark in said for mark in marks):
            return DatabaseUnavailable(f"the database at {place(conninfo)} {reason}", hint=hint)
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "no reason given")
    return DatabaseUnavailable(f"the database at {place(conninfo)} cannot be used: {last[:300]}")


def require_supported(conninfo: str, server_version: int) -> None:
    """Refuse servers before PostgreSQL 15.

    Raises:
        DatabaseUnavailable: too old.
    """
    if server_version < OLDEST_SERVER:
        raise DatabaseUnavailable(
            f"the database at {place(conninfo)} is PostgreSQL {server_version // 10000}", hint="15 or newer is needed."
        )
