"""Parking and cancelling meet workers that settle and promote the same deliveries at the same moment."""

import asyncio

import pytest

from pideai_host.stores import deliveries as all_deliveries
from pideai_host.stores.installations import Installations
from pideai_host.stores.wire import InstallIn


@pytest.fixture
async def installed(lifecycle, store_id):
    return await lifecycle.install(store_id, "courier", InstallIn())


@pytest.fixture
async def installation(pool, installed):
    """The same as the lifecycle knows it."""
    return (await Installations(pool).load([installed.id]))[installed.id]


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
async def test_a_delivery_that_a_worker_settles_first_stays_settled(installation, deliveries, during, what, installed):
    queued = await deliveries.add(installed)
    settling = [
        "delete from pgmq.q_pideai_courier",
        "update public.plugin_events_log set status = 'delivered', msg_id = null",
    ]

    changed = await during(settling, lambda other: getattr(all_deliveries, what)(other, installation))

    assert changed == 0
    assert (await deliveries.read(queued))[0] == "delivered"


@pytest.mark.parametrize(("what", "status"), [("park", "pending"), ("cancel", "cancelled")])
async def test_a_delivery_that_is_promoted_meanwhile_leaves_no_message_behind(
    installation, deliveries, during, what, status, installed
):
    waiting = await deliveries.add(installed, parked="retry")
    promoting = [
        """update public.plugin_events_log
           set msg_id = (select pgmq.send('pideai_courier', '{}'::jsonb)), next_attempt_at = null, park_reason = null"""
    ]

    changed = await during(promoting, lambda other: getattr(all_deliveries, what)(other, installation))

    assert changed == 1
    assert (await deliveries.read(waiting))[:2] == (status, None)
    assert await deliveries.messages() == 0


@pytest.mark.parametrize("what", ["park", "cancel"])
async def test_what_a_worker_has_claimed_is_left_to_it(pool, installation, deliveries, what, installed):
    claimed = await deliveries.add(installed, in_flight=True)
    before = await deliveries.read(claimed)
    async with pool.connection() as connection:
        changed = await getattr(all_deliveries, what)(connection, installation)

    assert (changed, await deliveries.read(claimed), await deliveries.messages()) == (0, before, 1)


@pytest.mark.parametrize("what", ["park", "cancel"])
async def test_what_a_worker_is_just_claiming_is_left_to_it(installation, deliveries, during, what, installed):
    queued = await deliveries.add(installed)
    claiming = ["select pgmq.read('pideai_courier', 60, 10)"]

    changed = await during(claiming, lambda other: getattr(all_deliveries, what)(other, installation))

    assert (changed, (await deliveries.read(queued))[0], await deliveries.messages()) == (0, "pending", 1)


@pytest.mark.parametrize(("what", "status"), [("park", "pending"), ("cancel", "cancelled")])
async def test_what_has_lost_its_worker_is_taken_back(
    pool, installation, deliveries, admin_conn, what, status, installed
):
    claimed = await deliveries.add(installed, in_flight=True)
    await admin_conn.execute("update pgmq.q_pideai_courier set vt = now()")
    async with pool.connection() as connection:
        changed = await getattr(all_deliveries, what)(connection, installation)

    assert (changed, (await deliveries.read(claimed))[:2]) == (1, (status, None))


@pytest.mark.parametrize("what", ["park", "cancel"])
async def test_a_lane_that_is_missing_holds_nothing_up(pool, installation, deliveries, admin_conn, what, installed):
    await deliveries.add(installed, parked="retry")
    await admin_conn.execute("select pgmq.drop_queue('pideai_courier')")
    async with pool.connection() as connection:
        changed = await getattr(all_deliveries, what)(connection, installation)

    assert changed == 1


async def test_parking_and_resuming_again_change_nothing(pool, installation, deliveries, installed):
    await deliveries.add(installed)

    async with pool.connection() as connection:
        parked = [await all_deliveries.park(connection, installation) for _ in range(2)]
        resumed = [await all_deliveries.resume(connection, installation) for _ in range(2)]

    assert parked == [1, 0]
    assert resumed == [1, 0]
