"""Database URLs: read, checked, completed with what every connection of ours wants, and shown without passwords."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pideai_host.api.errors import ConfigurationError

_FORM = "It reads postgresql://user:password@host:5432/database; in the password write %40 for @, %2F for / and so on."
_POOLER_PORT = "6543"
_POOLER_HINT = (
    "Use the direct connection or the session pooler, port 5432: LISTEN and advisory locks need a session of their own."
)
_DEFAULTS = {
    "connect_timeout": "5",
    "gssencmode": "disable",  # Supabase's pooler fails to negotiate it
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


def conninfo(url: str, *, variable: str = "DATABASE_URL", name: str = "pideai-host") -> str:
    """Turn a URL of the operator into a connection string for psycopg.

    What the URL does not say itself is added: a connect timeout of 5 s, keepalives, no GSS, `name` as application
    name (what `pg_stat_activity` shows).

    Raises:
        ConfigurationError: not a PostgreSQL URL, or a transaction pooler's. Names `variable`, never its value.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise ConfigurationError(f"{variable} is not a PostgreSQL URL", hint=_FORM)
    _require_known_parameters(url, variable)
    try:
        told = {key: value for key, value in conninfo_to_dict(_without_prisma(url)).items() if value is not None}
    except (psycopg.Error, ValueError):
        # what they say may quote the password
        raise ConfigurationError(f"{variable} is not a valid PostgreSQL URL", hint=_FORM) from None
    if not _is_plausible(told):
        raise ConfigurationError(f"{variable} is not a valid PostgreSQL URL", hint=_FORM)
    _refuse_transaction_pooler(url, told, variable)
    return make_conninfo("", **{**_DEFAULTS, "application_name": name, **told})


def place(conninfo_or_url: str) -> str:
    """Name the database in a message: host, port and database; no user, no password."""
    told = conninfo_to_dict(conninfo_or_url)
    host, port = str(told.get("host") or "localhost"), str(told.get("port") or "5432")
    where = host if host.startswith("/") else f"{host}:{port}"
    return f"{where}, database {told.get('dbname') or told.get('user') or 'postgres'}"


def _is_plausible(told: Mapping[str, str | int | None]) -> bool:
    """Tell whether host, port and database can be what they seem: a password with a bare @ or / spills into them."""
    ports = [port for port in str(told.get("port") or "").split(",") if port]
    spilled = "@" in f"{told.get('host')}{told.get('dbname')}"
    return not spilled and all(port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536 for port in ports)  # noqa: PLR2004 - where TCP's ports end


def _require_known_parameters(url: str, variable: str) -> None:
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()} | {"pgbouncer", "ssl"}
    unknown = sorted(key for key, _ in _parameters(url, variable) if key not in known)
    if unknown:
        raise ConfigurationError(
            f"{variable} has a parameter that PostgreSQL does not know: {unknown[0][:40]!r}", hint="Leave it out."
        )


def _refuse_transaction_pooler(url: str, told: Mapping[str, str | int | None], variable: str) -> None:
    ports = str(told.get("port") or "").split(",")
    hosts = str(told.get("host") or "").split(",")
    asked_for = ("pgbouncer", "true") in _parameters(url, variable)
    if _POOLER_PORT in ports or asked_for or any(_is_pooler(host) for host in hosts):
        raise ConfigurationError(f"{variable} leads to a transaction pooler", hint=_POOLER_HINT)


def _is_pooler(host: str) -> bool:
    """Neon's poolers work by transaction, and say so in the first label of their names."""
    return host.endswith(".neon.tech") and host.split(".", 1)[0].endswith("-pooler")


def _parameters(url: str, variable: str) -> list[tuple[str, str]]:
    try:
        query = urlsplit(url).query
    except ValueError:
        query = "@"
    if "@" in query:  # the rest of a password with a bare ? in it
        raise ConfigurationError(f"{variable} is not a valid PostgreSQL URL", hint=_FORM)
    return parse_qsl(query, keep_blank_values=True)


def _without_prisma(url: str) -> str:
    """Leave out `pgbouncer=…`, which only ORMs understand; the last check wants to see it."""
    base, mark, parameters = url.partition("?")
    kept = [part for part in parameters.split("&") if not part.startswith("pgbouncer=")]
    return base + mark + "&".join(kept) if any(kept) else base
