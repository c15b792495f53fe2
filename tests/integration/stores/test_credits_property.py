"""However much is reserved and given back at once, again, in vain or cut off: nothing is spent that is not there.

On a real server, many connections at once. The ledger tells every movement, its amounts add up to the balance, and each
delivery holds one credit or none.
"""

import asyncio
from collections import defaultdict
from contextvars import ContextVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pideai_host.api import CreditsExhausted
from pideai_host.stores.credit_rows import CreditRows
from pideai_host.stores.credits import DeliveryCredits

DELIVERIES = 6
TAKEN = {"reserved", "charged", "kept"}

CALL = st.tuples(
    st.integers(0, DELIVERIES - 1),
    st.sampled_from(["reserve", "charge", "refund"]),
    st.sampled_from(["well", "well", "rolled back", "cut off"]),
)
ROUNDS = st.lists(st.lists(CALL, min_size=1, max_size=8), max_size=6)
"""Calls of a round are made at once."""


class RolledBackError(Exception):
    """The transaction fails after everything was written."""


fails: ContextVar[bool] = ContextVar("fails", default=False)


@pytest.fixture(autouse=True)
def failing(monkeypatch):
    written = CreditRows.write

    async def write(self, books):
        await written(self, books)
        if fails.get():
            raise RolledBackError

    monkeypatch.setattr(CreditRows, "write", write)


@pytest.fixture(params=["whatsapp", "courier"])
def plugin(request) -> str:
    return request.param


class Till:
    """One store's credits for one plugin, and the calls on them."""

    def __init__(self, pool, admin, store_id, plugin):
        self.pool, self.admin, self.store_id, self.plugin = pool, admin, store_id, plugin

    async def begin(self, monthly, extra):
        values = {"s": self.store_id, "p": self.plugin, "m": monthly, "e": extra}
        await self.admin.execute("truncate pideai_host.credits, pideai_host.credit_ledger, pideai_host.credit_holds")
        if self.plugin == "whatsapp":
            await self.admin.execute(
                """update public.whatsapp_credits
                set monthly_credits = %(m)s, extra_credits = %(e)s, credits_used_this_month = 0
                where store_id = %(s)s""",
                values,
            )
        else:
            await self.admin.execute("insert into pideai_host.credits values (%(s)s, %(p)s, %(m)s, %(e)s)", values)

    async def call(self, delivery_id, name, fate="well"):
        own = DeliveryCredits(self.pool, self.store_id, self.plugin, delivery_id)
        if fate == "rolled back":
            fails.set(True)
        call = asyncio.create_task(getattr(own, name)())
        if fate == "cut off":
            for _ in range(delivery_id.int % 7):
                await asyncio.sleep(0)
            call.cancel()
        await asyncio.wait([call])
        return None if call.cancelled() or call.exception() is not None else call.result()

    async def balance(self):
        """Return (monthly, extra, used)."""
        of = (
            "monthly_credits, extra_credits, credits_used_this_month from public.whatsapp_credits where store_id = %s"
            if self.plugin == "whatsapp"
            else "monthly_credits, extra_credits, used_this_month from pideai_host.credits where store_id = %s"
        )
        return await (await self.admin.execute(f"select {of}", [self.store_id])).fetchone()

    async def check(self):
        monthly, extra, used = await self.balance()
        cursor = await self.admin.execute(
            "select delivery_id, movement, amount, available from pideai_host.credit_ledger order by id"
        )
        ledger = await cursor.fetchall()
        cursor = await self.admin.execute("select delivery_id, state from pideai_host.credit_holds")
        states = dict(await cursor.fetchall())
        sums, of_delivery = 0, defaultdict(list)
        for delivery_id, movement, amount, available in ledger:
            sums += amount
            of_delivery[delivery_id].append((movement, amount))
            assert sums == available >= 0
        of_delivery.pop(None, None)

        assert (0 <= used <= monthly, extra >= 0) == (True, True)
        assert not ledger or sums == monthly - used + extra
        assert of_delivery.keys() == states.keys()
        for delivery_id, moves in of_delivery.items():
            names = [name for name, _ in moves]
            assert sum(amount for _, amount in moves) == (-1 if states[delivery_id] in TAKEN else 0)
            assert names.count("charge") == (states[delivery_id] == "charged")
            assert names.count("reserve") - names.count("refund") == (states[delivery_id] in TAKEN)


@pytest.fixture
def till(pool, admin_conn, store_id, plugin) -> Till:
    return Till(pool, admin_conn, store_id, plugin)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(monthly=st.integers(0, 4), extra=st.integers(0, 3), rounds=ROUNDS)
async def test_credits_are_never_negative_and_the_ledger_adds_up_whatever_happens(till, monthly, extra, rounds):
    deliveries = [uuid4() for _ in range(DELIVERIES)]
    await till.begin(monthly, extra)
    for calls in rounds:
        await asyncio.gather(
            *(asyncio.create_task(till.call(deliveries[which], name, fate)) for which, name, fate in calls)
        )
        await till.check()


async def test_of_many_workers_with_many_deliveries_each_delivery_takes_one_credit(till):
    """Eight workers make the same sixty deliveries, each several times; there are credits for forty."""
    await till.begin(monthly=25, extra=15)
    deliveries = [uuid4() for _ in range(60)]

    async def work(turn):
        taken = 0
        for delivery_id in deliveries[turn * 7 :] + deliveries[: turn * 7]:
            own = DeliveryCredits(till.pool, till.store_id, till.plugin, delivery_id)
            try:
                await own.reserve()
                await own.charge()
                taken += 1
            except CreditsExhausted:
                continue
        return taken

    taken = await asyncio.gather(*(work(turn) for turn in range(8)))
    await till.check()

    assert await till.balance() == (25, 0, 25)
    assert max(taken) <= 40


async def test_what_the_shop_spends_by_itself_meanwhile_is_in_the_ledger_too(pool, admin_conn, store_id):
    till = Till(pool, admin_conn, store_id, "whatsapp")
    await till.begin(monthly=30, extra=0)

    async def shop_spends():
        for _ in range(10):
            await till.admin.execute("select public.use_whatsapp_credit(%s)", [till.store_id])

    await asyncio.gather(shop_spends(), *(till.call(uuid4(), "reserve") for _ in range(10)))
    await till.call(uuid4(), "reserve")  # notes what the shop spent last
    await till.check()

    assert (await till.balance())[2] == 21
