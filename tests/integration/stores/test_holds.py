"""The end of a delivery settles what it holds: paid, given back or kept, once, whoever asks and however often."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from pideai_host.stores import holds as module
from pideai_host.stores.credits import DeliveryCredits
from pideai_host.stores.holds import Held, Holds

ENDINGS = [
    ("delivered", "charged", 1),
    ("sent", "charged", 1),
    ("failed", "refunded", 0),
    ("expired", "refunded", 0),
    ("cancelled", "refunded", 0),
    ("unknown", "kept", 1),
    ("pending", "reserved", 1),
]


@pytest.fixture(params=["whatsapp", "courier"])
def plugin(request) -> str:
    return request.param


@pytest.fixture
def holds(pool) -> Holds:
    return Holds(pool)


class Shelf:
    """The credits of some stores, with deliveries that reserve of them."""

    def __init__(self, pool, admin, store_id, plugin):
        self.pool, self.admin, self.store_id, self.plugin = pool, admin, store_id, plugin

    async def give(self, monthly, extra=0, store_id=None):
        store_id = store_id or self.store_id
        if self.plugin == "whatsapp":
            await self.admin.execute(
                """insert into public.whatsapp_credits (store_id, monthly_credits, extra_credits) values (%s, %s, %s)
                on conflict (store_id) do update
                set monthly_credits = excluded.monthly_credits, extra_credits = excluded.extra_credits""",
                [store_id, monthly, extra],
            )
        else:
            await self.admin.execute(
                """insert into pideai_host.credits (store_id, plugin, monthly_credits, extra_credits)
                values (%s, %s, %s, %s)""",
                [store_id, self.plugin, monthly, extra],
            )

    async def delivery(self, status, store_id=None, *, reserve=True):
        """Make a delivery that reserved a credit; it is in the log with a status, or not at all with None."""
        held = Held(store_id or self.store_id, uuid4())
        if status is not None:
            await self.admin.execute(
                """insert into public.plugin_events_log
                  (id, store_id, status, plugin_id, event_type, installation_id, event_id, event_created_at, lane)
                values (%s, %s, %s, %s, 'order.ready', %s, %s, now(), '')""",
                [held.delivery_id, held.store_id, status, uuid4(), uuid4(), uuid4()],
            )
        if reserve:
            await self.credits(held).reserve()
        return held

    async def become(self, held, status):
        await self.admin.execute(
            "update public.plugin_events_log set status = %s where id = %s", [status, held.delivery_id]
        )

    def credits(self, held):
        return DeliveryCredits(self.pool, held.store_id, self.plugin, held.delivery_id)

    async def age(self, seconds):
        await self.admin.execute(
            "update pideai_host.credit_holds set updated_at = updated_at - %s", [timedelta(seconds=seconds)]
        )

    async def states(self):
        cursor = await self.admin.execute("select state from pideai_host.credit_holds order by updated_at, state")
        return [row[0] for row in await cursor.fetchall()]

    async def used(self, store_id=None):
        """Return how many of the month's are spent."""
        table, column = (
            ("public.whatsapp_credits", "credits_used_this_month")
            if self.plugin == "whatsapp"
            else ("pideai_host.credits", "used_this_month")
        )
        cursor = await self.admin.execute(
            f"select {column} from {table} where store_id = %s", [store_id or self.store_id]
        )
        return (await cursor.fetchone())[0]

    async def ledger(self):
        cursor = await self.admin.execute(
            "select movement, amount, available from pideai_host.credit_ledger where store_id = %s order by id",
            [self.store_id],
        )
        return await cursor.fetchall()


@pytest.fixture
async def shelf(pool, admin_conn, store_id, plugin) -> Shelf:
    made = Shelf(pool, admin_conn, store_id, plugin)
    await made.give(monthly=10)
    return made


@pytest.mark.parametrize(("status", "state", "used"), ENDINGS)
async def test_an_ending_decides_what_becomes_of_the_credit(shelf, holds, status, state, used):
    held = await shelf.delivery(status)
    await holds.settle(shelf.plugin, [held])

    assert (await shelf.states(), await shelf.used()) == ([state], used)


@pytest.mark.parametrize(("status", "state", "used"), ENDINGS)
async def test_the_scheduler_finds_what_was_left_open(shelf, holds, status, state, used):
    await shelf.delivery(status)
    await shelf.age(module.REST_S + 1)

    assert await holds.settle_open() is False
    assert (await shelf.states(), await shelf.used()) == ([state], used)


async def test_the_partition_of_a_delivery_is_enough_to_find_it(shelf, holds, admin_conn):
    held = await shelf.delivery("failed")
    cursor = await admin_conn.execute("select created_at from public.plugin_events_log")
    [created_at] = await cursor.fetchone()
    await holds.settle(shelf.plugin, [held._replace(created_at=created_at)])

    assert await shelf.states() == ["refunded"]


async def test_settled_many_times_at_once_it_is_settled_once(shelf, pool):
    some = [await shelf.delivery(status) for status in ("failed", "delivered", "failed")]
    await asyncio.gather(*(Holds(pool).settle(shelf.plugin, some[::turn]) for turn in (1, -1, 1, -1)))

    assert await shelf.used() == 1
    assert sorted(kind for kind, *_ in await shelf.ledger()) == ["adjust", "charge", *["refund"] * 2, *["reserve"] * 3]


