"""The database goes away under load and comes back: host and worker go on by themselves, and nothing is lost."""

import asyncio

RECOVERY_S = 25.0


async def test_the_database_crashes_under_load_and_is_started_again(durable_rig, until):
    """pg_ctl stop -m immediate: nobody is told, nothing is written down. Leases of lost claims end after a minute."""
    rig = durable_rig
    serve, worker = await asyncio.gather(rig.serve(), rig.worker())
    bodies = await rig.shop.place(150)
    posting = asyncio.create_task(rig.shop.post(bodies))
    await until(lambda: _some(rig))
    await rig.crash_database(down_s=1.0)
    await asyncio.wait_for(posting, RECOVERY_S)
    serve.require_alive()
    worker.require_alive()
    await until(lambda: _only_lost_claims_are_left(rig), limit_s=RECOVERY_S)
    await rig.log.end_leases()
    log = await rig.log.done(limit_s=RECOVERY_S)
    await rig.log.require_balance()

    assert {one.status for one in log} == {"delivered"}
    assert set(rig.receiver.seen) == {one.id for one in log}


async def _some(rig):
    return len(rig.receiver.seen) >= 10


async def _only_lost_claims_are_left(rig):
    """Tell whether all that is pending is under the lease of a claim whose answer nobody heard."""
    return await rig.log.rows(
        """select 1 from public.plugin_events_log d left join pgmq.q_pideai_webhook_bridge q on q.msg_id = d.msg_id
        having count(*) filter (
          where d.status = 'pending' and not coalesce(q.read_ct > 0 and q.vt > clock_timestamp(), false)) = 0"""
    )


async def test_all_connections_are_cut_again_and_again_under_load(rig, until):
    """No process dies and the server stays up: whatever is doubled had its answer cut off, and keeps its id."""
    serve, worker = await asyncio.gather(rig.serve(), rig.worker())
    async with rig.shop.trade():
        for _ in range(4):
            await asyncio.sleep(0.4)
            await rig.cut_connections()
    await until(lambda: _only_lost_claims_are_left(rig), limit_s=RECOVERY_S)
    await rig.log.end_leases()
    log = await rig.log.done(limit_s=RECOVERY_S)
    await rig.log.require_balance()
    serve.require_alive()
    worker.require_alive()

    assert {one.status for one in log} == {"delivered"}
    assert set(rig.receiver.seen) == {one.id for one in log}


async def test_an_idle_host_and_worker_survive_a_cut(rig):
    """The first order after it is taken and delivered at once, not refused by one dead connection after another."""
    serve, _ = await asyncio.gather(rig.serve(), rig.worker())
    await rig.cut_connections()
    await rig.shop.post(await rig.shop.place(1))
    await rig.log.done(limit_s=10)
    await rig.log.require_balance()

    assert serve.log.count("intake_failed") == 0
