"""Migrations: bring a database up to what this version of the host needs, look at it, or take it back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import errors

from pideai_host.api.errors import ConfigurationError, DatabaseUnavailable
from pideai_host.db import pgmq
from pideai_host.db.faults import require_supported, unavailable
from pideai_host.db.ledger import MIGRATION_TABLE, Ledger, Witness, read_folder
from pideai_host.db.sql import query
from pideai_host.db.urls import conninfo
from pideai_host.telemetry import get_logger

MIGRATIONS = Path(__file__).with_name("migrations")
VARIABLE = "ADMIN_DATABASE_URL"
"""What messages call the URL, unless the caller knows better."""
SCHEMA = "pideai_host"
_OWNER_HINT = "Set ADMIN_DATABASE_URL to the URL of the database's owner (on Supabase: user postgres)."

_log = get_logger(__name__)


class MigrationState(NamedTuple):
    """A migration and when it was applied, None if it was not."""

    name: str
    applied_at: datetime | None


def migrate(
    url: str,
    *,
    install_pgmq: bool = False,
    folder: Path = MIGRATIONS,
    schema: str = SCHEMA,
    variable: str = VARIABLE,
    witness: Witness | None = None,
) -> list[str]:
    """Apply what is not applied yet, in the order of names; blocks.

    Idempotent, and safe when several hosts do it at once: they take turns. Each file is applied whole or not at all.

    Args:
        url: The owner's.
        install_pgmq: Install the queue engine where it is absent.
        folder: The `NAME.sql`, and the `rollback/NAME.sql` to apply.
        schema: Where the ledger lies; made if absent.
        variable: What messages call the URL.
        witness: Told of each file, in its transaction.

    Returns:
        The names applied now.

    Raises:
        ConfigurationError: the URL is wrong, its user lacks rights, or pgmq is absent.
        DatabaseUnavailable: no connection, a server too old, another host that migrates for over a minute, or a
            migration that failed.
    """
    with _ledger(url, schema, variable, witness) as ledger, ledger.lock():
        with explained("pgmq"):
            pgmq.ensure(ledger.connection, install=install_pgmq)
        waiting = ledger.to_apply(read_folder(folder))
        for migration in waiting:
            with explained(f"migration {migration.id}"):
                ledger.apply_one(migration)
            _log.info("migration_applied", migration=migration.id)
        return [migration.id for migration in waiting]


def roll_back(
    url: str,
    count: int,
    *,
    folder: Path = MIGRATIONS,
    schema: str = SCHEMA,
    variable: str = VARIABLE,
    witness: Witness | None = None,
) -> list[str]:
    """Take back the newest `count` applied migrations, newest first; with the last one goes the ledger.

    Data in the tables that go is lost. pgmq stays, and so does the runtime role.

    Returns:
        The names taken back.

    Raises:
        ConfigurationError, DatabaseUnavailable: as for `migrate`.
    """
    if not any(state.applied_at for state in status(url, folder=folder, schema=schema)):
        return []
    with _ledger(url, schema, variable, witness) as ledger, ledger.lock():
        applied = ledger.to_rollback(read_folder(folder))
        for migration in applied[:count]:
            with explained(f"rolling back {migration.id}"):
                ledger.rollback_one(migration)
            _log.info("migration_rolled_back", migration=migration.id)
        if not ledger.get_applied_migration_hashes():
            ledger.remove()
        return [migration.id for migration in applied[:count]]


def status(
    url: str, *, folder: Path = MIGRATIONS, schema: str = SCHEMA, variable: str = VARIABLE
) -> list[MigrationState]:
    """List all migrations of the folder in their order; changes nothing.

    Raises:
        ConfigurationError, DatabaseUnavailable: as for `migrate`.
    """
    with owner_connection(url, variable) as connection, explained("reading the ledger"):
        applied = _applied(connection, schema)
    return [MigrationState(migration.id, applied.get(migration.id)) for migration in read_folder(folder)]


def _applied(connection: psycopg.Connection[Any], schema: str) -> dict[str, datetime]:
    table = f"{schema}.{MIGRATION_TABLE}"
    if connection.execute("select to_regclass(%s)", [table]).fetchone() == (None,):
        return {}
    rows = connection.execute(query(f"select migration_id, applied_at_utc from {table}")).fetchall()
    return {name: at.replace(tzinfo=UTC) for name, at in rows}


@contextmanager
def _ledger(url: str, schema: str, variable: str, witness: Witness | None) -> Iterator[Ledger]:
    with owner_connection(url, variable) as connection, explained("the ledger of migrations"):
        yield Ledger(connection, schema, witness)


@contextmanager
def owner_connection(url: str, variable: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect as the owner for as long as the block runs, in autocommit mode and without a limit for statements.

    Raises:
        ConfigurationError, DatabaseUnavailable: there is no connection, or the server is too old.
    """
    told = conninfo(url, variable=variable, name="pideai-host migrate")
    try:
        connection = psycopg.connect(told, autocommit=True)
    except psycopg.Error as error:
        raise unavailable(told, error) from error
    with connection:
        require_supported(told, connection.info.server_version)
        connection.add_notice_handler(_pass_on)
        connection.execute("set statement_timeout = 0")  # Supabase ends an owner's statement after two minutes
        yield connection


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Raise what psycopg raises within the block as one line of ours, which says what was being done."""
    try:
        yield
    except errors.InsufficientPrivilege as error:
        raise ConfigurationError(f"{doing}: {_words(error)}", hint=_OWNER_HINT) from error
    except errors.LockNotAvailable as error:
        raise DatabaseUnavailable(
            f"{doing}: gave up waiting for another session", hint="Does another host migrate? Try again later."
        ) from error
    except psycopg.Error as error:
        raise DatabaseUnavailable(f"{doing}: {_words(error)}", hint=error.diag.message_hint or "") from error


def _words(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).partition("\n")[0]


def _pass_on(notice: errors.Diagnostic) -> None:
    """Log what a migration warns of; its notices are chatter."""
    if notice.severity_nonlocalized == "WARNING":
        _log.warning("migration_warns", warning=notice.message_primary)
