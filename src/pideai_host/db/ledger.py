"""How our migrations are applied and remembered: yoyo's ledger and order, with the rules that we need beside them.

A file is one step, sent whole: yoyo would cut it into statements, and cut PL/pgSQL bodies too. File and ledger entry
share one transaction, so a kill in between leaves neither. The lock is an advisory one that dies with its session:
yoyo's own is a row that outlives a killed host.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import psycopg
from psycopg import sql
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.migrations import Migration, MigrationList, StepCollector

from pideai_host.db.sql import query

MIGRATION_TABLE = "migrations"
LOCK_KEY = 0x70696465  # "pide"; one lock per database, whatever the schema
LOCK_LIMIT = "60s"
_OPEN = """
select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %s and c.relname = any (%s) and not c.relrowsecurity
"""


class Witness(Protocol):
    """Told of each migration that is applied or taken back, in its transaction."""

    def __call__(
        self, connection: psycopg.Connection[Any], migration: str, *, plugin: str | None, is_undone: bool
    ) -> None:
        """Take note of it."""


class FileMigration(Migration):  # type: ignore[misc] # yoyo has no types
    """`NAME.sql`, undone by `rollback/NAME.sql`; order is the order of names, so nothing depends on anything else."""

    def load(self) -> None:
        """Read both files; without the second one the migration cannot be rolled back."""
        if self.loaded:
            return
        path = Path(self.path)
        self.source = path.read_text(encoding="utf-8")
        undo = path.parent / "rollback" / path.name
        collector = StepCollector(migration=self)
        collector.add_step(_runner(self.source), _runner(undo.read_text(encoding="utf-8")))
        self._depends: set[Migration] = set()
        self.steps = collector.create_steps(use_transactions=True)


def read_folder(folder: Path) -> MigrationList:
    """List the migrations of a folder, sorted by name."""
    files = sorted(folder.glob("*.sql"))
    return MigrationList([FileMigration(path.stem, str(path), str(folder)) for path in files])


class Ledger(PostgresqlPsycopgBackend):  # type: ignore[misc] # yoyo has no types
    """yoyo's ledger in a schema of its own, on one connection that also runs the files.

    Args:
        connection: In autocommit mode; the caller closes it.
        schema: Where the ledger's tables lie; made with them.
        witness: Told of what is done.
    """

    log_table = "migrations_log"
    version_table = "migrations_version"
    _is_locked: bool

    def __init__(self, connection: psycopg.Connection[Any], schema: str, witness: Witness | None = None) -> None:
        self.schema = schema
        self._witness = witness
        self._given = connection
        super().__init__("", MIGRATION_TABLE)

    def connect(self, _dburi: str) -> psycopg.Connection[Any]:
        """Use the connection that was given; addresses are ours to read, not yoyo's."""
        return self._given

    def init_connection(self, connection: psycopg.Connection[Any]) -> None:
        """Look for the ledger's tables in its schema alone."""
        connection.execute("select set_config('search_path', quote_ident(%s), false)", [self.schema])

    def list_tables(self, **_kwargs: str) -> list[str]:
        """List the schema's tables; yoyo asks whether its own are there."""
        rows = self._given.execute("select tablename from pg_tables where schemaname = %s", [self.schema])
        return [row[0] for row in rows]

    @contextmanager
    def lock(self, timeout: float = 0) -> Iterator[None]:  # noqa: ARG002 - yoyo's signature
        """Wait for other hosts that migrate, at most a minute; make the schema once it is our turn."""
        if self._is_locked:
            yield
            return
        with self._given.transaction():
            self._given.execute(query(f"set local lock_timeout = '{LOCK_LIMIT}'"))
            self._given.execute("select pg_advisory_lock(%s)", [LOCK_KEY])
        self._is_locked = True
        try:
            self._given.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(self.schema)))
            yield
        finally:
            self._is_locked = False
            self._given.execute("select pg_advisory_unlock(%s)", [LOCK_KEY])

    def ensure_internal_schema_updated(self) -> None:
        """Make the ledger's tables, and close them to all but their owner, which yoyo does not."""
        super().ensure_internal_schema_updated()
        for (name,) in self._given.execute(query(_OPEN), [self.schema, list(self._tables)]).fetchall():
            table = sql.Identifier(self.schema, name)
            self._given.execute(sql.SQL("alter table {} enable row level security").format(table))

    def apply_one(self, migration: Migration, force: bool = False, mark: bool = True) -> None:  # noqa: FBT001, FBT002, ARG002 - yoyo's signature
        """Run a file and remember it, both or neither."""
        with self.transaction():
            migration.process_steps(self, "apply")
            self.init_connection(self._given)
            self.mark_one(migration, log=False)
            self.log_migration(migration, "apply")
            self._tell(migration, is_undone=False)

    def rollback_one(self, migration: Migration, force: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - yoyo's signature
        """Undo a file and forget it, both or neither."""
        with self.transaction():
            migration.process_steps(self, "rollback")
            self.init_connection(self._given)
            self.unmark_one(migration, log=False)
            self.log_migration(migration, "rollback")
            self._tell(migration, is_undone=True)

    def _tell(self, migration: Migration, *, is_undone: bool) -> None:
        if self._witness is not None:
            self._witness(self._given, str(migration.id), plugin=None, is_undone=is_undone)

    def remove(self) -> None:
        """Drop the ledger, and its schema if nothing else lies there: the last step of rolling back everything."""
        schema = sql.Identifier(self.schema)
        with self._given.transaction():
            for table in self._tables:
                self._given.execute(sql.SQL("drop table if exists {}.{}").format(schema, sql.Identifier(table)))
            if not self.list_tables():
                self._given.execute(sql.SQL("drop schema if exists {}").format(schema))

    @property
    def _tables(self) -> tuple[str, ...]:
        return (MIGRATION_TABLE, self.log_table, self.version_table)

    def get_log_data(self, migration: Migration | None = None, operation: str = "apply") -> dict[str, object]:
        """Describe an entry of the log; yoyo's own fails for users without a name and may wait for DNS."""
        return {
            "id": str(uuid4()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": str(os.geteuid()),
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }


def _runner(text: str) -> Any:
    def run(connection: psycopg.Connection[Any]) -> None:
        # files are written for the default search path, as in a supabase/migrations folder
        connection.execute("set local search_path to default")
        connection.execute(text.encode())

    return run
