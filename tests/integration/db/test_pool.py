"""The pool fails early and clearly, and lends connections as the host wants them."""

import socket

import psycopg
import pytest
from psycopg.errors import AdminShutdown
from psycopg_pool import AsyncConnectionPool

from pideai_host.api.errors import ConfigurationError, DatabaseUnavailable
from pideai_host.db import faults
from pideai_host.db.pool import open_pool


async def value(pool: AsyncConnectionPool, question: str) -> object:
    async with pool.connection() as connection:
        return (await (await connection.execute(question)).fetchone())[0]


async def test_connections_are_the_runtime_roles(pool: AsyncConnectionPool) -> None:
    assert await value(pool, "select current_user") == "pideai_host"


async def test_connections_speak_utc(database) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute(f"alter database {database.name} set timezone = 'America/Caracas'")

    async with open_pool(database.runtime_url) as opened:
        assert await value(opened, "select current_setting('timezone')") == "UTC"


async def test_connections_are_named(database) -> None:
    async with open_pool(database.runtime_url, name="a-worker") as opened:
        assert await value(opened, "select current_setting('application_name')") == "a-worker"


async def test_connections_commit_by_themselves(pool: AsyncConnectionPool) -> None:
    async with pool.connection() as connection:
        assert connection.autocommit


async def test_connection_that_the_server_ended_is_replaced(database, pool: AsyncConnectionPool) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'pideai_host' and datname = %s",
            [database.name],
        )

    assert await value(pool, "select 1") == 1


async def test_error_within_a_block_reaches_the_caller(pool: AsyncConnectionPool) -> None:
    with pytest.raises((AdminShutdown, psycopg.OperationalError)):
        await value(pool, "select pg_terminate_backend(pg_backend_pid())")

    assert await value(pool, "select 1") == 1


async def test_silent_server_is_told_within_seconds() -> None:
    """A port that takes connections and says nothing is the worst case: only a time limit helps."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]

        with pytest.raises(DatabaseUnavailable, match="does not answer in time"):
            await open_pool(f"postgresql://me@127.0.0.1:{port}/d?connect_timeout=2").__aenter__()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me:hidden@127.0.0.1:1/shop", "127.0.0.1:1, database shop does not answer"),
        ("postgresql://me:hidden@no.such.host.invalid/shop", "cannot be found by its host name"),
        ("postgresql://me@/shop?host=/nowhere", "/nowhere, database shop does not answer"),
    ],
    ids=["nobody listens", "no such host", "no such socket"],
)
async def test_unreachable_database_is_one_line(url: str, expected: str) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        await open_pool(url).__aenter__()

    assert expected in caught.value.message
    assert "hidden" not in caught.value.message


async def test_missing_database_is_named(pg) -> None:
    with pytest.raises(DatabaseUnavailable, match="database nowhere does not exist there"):
        await open_pool(pg.url("nowhere")).__aenter__()


async def test_missing_user_is_told(pg) -> None:
    with pytest.raises(DatabaseUnavailable, match="does not know the user"):
        await open_pool(pg.url("postgres", user="nobody_here")).__aenter__()


async def test_transaction_pooler_is_refused_before_connecting() -> None:
    with pytest.raises(ConfigurationError, match="transaction pooler"):
        await open_pool("postgresql://me@127.0.0.1:6543/d").__aenter__()


async def test_server_that_is_too_old_is_refused(database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "OLDEST_SERVER", 990000)

    with pytest.raises(DatabaseUnavailable, match="is PostgreSQL"):
        await open_pool(database.runtime_url).__aenter__()


async def test_server_with_too_few_connections_is_told(database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pideai_host.db.pool._OPEN_LIMIT_S", 0.5)
    # from another database: a session of this one may still be ending, and would count
    with psycopg.connect(database.admin_url, dbname="postgres", autocommit=True) as connection:
        connection.execute(f"alter database {database.name} connection limit 1")

    with pytest.raises(DatabaseUnavailable, match="fewer than 3 connections"):
        await open_pool(database.runtime_url, min_size=3, max_size=3).__aenter__()