async def test_what_the_plugin_settled_itself_stays(shelf, holds):
    paid, returned = await shelf.delivery("failed"), await shelf.delivery("delivered")
    await shelf.credits(paid).charge()
    await shelf.credits(returned).refund()
    before = await shelf.ledger()
    await holds.settle(shelf.plugin, [paid, returned])

    assert (await shelf.ledger(), await shelf.used()) == (before, 1)


async def test_a_delivery_without_a_hold_is_nothing_to_do(shelf, holds):
    await holds.settle(shelf.plugin, [await shelf.delivery("failed", reserve=False)])

    assert await shelf.ledger() == []


async def test_what_a_plugin_says_after_the_end_changes_nothing(shelf, holds):
    held = await shelf.delivery("failed")
    await holds.settle(shelf.plugin, [held])
    await shelf.credits(held).charge()
    await shelf.credits(held).refund()

    assert (await shelf.states(), await shelf.used()) == (["refunded"], 0)


async def test_what_a_replay_reserves_is_its_own_though_the_first_end_is_settled_late(shelf, holds):
    held = await shelf.delivery("failed")
    await shelf.become(held, "pending")
    await holds.settle(shelf.plugin, [held])

    assert (await shelf.states(), await shelf.used()) == (["reserved"], 1)


async def test_a_kept_credit_is_used_by_a_replay_and_can_come_back(shelf, holds):
    held = await shelf.delivery("unknown")
    await holds.settle(shelf.plugin, [held])
    await shelf.become(held, "pending")
    await shelf.credits(held).reserve()
    again = (await shelf.states(), await shelf.used())
    await shelf.become(held, "failed")
    await holds.settle(shelf.plugin, [held])

    assert again == (["reserved"], 1)
    assert (await shelf.states(), await shelf.used()) == (["refunded"], 0)


async def test_a_delivery_that_the_log_has_lost_keeps_its_credit_after_a_day(shelf, holds):
    await shelf.delivery(None)
    await shelf.age(module.REST_S + 1)
    await holds.settle_open()
    young = await shelf.states()
    await shelf.age(24 * 3600)
    await holds.settle_open()

    assert (young, await shelf.states(), await shelf.used()) == (["reserved"], ["kept"], 1)


async def test_another_stores_delivery_of_the_same_id_ends_nothing_here(shelf, holds, admin_conn, other_store_id):
    held = await shelf.delivery("failed")
    await admin_conn.execute("update public.plugin_events_log set store_id = %s", [other_store_id])
    await holds.settle(shelf.plugin, [held])

    assert await shelf.states() == ["reserved"]


async def test_many_endings_of_several_stores_are_settled_together(shelf, holds, other_store_id):
    await shelf.give(monthly=1, extra=5, store_id=other_store_id)
    here = [await shelf.delivery(status) for status in ("failed", "delivered", "expired")]
    there = [await shelf.delivery(status, other_store_id) for status in ("delivered", "failed", "sent", "cancelled")]
    await holds.settle(shelf.plugin, [*here, *there])

    assert (await shelf.used(), await shelf.used(other_store_id)) == (1, 1)
    assert sorted(await shelf.states()) == ["charged"] * 3 + ["refunded"] * 4


async def test_a_store_that_is_gone_holds_up_nobody(shelf, holds, admin_conn, other_store_id):
    await shelf.give(monthly=1, store_id=other_store_id)
    gone, held = await shelf.delivery("failed", other_store_id), await shelf.delivery("failed")
    await admin_conn.execute("delete from public.stores where id = %s", [other_store_id])
    await holds.settle(shelf.plugin, [gone, held])

    assert (await shelf.states(), await shelf.used()) == (["reserved", "refunded"], 0)


async def test_what_was_reserved_a_moment_ago_is_left_to_its_delivery(shelf, holds):
    await shelf.delivery("failed")
    await holds.settle_open()

    assert await shelf.states() == ["reserved"]


async def test_the_scheduler_takes_bounded_pieces_and_comes_to_all(shelf, holds, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr(module, "PAGES_PER_RUN", 2)
    for status in ["pending"] * 4 + ["failed"] * 5:
        await shelf.delivery(status)
    await shelf.age(module.REST_S + 1)
    runs = 1
    while await holds.settle_open():
        runs += 1

    assert (await shelf.states(), runs) == (["reserved"] * 4 + ["refunded"] * 5, 3)


async def test_what_still_waits_is_asked_after_again(shelf, holds):
    held = await shelf.delivery("pending")
    await shelf.age(module.REST_S + 1)
    await holds.settle_open()
    await shelf.become(held, "cancelled")
    await holds.settle_open()

    assert await shelf.states() == ["refunded"]


async def test_a_balance_that_is_locked_for_long_holds_up_no_other_plugins(
    shelf, holds, database, admin_conn, store_id, monkeypatch
):
    monkeypatch.setattr(module, "_LIMIT_LOCKS", module.query("set local lock_timeout = '50ms'"))
    other = Shelf(shelf.pool, admin_conn, store_id, "zebra")
    await other.give(monthly=10)
    await shelf.delivery("failed")
    await other.delivery("failed")
    await shelf.age(module.REST_S + 1)
    table = "public.whatsapp_credits" if shelf.plugin == "whatsapp" else "pideai_host.credits"
    async with await psycopg.AsyncConnection.connect(database.admin_url) as locking:
        condition = "true" if shelf.plugin == "whatsapp" else "plugin = 'courier'"
        await locking.execute(f"select from {table} where {condition} for update")
        await holds.settle_open()
        meanwhile = await shelf.states()
    await holds.settle_open()

    assert (sorted(meanwhile), await shelf.states()) == (["refunded", "reserved"], ["refunded"] * 2)
