"""The queue engine: is it there, is it new enough, and how it gets there."""

from typing import Any

import psycopg

from pideai_host.api.errors import ConfigurationError
from pideai_host.db.sql import load

_OLDEST = "1.5.1"
_HINT = "pideai-host migrate --pgmq installs it; on Supabase switch on Queues in the dashboard."


def ensure(connection: psycopg.Connection[Any], *, install: bool) -> None:
    """See that pgmq 1.5.1 or newer is in the database, or install it if told to; harmless to repeat.

    The extension is preferred; where the server has none to offer, pgmq's own SQL makes the same schema.

    Args:
        connection: The owner's, in autocommit mode.
        install: Install pgmq where it is absent.

    Raises:
        ConfigurationError: it is absent and was not to be installed, or is too old.
    """
    with connection.transaction():
        if not _present(connection):
            if not install:
                raise ConfigurationError("pgmq is not installed in this database", hint=_HINT)
            _install(connection)
        _require_new_enough(connection)


def _present(connection: psycopg.Connection[Any]) -> bool:
    return _is_true(connection, "select to_regclass('pgmq.meta') is not null")


def _install(connection: psycopg.Connection[Any]) -> None:
    if _is_true(connection, "select exists (select from pg_available_extensions where name = 'pgmq')"):
        connection.execute("create extension pgmq")
        return
    connection.execute(load("pgmq", "sql/pgmq.sql").encode())


def _require_new_enough(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute("select extversion from pg_extension where extname = 'pgmq'").fetchone()
    if row is None:  # installed from SQL, which carries no version: headers came with 1.5
        if not _is_true(connection, "select to_regprocedure('pgmq.send(text,jsonb,jsonb,integer)') is not null"):
            raise ConfigurationError(f"pgmq in this database is older than {_OLDEST}", hint="Install a newer one.")
        return
    if tuple(map(int, row[0].split("."))) < tuple(map(int, _OLDEST.split("."))):
        raise ConfigurationError(
            f"pgmq in this database is {row[0]}, older than {_OLDEST}", hint="alter extension pgmq update"
        )


def _is_true(connection: psycopg.Connection[Any], question: str) -> bool:
    return connection.execute(question.encode()).fetchone() == (True,)
