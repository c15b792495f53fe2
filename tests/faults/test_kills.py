"""kill -9: whatever was accepted is delivered; a delivery comes twice only if a process died while it was under way."""

import asyncio
import random

import pytest
from aiohttp import web

SEED = 20261123
INTAKE = "-- Keep a batch of events%"
SETTLE = "-- Write the outcomes%"


@pytest.mark.long(rounds=15, shortened=2)
@pytest.mark.timeout(600)
async def test_the_worker_and_the_host_are_killed_again_and_again_under_load(rig, rounds):
    """Each round kills the worker and the host once, at random moments, while orders come in."""
    chance = random.Random(SEED)
    serve, worker = await asyncio.gather(rig.serve(), rig.worker())
    async with rig.shop.trade():
        for _ in range(rounds):
            await asyncio.sleep(chance.uniform(0.2, 0.8))
            await worker.kill()
            await rig.log.end_leases()
            await asyncio.sleep(chance.uniform(0.0, 0.2))
            await serve.kill()
            serve, worker = await asyncio.gather(rig.serve(), rig.worker())
    log = await rig.log.done()
    await rig.log.require_balance(died=True)

    assert {one.status for one in log} == {"delivered"}
    assert max(rig.receiver.seen.values()) <= 3


async def test_the_host_dies_before_its_commit(rig, until):
    """The database's client got no answer and sends it again: it is accepted once, by the next host."""
    [body] = await rig.shop.place(1)
    async with rig.pool.connection() as holder, holder.transaction():
        await holder.execute("lock table pideai_host.event_ids in share mode")
        serve = await rig.serve()
        posting = asyncio.create_task(rig.shop.post([body]))
        await until(lambda: rig.waits_for("Lock", INTAKE))
        await serve.kill()
        await rig.cut_connections()
    before = await rig.log.rows("select 1 from public.plugin_events")
    await asyncio.gather(rig.serve(), rig.worker())
    await posting
    [row] = await rig.log.done()
    await rig.log.require_balance()

    assert (before, row.status, row.attempts) == ([], "delivered", 1)


async def test_the_host_dies_after_its_commit(durable_rig, until):
    """Its answer is lost, so it is sent again and recognised. A worker that nobody told finds the message by itself."""
    rig = durable_rig
    [body] = await rig.shop.place(1)
    serve = await rig.serve()
    async with rig.commits_held():
        posting = asyncio.create_task(rig.shop.post([body]))
        await until(lambda: rig.waits_for("IPC", INTAKE))
        await serve.kill()
    await until(lambda: rig.log.rows("select 1 from public.plugin_events"))
    await rig.worker()
    [row] = await rig.log.done(limit_s=10)
    await rig.serve()
    await posting
    await rig.log.require_balance()

    assert (row.status, row.attempts) == ("delivered", 1)


async def test_the_host_dies_before_its_notice(rig):
    """The answer goes out before the coalesced NOTIFY does: a worker that nobody told finds the message by itself."""
    serve, worker = await asyncio.gather(rig.serve(), rig.worker())
    await rig.shop.post(await rig.shop.place(1))
    await serve.kill()
    await rig.log.done(limit_s=10)
    await rig.log.require_balance()
    worker.require_alive()


async def test_the_worker_dies_after_its_claim(rig, until):
    """Held up between claim and call: nothing has left, so nothing is doubled."""
    await rig.shop.bring(5)
    async with rig.pool.connection() as holder, holder.transaction():
        await holder.execute("lock table pideai_host.installation_secrets in access exclusive mode")
        worker = await rig.worker()
        await until(lambda: _are_claimed(rig, 5))
        await worker.kill()
    assert not rig.receiver.seen
    await rig.log.end_leases()
    await rig.worker()
    log = await rig.log.done()
    await rig.log.require_balance()

    assert [one.attempts for one in log] == [1] * 5


async def _are_claimed(rig, count):
    return await rig.log.rows(
        "select 1 from pgmq.q_pideai_webhook_bridge having count(*) filter (where read_ct = 1) = %s", count
    )


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
        await until(lambda: rig.waits_for("Lock", SETTLE))
        await worker.kill()
        await rig.cut_connections()
    await rig.log.end_leases()
    await rig.worker()
    [row] = await rig.log.done()
    await rig.log.require_balance(died=True)

    assert (row.status, row.attempts, rig.receiver.seen) == ("delivered", 1, {delivery: 2})


async def test_the_worker_dies_after_it_settled(durable_rig, until):
    """The outcome is committed, the worker never hears so: there is nothing left to do, and nothing is done."""
    rig = durable_rig
    [delivery] = await rig.shop.bring(1)
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_):
        arrived.set()
        await go_on.wait()
        return web.Response()

    rig.receiver.answer = slow
    worker = await rig.worker()
    await asyncio.wait_for(arrived.wait(), 30)
    async with rig.commits_held():
        go_on.set()
        await until(lambda: rig.waits_for("IPC", SETTLE))
        await worker.kill()
    await rig.worker()
    [row] = await rig.log.done()
    await rig.log.require_balance()

    assert (row.status, row.attempts, rig.receiver.seen) == ("delivered", 1, {delivery: 1})
