"""A hook may take longer than a lease: its worker renews it while it lives, and nobody renews it for a dead one."""

import asyncio

from aiohttp import web

LEASE_S = 3
VT = "select vt from pgmq.q_pideai_webhook_bridge"


async def test_a_call_longer_than_its_lease_is_made_once_and_again_within_a_lease_after_its_worker_died(rig, until):
    """Another worker stands by all the time, and takes what is free."""
    go_on = asyncio.Event()

    async def hold(_):
        await go_on.wait()
        return web.Response()

    rig.receiver.answer = hold
    lease = {"RIG_LEASE_S": str(LEASE_S)}
    worker = await rig.worker(**lease)
    [delivery] = await rig.shop.bring(1)
    await until(lambda: _has_come(rig, delivery, 1))
    await rig.worker(**lease)
    [[first]] = await rig.log.rows(VT)
    await until(lambda: rig.log.rows(f"{VT} where vt > %s + interval '{LEASE_S} s'", first))  # the first is over by now
    calls_while_it_lived = rig.receiver.seen[delivery]
    await worker.kill()
    await until(lambda: _has_come(rig, delivery, 2), limit_s=10 * LEASE_S)  # on a busy machine
    go_on.set()
    [row] = await rig.log.done()
    await rig.log.require_balance(died=True)

    assert calls_while_it_lived == 1
    assert (row.status, row.attempts, rig.receiver.seen) == ("delivered", 1, {delivery: 2})


async def _has_come(rig, delivery, times):
    return rig.receiver.seen[delivery] == times
