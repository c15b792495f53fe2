"""Many orders at once through the whole host: each customer gets each notice once, in its order, for one credit.

Real processes on both sides of a real database, Evolution's stand-in behind HTTP: a proxy before it fails now and then,
it storms while it connects, and it reports each message's progress twice and in no order, READ before SERVER_ACK.
"""

import asyncio

import pytest

from rig.linked import WORDS, LinkedStore
from whatsapp_fakes.evolution import FakeEvolution

KINDS = list(WORDS)
LIMIT_S = 500.0


@pytest.fixture
async def evolution():
    async with FakeEvolution() as fake:
        fake.habits.receipts = ("SERVER_ACK", "DELIVERY_ACK", "READ")
        fake.habits.echoes_sends = True
        fake.habits.sets_back = True
        fake.habits.stumbles_every = 20
        fake.poster.copies = 2
        yield fake


@pytest.fixture
async def store(rig, evolution):
    return LinkedStore(rig, evolution)


async def done(rig, store, evolution):
    log = await rig.log.done("whatsapp", limit_s=LIMIT_S)
    await evolution.poster.settled()
    return log


async def credits_used(store):
    [[used]] = await store.rows(
        "select credits_used_this_month - extra_credits from public.whatsapp_credits where store_id = %s"
    )
    return used


async def charged(store):
    [[charges]] = await store.rows(
        "select count(*) from pideai_host.credit_ledger where movement = 'charge' and store_id = %s"
    )
    return charges


@pytest.mark.long(rounds=1_000, shortened=50)
@pytest.mark.timeout(600)
async def test_all_orders_at_once(rig, store, evolution, rounds):
    await store.open(monthly_credits=4 * rounds + 1)
    processes = await asyncio.gather(rig.serve(**store.environ), rig.worker(**store.environ))
    await store.link()
    await store.sell(rounds)
    log = await done(rig, store, evolution)
    for process in processes:
        process.require_alive()
    told = await store.told()
    rows = await store.rows(
        """select message_type, status, count(*)::int, count(distinct customer_phone)::int
        from public.whatsapp_messages where store_id = %s group by 1, 2 order by 1"""
    )

    assert {number: kinds for number, kinds in told.items() if kinds != KINDS} == {}
    assert len(told) == rounds
    assert {one.status for one in log} == {"delivered"}
    assert rows == [(kind, "read", rounds, rounds) for kind in sorted(KINDS)]
    assert (await credits_used(store), await charged(store)) == (4 * rounds, 4 * rounds)


@pytest.mark.timeout(300)
async def test_credits_that_run_out_among_them_are_spent_to_the_last_and_no_further(rig, store, evolution):
    await store.open(monthly_credits=25)
    await asyncio.gather(rig.serve(**store.environ), rig.worker(**store.environ), rig.worker(**store.environ))
    await store.link()
    await store.sell(15)
    log = await done(rig, store, evolution)
    told = await store.told()
    [[notices]] = await store.rows("select count(*) from pideai_host.notices where store_id = %s")
    refused = [one for one in log if one.status == "failed"]

    assert (len(evolution.sent), await credits_used(store), await charged(store)) == (25, 25, 25)
    assert len(refused) == 4 * 15 - 25
    assert all("créditos" in one.error for one in refused)
    assert all(sorted(kinds, key=KINDS.index) == kinds for kinds in told.values())
    assert notices == 1
