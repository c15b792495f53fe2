"""A plugin's own migrations: applied into its schema, remembered with their checksums, and taken back.

Each plugin has a schema of its own and its own entries in the ledger `pideai_host.plugin_migrations`. A file runs with
nothing but its schema on the search path; afterwards, in the same transaction, it is looked at what it changed
elsewhere, the schema is shut, and the entry written. One plugin's trouble leaves the others' alone (docs/adr/0039).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import sql

from pideai_host.api.errors import PluginFault
from pideai_host.db.ledger import LOCK_KEY, LOCK_LIMIT, Witness
from pideai_host.db.migrate import MigrationState, explained
from pideai_host.db.plugin_files import MigrationFile, PluginMigrations, listed, waiting
from pideai_host.db.sql import load, query
from pideai_host.telemetry import get_logger

_SHUT: Final = query(load("pideai_host.db", "sql/plugin_schema.sql"))
_STRAYS: Final = query(load("pideai_host.db", "sql/plugin_strays.sql"))
_APPLIED: Final = query("select name, checksum, applied_at from pideai_host.plugin_migrations where plugin = %s")
_IS_THERE: Final = query("select to_regclass('pideai_host.plugin_migrations') is not null")
_NOTE: Final = query("insert into pideai_host.plugin_migrations (plugin, name, checksum) values (%s, %s, %s)")
_FORGET: Final = query("delete from pideai_host.plugin_migrations where plugin = %s and name = %s")
_BLAME: Final = query(
    "insert into pideai_host.plugin_migration_faults (plugin, error) values (%s, %s)"
    " on conflict (plugin) do update set error = excluded.error, at = now()"
)
_ABSOLVE: Final = query("delete from pideai_host.plugin_migration_faults where plugin = %s")
_log: Final = get_logger(__name__)


class PluginLedger:
    """The ledger, on the owner's connection, in autocommit mode.

    Args:
        connection: Closed by the caller.
        witness: Told of each migration, in its transaction.
    """

    def __init__(self, connection: psycopg.Connection[Any], witness: Witness | None = None) -> None:
        self._connection = connection
        self._witness = witness

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Wait for others that migrate, at most a minute."""
        with explained("the ledger of migrations"), self._connection.transaction():
            self._connection.execute(query(f"set local lock_timeout = '{LOCK_LIMIT}'"))
            self._connection.execute("select pg_advisory_lock(%s)", [LOCK_KEY])
        try:
            yield
        finally:
            self._connection.execute("select pg_advisory_unlock(%s)", [LOCK_KEY])

    def states(self, wanted: PluginMigrations) -> list[MigrationState]:
        """List a plugin's migrations in their order, and when each was applied; changes nothing."""
        applied = {name: at for name, _, at in self._applied(wanted.slug)}
        return [MigrationState(one.name, applied.get(one.name)) for one in wanted.files]

    def apply(self, wanted: PluginMigrations) -> list[str]:
        """Apply what is not applied yet, and shut the schema; the fault, if there is one, is remembered.

        Returns:
            The names applied now.

        Raises:
            PluginFault: a file was refused; those before it stay applied.
        """
        done: list[str] = []
        try:
            for one in waiting(wanted, self._checksums(wanted.slug)):
                self._apply_one(wanted, one)
                done.append(one.name)
                _log.info("plugin_migration_applied", plugin=wanted.slug, migration=one.name)
            self._shut(wanted)
        except PluginFault as fault:
            self._connection.execute(_BLAME, [wanted.slug, fault.message])
            _log.error("plugin_migration_failed", plugin=wanted.slug, error=fault.message, applied=done)
            raise
        self._connection.execute(_ABSOLVE, [wanted.slug])
        return done

    def roll_back(self, wanted: PluginMigrations, count: int) -> list[str]:
        """Take back the newest `count` applied migrations, newest first; with the last one goes the schema.

        Returns:
            The names taken back.

        Raises:
            PluginFault: one cannot be taken back; those before it are.
        """
        applied = self._checksums(wanted.slug)
        waiting(wanted, applied)
        newest = [one for one in reversed(wanted.files) if one.name in applied][:count]
        for one in newest:
            with self._explained(wanted.slug, f"rolling back {one.name}"), self._connection.transaction():
                self._run(wanted, one.down)
                self._connection.execute(_FORGET, [wanted.slug, one.name])
                self._tell(wanted, one, is_undone=True)
            _log.info("plugin_migration_rolled_back", plugin=wanted.slug, migration=one.name)
        if newest and len(newest) == len(applied):
            with self._explained(wanted.slug, f"dropping schema {wanted.schema}"), self._connection.transaction():
                self._connection.execute(sql.SQL("drop schema if exists {}").format(sql.Identifier(wanted.schema)))
                self._connection.execute(_ABSOLVE, [wanted.slug])
        return [one.name for one in newest]

    def _apply_one(self, wanted: PluginMigrations, one: MigrationFile) -> None:
        with self._explained(wanted.slug, f"migration {one.name}"), self._connection.transaction():
            self._connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(wanted.schema)))
            self._run(wanted, one.up)
            strays = [what for (what,) in self._connection.execute(_STRAYS, {"schema": wanted.schema}).fetchall()]
            if strays:
                raise PluginFault(
                    f"{wanted.slug}: migration {one.name} reaches outside of schema {wanted.schema}: {listed(strays)}",
                    slug=wanted.slug,
                    hint="A plugin's migrations change nothing but its own schema.",
                )
            self._connection.execute(_SHUT.format(schema=sql.Literal(wanted.schema)))
            self._connection.execute(_NOTE, [wanted.slug, one.name, one.checksum])
            self._tell(wanted, one, is_undone=False)

    def _tell(self, wanted: PluginMigrations, one: MigrationFile, *, is_undone: bool) -> None:
        if self._witness is not None:
            self._witness(self._connection, one.name, plugin=wanted.slug, is_undone=is_undone)

    def _run(self, wanted: PluginMigrations, text: str) -> None:
        """Run a file with its schema alone on the search path, in the transaction that is open and no other."""
        self._connection.execute("select set_config('search_path', quote_ident(%s), true)", [wanted.schema])
        (before,) = self._number()
        self._connection.execute(text.encode())
        (after,) = self._number()
        if before != after:
            raise PluginFault(
                f"{wanted.slug}: a migration ends the transaction that it runs in",
                slug=wanted.slug,
                hint="Leave begin, commit and rollback out of it.",
            )
        self._connection.execute("reset role")

    def _number(self) -> tuple[Any, ...]:
        return self._connection.execute("select pg_current_xact_id()").fetchone() or ()

    def _shut(self, wanted: PluginMigrations) -> None:
        """Shut what was made in the schema by other means since."""
        with self._explained(wanted.slug, f"shutting schema {wanted.schema}"), self._connection.transaction():
            row = self._connection.execute("select to_regnamespace(quote_ident(%s))", [wanted.schema]).fetchone()
            if row is not None and row[0] is not None:
                self._connection.execute(_SHUT.format(schema=sql.Literal(wanted.schema)))

    def _applied(self, slug: str) -> Sequence[tuple[str, str, datetime]]:
        with explained("reading the ledger"):
            if self._connection.execute(_IS_THERE).fetchone() != (True,):
                return []
            return self._connection.execute(_APPLIED, [slug]).fetchall()

    def _checksums(self, slug: str) -> dict[str, str]:
        return {name: checksum for name, checksum, _ in self._applied(slug)}

    @contextmanager
    def _explained(self, slug: str, doing: str) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            said = error.diag.message_primary or str(error).partition("\n")[0]
            raise PluginFault(f"{slug}: {doing}: {said}", slug=slug, hint=error.diag.message_hint or "") from error
