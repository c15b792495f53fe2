"""One change of an installation at a time, across connections, and no lock stays behind."""

import asyncio
from uuid import uuid4

import pytest

from pideai_host.stores.lock import InstallationBusy, InstallationLocks

STORE = uuid4()


async def test_a_second_holder_waits_and_then_says_that_it_is_busy(pool):
    locks = InstallationLocks(pool, wait_s=0.05)

    async with locks.hold(STORE, "courier"):
        with pytest.raises(InstallationBusy):
            async with locks.hold(STORE, "courier"):
                pass


async def test_other_installations_are_not_held_up(pool):
    locks = InstallationLocks(pool, wait_s=0.05)

    async with locks.hold(STORE, "courier"), locks.hold(STORE, "another"), locks.hold(uuid4(), "courier"):
        pass


@pytest.mark.parametrize("end", [RuntimeError, asyncio.CancelledError])
async def test_the_lock_ends_with_its_block_however_that_ends(pool, runtime_conn, end):
    locks = InstallationLocks(pool)

    with pytest.raises(end):
        async with locks.hold(STORE, "courier"):
            raise end

    held = await runtime_conn.execute(
        "select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database"
        " where datname = current_database())"
    )
    assert await held.fetchone() == (0,)


async def test_a_holder_whose_connection_is_lost_leaves_no_lock(pool, runtime_conn, admin_conn):
    locks = InstallationLocks(pool, wait_s=5)

    with pytest.raises(Exception, match=r"terminat|closed|lost"):  # noqa: PT012 - the connection fails at the end
        async with locks.hold(STORE, "courier") as connection:
            await admin_conn.execute("select pg_terminate_backend(%s)", [connection.info.backend_pid])
            await connection.execute("select 1")

    async with locks.hold(STORE, "courier"):
        pass
