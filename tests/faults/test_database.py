"""The database goes away under load and comes back: host and worker go on by themselves, and nothing is lost."""

import asyncio

import psycopg

RECOVERY_S = 25.0


async def test_the_database_crashes_under_load_and_is_started_again(durable_rig, until):
    """pg_ctl stop -m immediate: nobody is told, nothing is written down. Leases of lost claims end after a minute."""
    rig = durable_rig
    serve, worker = await asyncio.gather(rig.serve(), rig.worker())
    bodies = await rig.place(150)
    posting = asyncio.create_task(rig.post(bodies))
    await until(lambda: _some(rig))
    cluster = rig.server._cluster()
    await asyncio.to_thread(cluster._stop, "immediate", 10)
    await asyncio.sleep(1.0)
    await asyncio.to_thread(cluster.start)
    rig.connection = await rig.stack.enter_async_context(
        await psycopg.AsyncConnection.connect(rig.server.urls.admin, autocommit=True)
    )
    await asyncio.wait_for(posting, RECOVERY_S)
    serve.host.require_alive()
    worker.host.require_alive()
    await until(lambda: _only_lost_claims_are_left(rig), limit_s=RECOVERY_S)
    await rig.end_leases()
    log = await rig.done(limit_s=RECOVERY_S)
    await rig.require_nothing_lost()

    assert {one.status for one in log} == {"delivered"}
    assert set(rig.receiver.seen) == {one.id for one in log}


async def _some(rig):
    return len(rig.receiver.seen) >= 10


async def _only_lost_claims_are_left(rig):
    """Tell whether all that is pending is under the lease of a claim whose answer nobody heard."""
    return await rig.rows(
        """select 1 from public.plugin_events_log d left join pgmq.q_pideai_webhook_bridge q on q.msg_id = d.msg_id
        having count(*) filter (
          where d.status = 'pending' and not coalesce(q.read_ct > 0 and q.vt > clock_timestamp(), false)) = 0"""
    )


async def test_all_connections_are_cut_again_and_again_under_load(rig, until):
    """No process dies and the server stays up: whatever is doubled had its answer cut off, and keeps its id."""
    serve, worker = await asyncio.gather(rig.serve(), rig.worker())
    async with rig.trade():
        for _ in range(4):
            await asyncio.sleep(0.4)
            await rig.rows("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'pideai_host'")
    await until(lambda: _only_lost_claims_are_left(rig), limit_s=RECOVERY_S)
    await rig.end_leases()
    log = await rig.done(limit_s=RECOVERY_S)
    await rig.require_nothing_lost()
    serve.host.require_alive()
    worker.host.require_alive()

    assert {one.status for one in log} == {"delivered"}
    assert set(rig.receiver.seen) == {one.id for one in log}


async def test_an_idle_host_and_worker_survive_a_cut(rig):
    """The first order after it is taken and delivered at once, not refused by one dead connection after another."""
    serve, _ = await asyncio.gather(rig.serve(), rig.worker())
    await rig.rows("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'pideai_host'")
    await rig.post(await rig.place(1))
    await rig.done(limit_s=10)
    await rig.require_nothing_lost()

    assert serve.log.count("intake_failed") == 0
