"""A worker that is asked to stop finishes what it began, and leaves the rest to others: nothing is lost or doubled."""

import asyncio

from aiohttp import web


async def test_a_stop_during_a_slow_delivery_finishes_it(rig):
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_):
        arrived.set()
        await go_on.wait()
        return web.Response()

    rig.receiver.answer = slow
    [delivery] = await rig.shop.bring(1)
    worker = await rig.worker()
    await asyncio.wait_for(arrived.wait(), 30)
    worker.terminate()
    await asyncio.sleep(0.3)
    go_on.set()
    code = await worker.ended()
    [row] = await rig.log.deliveries()

    assert (code, row.status, rig.receiver.seen) == (0, "delivered", {delivery: 1})


async def test_host_and_workers_are_restarted_in_turn_under_load(rig):
    """Orders come in while each of two workers and the host is replaced: every delivery once, no lease has to end."""
    serve, *workers = await asyncio.gather(rig.serve(), rig.worker(), rig.worker())
    codes = []
    async with rig.shop.trade():
        for worker in workers:
            worker.terminate()
            codes.append(await worker.ended())
            await rig.worker()
        serve.terminate()
        codes.append(await serve.ended())
        await rig.serve()
    log = await rig.log.done()
    await rig.log.require_balance()

    assert codes == [0, 0, 0]
    assert {one.status for one in log} == {"delivered"}
    assert set(rig.receiver.seen.values()) == {1}
