"""kill -9 between an outcome and what follows it aside: the next of an order and the credit come right all the same."""

import asyncio
from collections import Counter
from uuid import UUID

import pytest
from aiohttp import web

from pideai_host.stores.policy import PolicyOverride

CULPRIT = "culprit"
LEAVE = "select pideai_host.order_leave(%"
GRANTED = 10


async def test_the_worker_dies_between_an_outcome_and_the_next_of_its_order(rig, until):
    """The outcome is written; that the next may go was not said. The next leader finds it held up by nothing."""
    arrived, go_on = asyncio.Event(), asyncio.Event()
    heard: list[UUID] = []

    async def slow(request: web.Request) -> web.Response:
        heard.append(UUID(request.headers["webhook-id"]))
        arrived.set()
        await go_on.wait()
        return web.Response()

    rig.receiver.answer = slow
    store = await rig.shop.open_store("orderly", policy=PolicyOverride(ordered=True))
    placed = await rig.shop.place(1, store_id=store)
    first = await rig.shop.bring_in(placed)
    [(order,)] = await rig.log.rows("select id from public.orders where store_id = %s", store)
    later = await rig.shop.bring_in(await rig.shop.move(order, "ready"))
    worker = await rig.worker()
    await asyncio.wait_for(arrived.wait(), 30)
    async with rig.pool.connection() as holder, holder.transaction():
        await holder.execute("select 1 from pideai_host.ordered_entities for update")
        go_on.set()
        await until(lambda: rig.waits_for("Lock", LEAVE))
        await worker.kill()
        await rig.cut_connections()
    left = {one.id: one.status for one in await rig.log.deliveries()}
    await rig.worker()
    log = await rig.log.done()
    await rig.log.require_balance()

    assert left == dict.fromkeys(first, "delivered") | dict.fromkeys(later, "pending")
    assert heard == first + later
    assert {(one.status, one.attempts) for one in log} == {("delivered", 1)}
    assert await rig.log.rows("select 1 from pideai_host.ordered_deliveries") == []


@pytest.fixture
async def selling(rig):
    """The rig with a plugin that takes a credit for each order, in a store that has some."""
    await rig.shop.install("charges")
    await rig.log.rows(
        "insert into pideai_host.credits (store_id, plugin, monthly_credits) values (%s, 'charges', %s)",
        rig.shop.store_id,
        GRANTED,
    )
    await rig.shop.bring(3)
    await rig.shop.bring(2, customer=CULPRIT)
    return rig


async def states(rig):
    return Counter(row[0] for row in await rig.log.rows("select state from pideai_host.credit_holds"))


COME_RIGHT = [("delivered", ["reserve", "charge"])] * 3 + [("failed", ["reserve", "refund"])] * 2
"""What was delivered is paid for once, what failed is given back once, and nothing else was moved."""


async def moved_credits(rig, until):
    """What became of each delivery, with its credits' movements, and what the store has used, once all is settled."""

    async def are_settled():
        return await states(rig) == {"charged": 3, "refunded": 2}

    await until(are_settled)
    moved = await rig.log.rows(
        """select d.status, array_agg(l.movement order by l.id) from pideai_host.credit_ledger l
        join public.plugin_events_log d on d.id = l.delivery_id group by d.id, d.status"""
    )
    return sorted(moved), await rig.log.rows("select used_this_month from pideai_host.credits")


async def test_the_worker_dies_with_credits_reserved(selling, until, tmp_path):
    """The next call of the same delivery finds its credit reserved and takes no second one."""
    rig, gate = selling, tmp_path / "gate"
    worker = await rig.worker(FAULTS_GATE=str(gate))

    async def are_reserved():
        return await states(rig) == {"reserved": 5}

    await until(are_reserved)
    await worker.kill()
    await rig.log.end_leases()
    await rig.worker()
    await rig.log.done()
    await rig.log.require_balance(died=True)

    assert await moved_credits(rig, until) == (COME_RIGHT, [(3,)])


async def test_the_worker_dies_between_an_outcome_and_its_credit(selling, until, tmp_path):
    """The outcomes are written, their credits are still reserved: the scheduler asks after them a minute later."""
    rig, gate = selling, tmp_path / "gate"
    worker = await rig.worker(FAULTS_GATE=str(gate))

    async def are_reserved():
        return await states(rig) == {"reserved": 5}

    await until(are_reserved)
    async with rig.pool.connection() as holder, holder.transaction():
        await holder.execute("select 1 from pideai_host.credits for update")
        await asyncio.to_thread(gate.touch)
        await rig.log.done()
        await worker.kill()
        await rig.cut_connections()
    left = await states(rig)
    await rig.log.rows("update pideai_host.credit_holds set updated_at = updated_at - interval '2 minutes'")
    await rig.worker()
    moved = await moved_credits(rig, until)
    await rig.log.require_balance(died=True)

    assert left == {"reserved": 5}
    assert moved == (COME_RIGHT, [(3,)])
