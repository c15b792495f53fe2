"""The instant at which the sides change: whatever writes to orders meanwhile, each change has exactly one side."""

import asyncio
from collections import Counter
from types import SimpleNamespace

import psycopg
import pytest
from pideai_whatsapp.cutover.rows import CutoverRows, CutoverState, Side
from pideai_whatsapp.cutover.switching import TriggersChanged, switch
from pideai_whatsapp.cutover.upkeep import look_after_cutover

from pideai_host.api import ConfigurationError, DatabaseUnavailable
from whatsapp_fakes.old_triggers import KIND_OF, PG_NET, OwnersDatabase, hammer, make_store, place

NAMES = [f"trigger_notify_order_{status}_whatsapp" for status in sorted(KIND_OF)]


@pytest.fixture
async def owner(database):
    async with await psycopg.AsyncConnection.connect(database.admin_url, autocommit=True) as connection:
        await connection.execute(PG_NET)
        yield OwnersDatabase(connection)


@pytest.fixture
def rows(owner):
    return CutoverRows(owner)


@pytest.fixture
async def store(owner):
    return await make_store(owner.connection, "la-una")


@pytest.fixture
async def other(owner):
    return await make_store(owner.connection, "la-otra")


async def no_sleep(_seconds):
    await asyncio.sleep(0)


async def over(rows, *stores):
    await rows.prepare(stores)
    await rows.note(stores, Side.TRIGGERS)
    await switch(rows, stores, Side.HOST, lambda scope: scope.without(stores))


async def back(rows, *stores):
    await rows.note(stores, Side.HOST)
    await switch(rows, stores, Side.TRIGGERS, lambda scope: scope.with_again(stores))


async def triggers(owner):
    return [
        (row["name"], row["definition"], row["fires"])
        for row in await owner.fetch("select * from pideai_whatsapp.order_triggers()")
    ]


async def calls(owner):
    return [tuple(row.values()) for row in await owner.fetch("select store_id, kind from net.calls order by id")]


async def set_status(owner, order, status):
    await owner.execute(
        "update public.orders set status = %(status)s where id = %(id)s", {"status": status, "id": order}
    )


async def test_the_triggers_fall_silent_for_the_store_and_for_no_other(owner, rows, store, other):
    orders = [await place(owner.connection, one) for one in (store, other)]
    await over(rows, store)
    for order in orders:
        for status in KIND_OF:
            await set_status(owner, order, status)

    assert await calls(owner) == [(other, kind) for kind in KIND_OF.values()]


async def test_going_back_leaves_the_triggers_exactly_as_they_were(owner, rows, store, other):
    before = await triggers(owner)
    await over(rows, store, other)
    between = await triggers(owner)
    await back(rows, other, store)
    kept = await owner.fetch("select 1 from pideai_whatsapp.cutover_triggers")

    assert (await triggers(owner), kept) == (before, [])
    assert [name for name, *_ in between] == NAMES
    assert between != before


async def test_no_other_trigger_is_touched(owner, rows, store):
    sql = """select tgname, oid, tgfoid, tgenabled, pg_get_triggerdef(oid) from pg_trigger
             where tgrelid = 'public.orders'::regclass and tgname <> all (%(six)s) order by 1"""
    before = await owner.fetch(sql, {"six": NAMES})
    await over(rows, store)

    assert await owner.fetch(sql, {"six": NAMES}) == before


async def test_the_old_functions_are_left_in_place(owner, rows, store):
    sql = """select oid, pg_get_functiondef(oid), proacl::text from pg_proc
             where pronamespace = 'public'::regnamespace and prokind = 'f' order by 1"""
    before = await owner.fetch(sql)
    await over(rows, store)
    between = await owner.fetch(sql)
    await back(rows, store)

    assert sum("FUNCTION public.notify_order_" in row["pg_get_functiondef"] for row in before) == len(NAMES)
    assert (between, await owner.fetch(sql)) == (before, before)


async def test_what_a_trigger_asked_before_is_asked_still_and_one_that_was_off_stays_off(owner, rows, store, other):
    await owner.execute(
        """create or replace trigger trigger_notify_order_ready_whatsapp after update of status on public.orders
           for each row when (new.customer_name <> 'Nadie') execute function public.notify_order_ready_whatsapp()"""
    )
    await owner.execute("alter table public.orders disable trigger trigger_notify_order_preparing_whatsapp")
    await owner.execute("alter table public.orders enable always trigger trigger_notify_order_cancelled_whatsapp")
    before = await triggers(owner)
    await over(rows, store)
    order = await place(owner.connection, other)
    for status in ("preparing", "ready", "cancelled"):
        await set_status(owner, order, status)
    await owner.execute("update public.orders set customer_name = 'Nadie'")
    await set_status(owner, order, "ready")
    fires = [fires for *_, fires in await triggers(owner)]
    await back(rows, store)

    assert [kind for _, kind in await calls(owner)] == ["order_ready", "order_cancelled"]
    assert fires == [fires for *_, fires in before]
    assert await triggers(owner) == before


