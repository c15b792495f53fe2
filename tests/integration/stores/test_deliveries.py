"""Parking and cancelling meet workers that settle and promote the same deliveries at the same moment."""

import asyncio

import pytest

from pideai_host.stores import deliveries as all_deliveries
from pideai_host.stores.wire import InstallIn


@pytest.fixture
async def installation(lifecycle, store_id):
    return await lifecycle.install(store_id, "courier", InstallIn())


@pytest.fixture
def during(pool, admin_conn):
    """Run something that waits for a transaction which another connection has open, and then commits."""

    async def _during(statements, meanwhile):
        async with pool.connection() as connection:
            async with connection.transaction():
                for statement in statements:
                    await connection.execute(statement)
                task = asyncio.create_task(_on_another(pool, meanwhile))
                await _until_blocked(admin_conn, connection.info.backend_pid)
            return await task

    return _during


async def _on_another(pool, meanwhile):
    async with pool.connection() as connection, connection.transaction():
        return await meanwhile(connection)


async def _until_blocked(admin_conn, by_pid):
    while True:
        found = await admin_conn.execute(
            "select count(*) from pg_stat_activity where %s = any (pg_blocking_pids(pid))", [by_pid]
        )
        if (await found.fetchone())[0]:
            return


@pytest.mark.parametrize("what", ["park", "cancel"])
async def test_a_delivery_that_a_worker_settles_first_stays_settled(installation, deliveries, during, what):
    queued = await deliveries.add(installation)
    settling = [
        "delete from pgmq.q_pideai_courier",
        "update public.plugin_events_log set status = 'delivered', msg_id = null",
    ]

    changed = await during(settling, lambda other: getattr(all_deliveries, what)(other, installation))

    assert changed == 0
    assert (await deliveries.read(queued))[0] == "delivered"


@pytest.mark.parametrize(("what", "status"), [("park", "pending"), ("cancel", "cancelled")])
async def test_a_delivery_that_is_promoted_meanwhile_leaves_no_message_behind(
    installation, deliveries, during, what, status
):
    waiting = await deliveries.add(installation, parked="retry")
    promoting = [
        """update public.plugin_events_log
           set msg_id = (select pgmq.send('pideai_courier', '{}'::jsonb)), next_attempt_at = null, park_reason = null"""
    ]

    changed = await during(promoting, lambda other: getattr(all_deliveries, what)(other, installation))

    assert changed == 1
    assert (await deliveries.read(waiting))[:2] == (status, None)
    assert await deliveries.messages() == 0


async def test_an_outcome_that_comes_after_parking_finds_its_message_gone(pool, installation, deliveries, runtime_conn):
    await deliveries.add(installation, in_flight=True)
    async with pool.connection() as connection:
        await all_deliveries.park(connection, installation)

    settled = await runtime_conn.execute("delete from pgmq.q_pideai_courier where msg_id = 1 and read_ct = 1")

    assert settled.rowcount == 0


async def test_parking_and_resuming_again_change_nothing(pool, installation, deliveries):
    await deliveries.add(installation)

    async with pool.connection() as connection:
        parked = [await all_deliveries.park(connection, installation) for _ in range(2)]
        resumed = [await all_deliveries.resume(connection, installation) for _ in range(2)]

    assert parked == [1, 0]
    assert resumed == [1, 0]
