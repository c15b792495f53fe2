"""A real PostgreSQL for a plugin's tests: the host's tables, a shop like PideAI's, and the plugin's own schema."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import psycopg
from psycopg import sql

from pideai_host.db.dev import apply_dev_base, create_demo_store
from pideai_host.db.embedded import EmbeddedServer, ensure_runtime_login
from pideai_host.db.embedded.cluster import socket_url
from pideai_host.db.embedded.server import OWNER_ROLE, RUNTIME_ROLE
from pideai_host.db.migrate import migrate
from pideai_host.plugins.migrating import migrate_plugins
from pideai_host.plugins.registry import Registry

_TEMPLATE: Final = "pideai_plugin_template"
_FAST: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class PluginDatabase(msgspec.Struct, frozen=True):
    """A database of one test.

    Attributes:
        admin_url: The owner's.
        runtime_url: The host's own role's: what a plugin's `context.db` works as.
    """

    admin_url: str
    runtime_url: str

    def migrate(self, slug: str, plugin: object) -> list[str]:
        """Apply a plugin's migrations; return their names.

        Raises:
            PluginFault: one was refused.
        """
        [done] = migrate_plugins(self.admin_url, Registry.of({slug: plugin}))
        if done.fault is not None:
            raise done.fault
        return list(done.names)

    async def make_store(self, *, name: str = "La Esquina") -> UUID:
        """Make a store with a catalogue to sell from; return its id."""
        async with await psycopg.AsyncConnection.connect(self.admin_url, autocommit=True) as connection:
            return await create_demo_store(connection, owner_id=uuid4(), subdomain=f"s{uuid4().hex[:12]}", name=name)

    def rows(self, statement: str, params: dict[str, Any] | None = None) -> list[Any]:
        """Run one statement as the owner; return its rows."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), params)
            return [] if cursor.description is None else cursor.fetchall()


class PluginServer:
    """The server of a test run; databases are copies of one that is migrated."""

    def __init__(self, socket_dir: str) -> None:
        self._socket_dir = socket_dir
        self._numbers = count(1)

    @contextmanager
    def database(self) -> Iterator[PluginDatabase]:
        """Make a database for as long as the block runs."""
        name = f"plugin{next(self._numbers)}"
        self._run("create database {} template {}", name, _TEMPLATE)
        try:
            yield PluginDatabase(self._url(name, OWNER_ROLE), self._url(name, RUNTIME_ROLE))
        finally:
            self._run("drop database {} with (force)", name)

    def prepare(self) -> None:
        """Make the one that all are copies of."""
        self._run("create database {}", _TEMPLATE)
        url = self._url(_TEMPLATE, OWNER_ROLE)
        asyncio.run(_apply_base(url))
        migrate(url, install_pgmq=True)
        ensure_runtime_login(url)

    def _url(self, database: str, user: str) -> str:
        return socket_url(self._socket_dir, user=user, database=database)

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._url("postgres", OWNER_ROLE), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def plugin_server() -> Iterator[PluginServer]:
    """Run a PostgreSQL of its own, in a folder that goes with it."""
    home = Path(tempfile.mkdtemp(prefix="pideai-plugin-tests-"))
    home.chmod(0o711)  # as root the server runs as another user
    try:
        with EmbeddedServer(home / "data", options=_FAST) as server, psycopg.connect(server.urls.admin) as connection:
            running = PluginServer(connection.info.host)
            running.prepare()
            yield running
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _apply_base(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await apply_dev_base(connection)
