"""The database goes away under load and comes back: host and worker go on by themselves, and nothing is lost.

Nobody of ours dies, so nothing comes twice either: outcomes wait for the database. What was claimed while the answer to
the claim was cut off comes when its lease ends, after a minute.
"""

import asyncio

import pytest

RECOVERY_S = 40.0


@pytest.mark.long(rounds=12, shortened=1)
@pytest.mark.timeout(900)
async def test_the_database_crashes_under_load_and_is_started_again(durable_rig, until, rounds):
    """pg_ctl stop -m immediate: nobody is told, nothing is written down."""
    rig = durable_rig
    serve, worker = await asyncio.gather(rig.serve(), rig.worker())
    for _ in range(rounds):
        seen = len(rig.receiver.seen)
        posting = asyncio.create_task(rig.shop.post(await rig.shop.place(150)))
        await until(lambda before=seen: _some_more(rig, before))
        await rig.crash_database(down_s=3.0)
        await asyncio.wait_for(posting, RECOVERY_S)
    await _all_is_delivered(rig, until)
    serve.require_alive()
    worker.require_alive()


async def test_all_connections_are_cut_again_and_again_under_load(rig, until):
    serve, worker = await asyncio.gather(rig.serve(), rig.worker())
    async with rig.shop.trade():
        for _ in range(4):
            await asyncio.sleep(0.4)
            await rig.cut_connections()
    await _all_is_delivered(rig, until)
    serve.require_alive()
    worker.require_alive()


async def test_an_idle_host_and_worker_survive_a_cut(rig):
    """The first order after it is taken and delivered at once, not refused by one dead connection after another."""
    await asyncio.gather(rig.serve(), rig.worker())
    await rig.cut_connections()
    await rig.shop.post(await rig.shop.place(1))
    await rig.log.done(limit_s=10)
    await rig.log.require_balance()

    assert rig.shop.refusals == []


async def _some_more(rig, before):
    return len(rig.receiver.seen) >= before + 10


async def _all_is_delivered(rig, until):
    await until(rig.log.only_lost_claims_are_left, limit_s=RECOVERY_S)
    await rig.log.end_leases()
    log = await rig.log.done(limit_s=RECOVERY_S)
    await rig.log.require_balance()

    assert {one.status for one in log} == {"delivered"}
    assert set(rig.receiver.seen.values()) == {1}
