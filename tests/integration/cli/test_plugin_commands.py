"""What a plugin's command does with the host: as the owner, through the host's own lifecycle, and on record."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from pideai_host.db.dev import create_demo_store
from pideai_host.plugins.registry import load_registry
from pideai_host.stores.catalogue import sync_catalogue

DIST = str(Path(__file__).parents[2] / "dists" / "commands")


@pytest.fixture
def store_id(database, monkeypatch) -> UUID:
    """A store, with the plugin in the catalogue."""
    monkeypatch.syspath_prepend(DIST)

    async def make():
        async with await psycopg.AsyncConnection.connect(database.admin_url, autocommit=True) as connection:
            await sync_catalogue(connection, load_registry(paths=[DIST]).definitions.values())
            return await create_demo_store(connection, owner_id=uuid4(), subdomain="esquina", name="La Esquina")

    return asyncio.run(make())


@pytest.fixture
def call(database):
    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "pideai_host", "commands", *map(str, arguments)],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": DIST,
                "DATABASE_URL": database.runtime_url,
                "ADMIN_DATABASE_URL": database.admin_url,
                "PIDEAI_MASTER_KEYS": "k1:" + "a2" * 21 + "a=",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def rows(database):
    def ask(statement):
        with psycopg.connect(database.admin_url, autocommit=True) as connection:
            return connection.execute(statement).fetchall()

    return ask


def test_it_installs_enables_and_disables_as_an_owner_would(call, store_id, rows):
    done = call("switch", store_id)

    assert (done.returncode, done.stdout) == (0, "(False, True, True, True, False)\n"), done.stderr
    assert rows("select enabled, state from public.store_plugins") == [(False, "disabled")]


def test_what_it_changes_is_in_the_audit_trail_as_the_operators(call, store_id, rows):
    call("switch", store_id)

    assert rows("select store_id, actor, action from pideai_host.audit where plugin is not null order by id") == [
        (store_id, "operator", "plugin.installed"),
        (store_id, "operator", "plugin.enabled"),
        (store_id, "operator", "plugin.disabled"),
    ]


def test_what_it_emits_for_a_store_is_written(call, store_id, rows):
    call("switch", store_id)

    assert rows("select store_id, type, source from public.plugin_events") == [(store_id, "commands.switched", "emit")]


def test_a_plugin_that_refuses_is_one_line(call, store_id):
    done = call("switch", store_id, "--refuse")

    assert done.returncode == 1
    assert "error: the configuration has faults: /refuse it was told to" in done.stderr.splitlines()


def test_a_store_that_is_not_there_is_one_line(call, store_id):
    done = call("switch", UUID(int=1))

    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, f"error: no store {UUID(int=1)}")


def test_a_transaction_is_the_owners_and_is_kept(call, store_id, rows):
    done = call("rename", "Renamed")

    assert (done.returncode, done.stdout) == (0, "(1, 'Renamed', 'postgres')\n"), done.stderr
    assert rows("select name from public.stores") == [("Renamed",)]


def test_a_transaction_that_raises_is_undone(call, store_id, rows):
    done = call("rename", "Renamed", "--undo")

    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "error: undone")
    assert rows("select name from public.stores") == [("La Esquina",)]


def test_a_database_that_does_not_answer_is_one_line_and_a_hint(call):
    done = call("rename", "x", DATABASE_URL="postgresql://me:hidden@127.0.0.1:1/d")

    assert done.returncode == 1
    assert "error: the database at 127.0.0.1:1, database d does not answer" in done.stderr.splitlines()
