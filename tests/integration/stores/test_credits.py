"""A credit is taken once per delivery, comes back once, and never twice from one balance."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from pideai_host.api import CreditsExhausted, PluginFault, StoreUnknown
from pideai_host.stores.credits import DeliveryCredits
from pideai_host.stores.turns import Turns

SOURCES = ["whatsapp", "courier"]


@pytest.fixture(params=SOURCES)
def plugin(request) -> str:
    return request.param


@pytest.fixture
def give(admin_conn, store_id, plugin):
    """Set what the store has, in the plugin's source."""

    async def _give(monthly: int, extra: int = 0, used: int = 0, *, months_ago: int = 0) -> None:
        values = {
            "s": store_id,
            "p": plugin,
            "m": monthly,
            "e": extra,
            "u": used,
            "ago": timedelta(days=31 * months_ago),
        }
        if plugin == "whatsapp":
            await admin_conn.execute(
                """update public.whatsapp_credits set monthly_credits = %(m)s, extra_credits = %(e)s,
                   credits_used_this_month = %(u)s, last_reset_date = (now() - %(ago)s)::date where store_id = %(s)s""",
                values,
            )
            return
        await admin_conn.execute(
            """insert into pideai_host.credits values (%(s)s, %(p)s, %(m)s, %(e)s, %(u)s,
               date_trunc('month', now() - %(ago)s)::date)""",
            values,
        )

    return _give


@pytest.fixture
def left(runtime_conn, store_id, plugin):
    """Read (extra, used), as the runtime role."""

    async def _left() -> tuple[int, int]:
        if plugin == "whatsapp":
            text = "select extra_credits, credits_used_this_month from public.whatsapp_credits where store_id = %s"
            return await (await runtime_conn.execute(text, [store_id])).fetchone()
        text = "select extra_credits, used_this_month from pideai_host.credits where store_id = %s and plugin = %s"
        return await (await runtime_conn.execute(text, [store_id, plugin])).fetchone()

    return _left


@pytest.fixture
def movements(runtime_conn, store_id):
    async def _movements() -> list[tuple[str, str, int, int]]:
        text = """select movement, credit_type, amount, available from pideai_host.credit_ledger
                  where store_id = %s order by id"""
        return await (await runtime_conn.execute(text, [store_id])).fetchall()

    return _movements


@pytest.fixture
def of(pool, store_id, plugin):
    """The credits of a delivery, a new one by default."""

    def _of(delivery_id=None) -> DeliveryCredits:
        return DeliveryCredits(pool, store_id, plugin, delivery_id or uuid4())

    return _of


async def test_monthly_credits_go_first_then_extra_ones_then_none(of, give, left):
    await give(monthly=1, extra=1)

    assert await of().reserve() == "monthly"
    assert await of().reserve() == "extra"
    with pytest.raises(CreditsExhausted):
        await of().reserve()
    assert await left() == (0, 1)


async def test_a_stores_rush_at_its_balance_leaves_the_connections_to_others(pool, store_id, plugin, give, admin_conn):
    """More deliveries than the pool has connections wait for one row; whoever wants another one gets a connection."""
    await give(monthly=50)
    turns = Turns()
    table = "public.whatsapp_credits" if plugin == "whatsapp" else "pideai_host.credits"
    async with admin_conn.transaction():
        await admin_conn.execute(f"select from {table} where store_id = %s for update", [store_id])
        rush = [
            asyncio.create_task(DeliveryCredits(pool, store_id, plugin, uuid4(), turns=turns).reserve())
            for _ in range(3 * pool.max_size)
        ]
        for _ in range(pool.max_size):
            async with asyncio.timeout(10), pool.connection() as connection:
                await connection.execute("select 1")
        assert not any(one.done() for one in rush)

    assert await asyncio.gather(*rush) == ["monthly"] * 3 * pool.max_size


async def test_a_second_reserve_of_a_delivery_takes_nothing_more(of, give, left):
    await give(monthly=5)
    delivery = uuid4()

    assert [await of(delivery).reserve(), await of(delivery).reserve()] == ["monthly", "monthly"]
    assert await left() == (0, 1)


async def test_a_reserve_after_the_charge_takes_nothing_and_says_the_kind(of, give, left):
    await give(monthly=0, extra=2)
    own = of()
    await own.reserve()
    await own.charge()

    assert await own.reserve() == "extra"
    assert await left() == (1, 0)


@pytest.mark.parametrize(("monthly", "extra"), [(3, 0), (0, 3)], ids=["monthly", "extra"])
async def test_a_refund_gives_back_the_kind_that_was_taken_and_only_once(of, give, left, monthly, extra):
    await give(monthly=monthly, extra=extra)
    before = await left()
    own = of()
    await own.reserve()

    await own.refund()
    await own.refund()

    assert await left() == before


