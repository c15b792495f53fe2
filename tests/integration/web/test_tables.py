"""A process that starts says which migrations wait, as far as its role may know, and does not without what it needs."""

import pytest
from structlog.testing import capture_logs

from pideai_host.api import ConfigurationError
from pideai_host.plugins.registry import Registry
from pideai_host.settings import Settings
from pideai_host.web.engine import open_engine
from pideai_host.web.tables import require_tables, waiting_migrations


async def started(database):
    settings = Settings(database_url=database.runtime_url, embedded=False, master_keys=(("k1", b"k" * 32),))
    with capture_logs() as lines:
        async with open_engine(settings, Registry.of({}), with_worker=False):
            pass
    return [line for line in lines if line["event"] == "migrations_wait"]


async def test_what_waits_is_said_at_the_start(database, admin_conn):
    assert await started(database) == []
    await admin_conn.execute("delete from pideai_host.migrations where migration_id like '20261128040%'")

    [line] = await started(database)
    assert (line["waiting"], line["first"]) == (3, "20261128040000_first_orders")


async def test_a_ledger_that_is_not_there_or_shut_says_nothing(pool, admin_conn):
    await admin_conn.execute("delete from pideai_host.migrations")
    await admin_conn.execute("revoke select on pideai_host.migrations from pideai_host")
    shut = await waiting_migrations(pool)
    await admin_conn.execute("drop table pideai_host.migrations")

    assert (shut, await waiting_migrations(pool)) == ([], [])


async def test_what_the_newest_migration_made_is_required(pool, admin_conn):
    await require_tables(pool)
    await admin_conn.execute("drop function pideai_host.wait_in_main_lane")

    with pytest.raises(ConfigurationError, match=r"lacks pideai_host\.wait_in_main_lane"):
        await require_tables(pool)