async def test_a_store_that_is_yet_to_come_is_the_hosts_once_all_are_cut_over(owner, rows, store, other):
    await rows.prepare([store])
    await switch(rows, [store], Side.HOST, lambda _: type(_)(is_over=True, listed=frozenset([other])))
    new = await make_store(owner.connection, "la-nueva")
    for one in (store, other, new):
        await set_status(owner, await place(owner.connection, one), "ready")
    pending = [
        (await owner.fetch_one("select pideai_whatsapp.is_cutover_pending(%(s)s) as p", {"s": one}))["p"]
        for one in (store, other, new)
    ]

    assert await calls(owner) == [(other, "order_ready")]
    assert pending == [False, True, False]


async def test_a_store_is_pending_only_while_the_triggers_would_send_for_it(owner, rows, store):
    async def is_pending():
        return (await owner.fetch_one("select pideai_whatsapp.is_cutover_pending(%(s)s) as p", {"s": store}))["p"]

    said = [await is_pending()]
    for sql in (
        "alter table public.orders disable trigger user",
        "alter table public.orders enable trigger user",
        "alter function net.http_post rename to http_pist",
        "alter function net.http_pist rename to http_post",
    ):
        await owner.execute(sql)
        said.append(await is_pending())
    await over(rows, store)
    said.append(await is_pending())
    await back(rows, store)
    await rows.move([store], CutoverState.DRAINING, CutoverState.ROLLED_BACK)
    said.append(await is_pending())

    assert said == [True, False, True, False, True, False, True]


async def test_the_database_and_the_code_say_the_same_of_who_is_spoken_for(owner, rows, store, other):
    said = []
    for step in (lambda: over(rows, store), lambda: back(rows, store), lambda: over(rows, other)):
        await step()
        standing = await rows.standing()
        for one in (store, other):
            row = await owner.fetch_one("select pideai_whatsapp.triggers_speak(%(s)s) as t", {"s": one})
            said.append((row["t"], standing.speak_for(one)))

    assert said == [(one, one) for one in (False, True, True, True, True, False)]


async def test_triggers_that_a_migration_put_back_are_taken_in_again(owner, rows, store):
    before = await triggers(owner)
    await over(rows, store)
    for _, definition, _ in before:
        await owner.execute(definition.replace("CREATE", "CREATE OR REPLACE", 1))
    standing = await rows.standing()
    row = await owner.fetch_one("select pideai_whatsapp.triggers_speak(%(s)s) as t", {"s": store})
    await switch(rows, [], Side.HOST, lambda scope: scope)
    await set_status(owner, await place(owner.connection, store), "ready")

    assert (standing.speak_for(store), row["t"], await calls(owner)) == (True, True, [])


async def test_the_operator_is_told_of_triggers_that_speak_again_and_old_changes_are_forgotten(owner, rows, store):
    job = SimpleNamespace(db=owner)
    await set_status(owner, await place(owner.connection, store), "ready")
    await over(rows, store)
    await look_after_cutover(job)
    await owner.execute("update pideai_whatsapp.cutover_changes set noted_at = now() - interval '16 days'")
    [*_, (name, _, _)] = await triggers(owner)
    await owner.execute(
        f"create or replace trigger {name} after update on public.orders"
        " for each row execute function public.notify_order_ready_whatsapp()"
    )
    with pytest.raises(ConfigurationError, match=name):
        await look_after_cutover(job)

    assert await owner.fetch("select 1 from pideai_whatsapp.cutover_changes") == []


async def test_a_trigger_that_is_neither_as_found_nor_as_left_stops_the_cutover(owner, rows, store, other):
    await over(rows, store)
    await owner.execute(
        """create or replace trigger trigger_notify_order_ready_whatsapp after update on public.orders
           for each row when (new.total_amount > 5) execute function public.notify_order_ready_whatsapp()"""
    )
    before = await triggers(owner)
    with pytest.raises(TriggersChanged):
        await over(rows, other)

    assert await triggers(owner) == before