async def test_a_reserve_after_a_refund_takes_again(of, give, left):
    await give(monthly=3)
    own = of()
    await own.reserve()
    await own.refund()
    await own.reserve()

    assert await left() == (0, 1)


async def test_a_charged_credit_does_not_come_back(of, give, left):
    await give(monthly=3)
    own = of()
    await own.reserve()
    await own.charge()
    await own.refund()

    assert await left() == (0, 1)


async def test_refund_and_charge_without_a_reserve_do_nothing(of, give, left, movements):
    await give(monthly=3, used=2)

    await of().refund()
    await of().charge()

    assert await left() == (0, 2)
    assert await movements() == []


async def test_every_movement_is_in_the_ledger_once(of, give, movements):
    await give(monthly=1, extra=1)
    first, second = of(), of()
    await first.reserve()
    await second.reserve()
    await second.refund()
    await first.charge()
    await first.charge()

    assert await movements() == [
        ("adjust", None, 2, 2),
        ("reserve", "monthly", -1, 1),
        ("reserve", "extra", -1, 0),
        ("refund", "extra", 1, 1),
        ("charge", "monthly", 0, 1),
    ]


async def test_a_new_month_starts_unspent(of, give, left):
    await give(monthly=2, used=2, months_ago=1)

    assert await of().reserve() == "monthly"
    assert await left() == (0, 1)


async def test_a_month_that_ends_as_it_began_is_a_new_one_all_the_same(of, give, left):
    await give(monthly=1, used=1, months_ago=1)
    await of().reserve()

    with pytest.raises(CreditsExhausted):
        await of().reserve()
    assert await left() == (0, 1)


async def test_a_refund_of_last_months_credit_adds_nothing_to_an_unspent_month(of, give, left, admin_conn):
    await give(monthly=2)
    own = of()
    await own.reserve()
    await admin_conn.execute("update public.whatsapp_credits set last_reset_date = last_reset_date - 31")
    await admin_conn.execute("update pideai_host.credits set month = month - interval '1 month'")

    await own.refund()

    assert await left() == (0, 0)


async def test_a_surplus_of_used_credits_does_not_eat_extra_ones(of, give, left):
    await give(monthly=50, extra=1, used=60)

    assert await of().reserve() == "extra"
    with pytest.raises(CreditsExhausted):
        await of().reserve()
    assert await left() == (0, 60)


@pytest.mark.parametrize("available", [0, 1, 5])
async def test_of_many_at_once_exactly_as_many_succeed_as_there_are_credits(of, give, left, movements, available):
    await give(monthly=available // 2, extra=available - available // 2)

    taken = await asyncio.gather(*(of().reserve() for _ in range(12)), return_exceptions=True)

    assert len([one for one in taken if isinstance(one, str)]) == available
    assert len([one for one in taken if isinstance(one, CreditsExhausted)]) == 12 - available
    assert await left() == (0, available // 2)
    assert [kind for kind, *_ in await movements()].count("reserve") == available


async def test_the_same_delivery_many_times_at_once_takes_one(of, give, left):
    await give(monthly=5)
    delivery = uuid4()

    await asyncio.gather(*(of(delivery).reserve() for _ in range(8)))

    assert await left() == (0, 1)


async def test_a_delivery_of_another_store_has_no_hold_here(of, give, left, plugin, other_store_id):
    await give(monthly=1)
    delivery = uuid4()
    own = of(delivery)
    await own.reserve()

    await DeliveryCredits(own._pool, other_store_id, plugin, delivery).refund()

    assert await left() == (0, 1)


async def test_a_store_that_never_had_a_row_gets_the_sources_own(pool, admin_conn, store_id):
    await admin_conn.execute("delete from public.whatsapp_credits where store_id = %s", [store_id])

    assert await DeliveryCredits(pool, store_id, "whatsapp", uuid4()).reserve() == "monthly"
    with pytest.raises(CreditsExhausted):
        await DeliveryCredits(pool, store_id, "courier", uuid4()).reserve()


async def test_an_unknown_store_is_named(pool, plugin):
    with pytest.raises(StoreUnknown):
        await DeliveryCredits(pool, uuid4(), plugin, uuid4()).reserve()


async def test_outside_of_a_delivery_credits_are_the_plugins_fault(pool, store_id, plugin):
    with pytest.raises(PluginFault):
        await DeliveryCredits(pool, store_id, plugin, None).reserve()
