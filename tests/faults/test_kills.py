"""kill -9: whatever was accepted is delivered; a delivery comes twice only if a process died while it was under way."""

import asyncio
import random

SEED = 20261123


async def test_the_worker_and_the_host_are_killed_again_and_again_under_load(rig):
    """Two kills of the worker and two of the host at random moments, while orders come in."""
    chance = random.Random(SEED)
    serve, worker = await asyncio.gather(rig.serve(), rig.worker())
    async with rig.shop.trade():
        for _ in range(2):
            await asyncio.sleep(chance.uniform(0.2, 0.8))
            await worker.kill()
            await rig.log.end_leases()
            await asyncio.sleep(chance.uniform(0.0, 0.2))
            await serve.kill()
            serve, worker = await asyncio.gather(rig.serve(), rig.worker())
    log = await rig.log.done()
    await rig.log.require_balance(died=True)

    assert {one.status for one in log} == {"delivered"}
    assert set(rig.receiver.seen) == {one.id for one in log}
    assert max(rig.receiver.seen.values()) <= 3


async def test_the_host_dies_between_its_commit_and_its_notice(rig):
    """The answer goes out before the coalesced NOTIFY does: a worker that nobody told finds the message by itself."""
    serve, worker = await asyncio.gather(rig.serve(), rig.worker())
    await rig.shop.post(await rig.shop.place(1))
    await serve.kill()
    await rig.log.done(limit_s=10)
    await rig.log.require_balance(died=True)
    worker.require_alive()

    assert list(rig.receiver.seen.values()) == [1]


async def test_the_worker_dies_after_its_claim(rig, until):
    """Held up between claim and call: nothing has left, so nothing is doubled."""
    await rig.shop.bring(5)
    async with rig.pool.connection() as holder, holder.transaction():
        await holder.execute("lock table pideai_host.installation_secrets in access exclusive mode")
        worker = await rig.worker()
        await until(
            lambda: rig.log.rows(
                "select 1 from pgmq.q_pideai_webhook_bridge having count(*) filter (where read_ct = 1) = 5"
            )
        )
        await worker.kill()
    await rig.log.end_leases()
    await rig.worker()
    await rig.log.done()
    await rig.log.require_balance(died=True)

    assert sorted(rig.receiver.seen.values()) == [1] * 5


async def test_the_worker_dies_after_the_request_left(rig):
    """The receiver has it, the worker never hears so: it comes again under the same id."""
    arrived = asyncio.Event()

    async def keep_waiting(_):
        arrived.set()
        await asyncio.Event().wait()

    rig.receiver.answer = keep_waiting
    [delivery] = await rig.shop.bring(1)
    worker = await rig.worker()
    await asyncio.wait_for(arrived.wait(), 30)
    await worker.kill()
    rig.receiver.answer = None
    await rig.log.end_leases()
    await rig.worker()
    [row] = await rig.log.done()
    await rig.log.require_balance(died=True)

    assert (row.status, row.attempts, rig.receiver.seen) == ("delivered", 1, {delivery: 2})


async def test_the_worker_dies_before_it_settles(rig, until):
    """The receiver said yes, the outcome is not written: it comes again under the same id, and is delivered once."""
    [delivery] = await rig.shop.bring(1)
    async with rig.pool.connection() as holder, holder.transaction():
        await holder.execute("lock table public.plugin_events_log in share mode")
        worker = await rig.worker()
        await until(
            lambda: rig.log.rows(
                "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%read_ct integer, id%'"
            )
        )
        await worker.kill()
        await rig.cut_connections()
    await rig.log.end_leases()
    await rig.worker()
    [row] = await rig.log.done()
    await rig.log.require_balance(died=True)

    assert (row.status, row.attempts, rig.receiver.seen) == ("delivered", 1, {delivery: 2})