async def test_a_busy_table_is_given_way_to_and_nothing_is_changed(owner, rows, store, database):
    order = await place(owner.connection, store)
    before = await triggers(owner)
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)

    async with await psycopg.AsyncConnection.connect(database.admin_url) as writer:
        await writer.execute("update public.orders set status = 'ready' where id = %s", [order])
        with pytest.raises(DatabaseUnavailable):
            await switch(
                rows, [store], Side.HOST, lambda scope: scope.without([store]), sleep=sleep, chance=lambda: 0.5
            )

    assert (await triggers(owner), set(pauses), (await rows.standing()).scope.is_whole) == (before, {0.5}, True)


async def test_a_table_that_is_free_again_in_time_is_switched(owner, rows, store, database):
    order = await place(owner.connection, store)
    pauses = []

    async with await psycopg.AsyncConnection.connect(database.admin_url) as writer:

        async def sleep(seconds):
            pauses.append(seconds)
            if len(pauses) == 2:
                await writer.commit()

        await writer.execute("update public.orders set status = 'ready' where id = %s", [order])
        await switch(rows, [store], Side.HOST, lambda scope: scope.without([store]), sleep=sleep)

    assert (len(pauses), (await rows.standing()).scope.speaks_for(store)) == (2, False)


async def test_an_old_transaction_that_writes_after_the_instant_is_the_hosts_and_one_before_is_the_triggers(
    owner, rows, store, database
):
    early, late = [await place(owner.connection, store) for _ in range(2)]
    async with await psycopg.AsyncConnection.connect(database.admin_url) as old:
        await old.execute("select now()")
        await set_status(owner, early, "ready")
        await over(rows, store)
        await old.execute("update public.orders set status = 'ready' where id = %s", [late])
        await old.commit()
    sides = await owner.fetch(
        """select id, pideai_whatsapp.side_of(store_id, id, status, updated_at) as side from public.orders"""
    )

    assert {row["id"]: row["side"] for row in sides} == {early: "triggers", late: "host"}
    assert await calls(owner) == [(store, "order_ready")]


async def test_orders_that_are_placed_before_the_instant_are_the_triggers(owner, rows, store):
    async def side(order):
        sql = "select pideai_whatsapp.side_of(%(s)s, %(o)s, 'created', 'epoch') as side"
        return (await owner.fetch_one(sql, {"s": store, "o": order}))["side"]

    early = await place(owner.connection, store)
    await over(rows, store)

    assert (await side(early), await side(await place(owner.connection, store))) == ("triggers", "host")


async def test_another_store_cannot_be_told_a_side(owner, rows, store, other):
    order = await place(owner.connection, store)
    await set_status(owner, order, "ready")
    await over(rows, store)
    row = await owner.fetch_one(
        "select pideai_whatsapp.side_of(%(s)s, id, status, updated_at) as side from public.orders where id = %(o)s",
        {"s": other, "o": order},
    )

    assert row["side"] == "host"


@pytest.mark.parametrize("seed", [1, 2])
async def test_under_load_each_change_is_announced_by_exactly_one_side(owner, rows, store, other, database, seed):
    """Forth and back several times, while orders of both stores change; then each change is counted once."""
    stop = asyncio.Event()
    people = [
        asyncio.create_task(hammer(database.admin_url, [store, other], seed=seed * 100 + one, stop=stop))
        for one in range(6)
    ]
    try:
        for turn in range(4):
            await asyncio.sleep(0.15)
            await over(rows, *([store] if turn % 2 else [store, other]))
            await asyncio.sleep(0.15)
            await back(rows, *([store] if turn % 2 else [other, store]))
        await over(rows, store)
        await asyncio.sleep(0.1)
    finally:
        stop.set()
        await asyncio.gather(*people)

    changes = await owner.fetch(
        """select h.order_id, h.to_status, h.changed_at,
                  pideai_whatsapp.side_of(h.store_id, h.order_id, h.to_status, h.changed_at) as side
           from public.order_status_history h where h.from_status is not null"""
    )
    posted = await owner.fetch("select order_id, kind, changed_at from net.calls")
    by_triggers = Counter((one["order_id"], one["kind"], one["changed_at"]) for one in posted)
    by_host = Counter(
        (one["order_id"], KIND_OF[one["to_status"]], one["changed_at"]) for one in changes if one["side"] == "host"
    )
    every = Counter((one["order_id"], KIND_OF[one["to_status"]], one["changed_at"]) for one in changes)

    assert by_triggers + by_host == every
    assert by_triggers
    assert by_host
