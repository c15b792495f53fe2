"""What every test may ask for. Only tests that ask for a database start one.

    pg            session   PgServer: a PostgreSQL of its own, and the template that every database is made from
    database      function  Database(name, admin_url, runtime_url): fresh, migrated, with the development base, pgmq
                            and the schemas of our two plugins, but no store (pideai_host.db.dev.create_demo_store
                            makes one); dropped afterwards
    bare_database function  the same, but empty: no base, no migrations, no pgmq
    admin_conn    function  psycopg.AsyncConnection of the owner (a superuser), autocommit
    runtime_conn  function  the same as role pideai_host: what the host itself may do, RLS applies
    pool          function  psycopg_pool.AsyncConnectionPool of role pideai_host, opened by pideai_host.db.pool
    collector     function  Collector: this process traces, and what it traces arrives there; ask for it first
    log_as_before function  puts the log back that a test set up within this process
    open_dir      function  an empty folder that every user of the machine may enter, as root's tmp_path is not

`PIDEAI_TEST_PG_BIN=DIR` runs them all on a throw-away cluster of the programs in DIR (such as
/usr/lib/postgresql/15/bin) instead of the embedded server's own. Roles belong to the whole cluster: a test that makes
one drops it. Async tests and fixtures need no mark.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg_pool import AsyncConnectionPool

from pideai_host.db.embedded import EmbeddedServer
from pideai_host.db.embedded.cluster import socket_url
from pideai_host.db.embedded.server import OWNER_ROLE, RUNTIME_ROLE, ensure_runtime_login

if TYPE_CHECKING:
    from tests.collector import Collector

OUR_PLUGINS = frozenset({"whatsapp", "webhook-bridge"})
"""Whose schemas every database of a test has."""
_TEMPLATE = "pideai_template"
_MEMORY = Path("/dev/shm")
"""A database has hundreds of files: in memory it is made in 30 ms, on a disk in up to a second."""
_ROOM_BYTES = 1 << 30
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class Database(NamedTuple):
    """A database of one test; drops with it."""

    name: str
    admin_url: str
    runtime_url: str


class PgServer(NamedTuple):
    """The server of the session."""

    socket_dir: str
    numbers: "count[int]"

    def url(self, database: str, user: str = OWNER_ROLE) -> str:
        return socket_url(self.socket_dir, user=user, database=database)

    def create(self, template: str) -> Database:
        name = f"t{next(self.numbers)}"
        self._execute(sql.SQL("create database {} template {}").format(*map(sql.Identifier, (name, template))))
        return Database(name, self.url(name), self.url(name, RUNTIME_ROLE))

    def drop(self, database: Database) -> None:
        self._execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(database.name)))

    def _execute(self, statement: sql.Composable) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


def _new_folder() -> Path:
    """Make a folder that every user of the machine may enter, in memory where there is room."""
    in_memory = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix="pideai-test-", dir=_MEMORY if in_memory else None))
    folder.chmod(0o711)
    return folder


@pytest.fixture(scope="session")
def pg() -> Iterator[PgServer]:
    chosen = os.environ.get("PIDEAI_TEST_PG_BIN")
    home = _new_folder()
    try:
        with EmbeddedServer(home / "data", bin_dir=Path(chosen) if chosen else None, options=_FAST) as server:
            with psycopg.connect(server.urls.admin) as connection:
                found = connection.info.host
            running = PgServer(found, count(1))
            _fill_template(running)
            yield running
    finally:
        shutil.rmtree(home)


def _fill_template(server: PgServer) -> None:
    from pideai_host.db.migrate import migrate
    from pideai_host.plugins.migrating import migrate_plugins
    from pideai_host.plugins.registry import load_registry

    server._execute(sql.SQL("create database {}").format(sql.Identifier(_TEMPLATE)))
    url = server.url(_TEMPLATE)
    asyncio.run(_apply(url))
    migrate(url, install_pgmq=True)
    ensure_runtime_login(url)
    done = migrate_plugins(url, load_registry(OUR_PLUGINS))
    assert [one.fault for one in done if one.fault is not None] == []


async def _apply(url: str) -> None:
    from pideai_host.db.dev import apply_dev_base

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await apply_dev_base(connection)


@pytest.fixture
def database(pg: PgServer) -> Iterator[Database]:
    made = pg.create(_TEMPLATE)
    yield made
    pg.drop(made)


@pytest.fixture
def bare_database(pg: PgServer) -> Iterator[Database]:
    made = pg.create("template0")
    yield made
    pg.drop(made)


@pytest.fixture
async def admin_conn(database: Database) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await psycopg.AsyncConnection.connect(database.admin_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def runtime_conn(database: Database) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await psycopg.AsyncConnection.connect(database.runtime_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[AsyncConnectionPool]:
    from pideai_host.db.pool import open_pool

    async with open_pool(database.runtime_url, min_size=2, max_size=8, name="tests") as opened:
        yield opened


@pytest.fixture
def open_dir() -> Iterator[Path]:
    folder = _new_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def log_as_before() -> Iterator[None]:
    from tests.log import log_put_back

    with log_put_back():
        yield


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Collector]":
    from tests.collector import Collector

    from pideai_host.telemetry import tracing

    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with Collector() as found:
        tracing.set_up(found.url)
        yield found
        tracing.shut_down()
