"""Keeping events and fanning them out, on a real database as the runtime role."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from pideai_host.api import DatabaseUnavailable
from pideai_host.events.changes import ChangeReader
from pideai_host.events.identity import delivery_id, event_id
from pideai_host.events.rows import read_change


async def test_an_order_becomes_event_delivery_and_message_together(way, shop, installation):
    order_id, body = await shop.insert()
    ids = await way.door.receive(body)
    [row] = await way.rows(
        """select e.id, d.id, d.installation_id, d.msg_id, q.msg_id from public.plugin_events e
        join public.plugin_events_log d on d.event_id = e.id
        join pgmq.q_pideai_probe q on q.message ->> 'd' = d.id::text"""
    )

    expected = event_id("public.orders", str(order_id), "order.created")
    assert (ids, row[:3], row[3]) == (
        (expected,),
        (expected, delivery_id(expected, installation), installation),
        row[4],
    )


async def test_a_repeated_body_answers_the_same_ids_and_changes_nothing(way, shop):
    _, body = await shop.insert()
    first, second = await way.door.receive(body), await way.door.receive(body)
    counts = await way.rows(
        "select (select count(*) from public.plugin_events), (select count(*) from pgmq.q_pideai_probe)"
    )

    assert (first == second, counts) == (True, [(1, 1)])


async def test_fifty_twins_at_once_are_one_event(way, shop):
    _, body = await shop.insert()
    await asyncio.gather(*(way.door.receive(body) for _ in range(50)))

    assert await way.rows("select count(*) from public.plugin_events_log") == [(1,)]


async def test_a_lane_with_work_is_told(way, shop):
    _, body = await shop.insert()
    await way.door.receive(body)

    assert way.lanes == [{"pideai_probe"}]


async def test_an_event_that_nobody_subscribed_to_is_kept(way, shop):
    order_id, _body = await shop.insert()
    await way.door.receive(await shop.move(order_id, "confirmed"))
    rows = await way.rows(
        """select e.type, d.id is not null from public.plugin_events e
        left join public.plugin_events_log d on d.event_id = e.id order by e.type"""
    )

    assert rows == [("order.status_changed", False), ("order.updated", True)]


async def test_a_disabled_installation_gets_nothing(way, shop):
    await shop.connection.execute("update public.store_plugins set enabled = false")
    _, body = await shop.insert()
    await way.door.receive(body)

    assert await way.rows("select count(*) from public.plugin_events_log") == [(0,)]


async def test_an_installation_made_a_moment_ago_gets_its_delivery(way, shop, installation):
    await shop.connection.execute("delete from public.store_plugins")
    await way.door.receive((await shop.insert())[1])
    await shop.connection.execute(
        "insert into public.store_plugins (store_id, plugin_id) select %s, id from public.plugins", (shop.store_id,)
    )
    await way.door.receive((await shop.insert())[1])

    assert await way.rows("select count(*) from public.plugin_events_log") == [(1,)]


async def test_another_stores_order_is_not_delivered_here(way, shop, installation):
    from pideai_host.db.dev import create_demo_store

    other = await create_demo_store(shop.connection, owner_id=uuid4(), subdomain="otra-tienda", name="Otra")
    _, body = await shop.insert(store_id=other)
    await way.door.receive(body)

    assert await way.rows("select count(*) from public.plugin_events_log") == [(0,)]


async def test_a_first_order_registers_its_customer_once(way, shop):
    customer = uuid4()
    await shop.connection.execute(
        "insert into public.customers (id, name, email) values (%s, 'Ana', 'ana@example.com')", (customer,)
    )
    for _ in range(2):
        await way.door.receive((await shop.insert(customer_id=customer))[1])

    assert await way.rows("select count(*) from public.plugin_events where type = 'customer.registered'") == [(1,)]


async def test_a_customer_who_ordered_before_the_host_came_is_not_new(way, shop):
    customer = uuid4()
    await shop.connection.execute(
        """insert into public.customers (id, name, email, created_at)
        values (%s, 'Ana', 'ana@example.com', '2025-12-31T00:00:00Z')""",
        (customer,),
    )
    await shop.insert(customer_id=customer, created_at="2026-01-01T00:00:00Z")
    await way.door.receive((await shop.insert(customer_id=customer))[1])

    assert await way.rows("select count(*) from public.plugin_events where type = 'customer.registered'") == [(0,)]


async def new_customer(shop, *, created_at="2026-01-01T00:00:00Z"):
    customer = uuid4()
    await shop.connection.execute(
        "insert into public.customers (id, name, email, created_at) values (%s, 'Ana', %s, %s)",
        (customer, f"{customer}@example.com", created_at),
    )
    return customer


async def registered(way):
    return await way.rows(
        "select (payload ->> 'firstOrderId')::uuid from public.plugin_events where type = 'customer.registered'"
    )


async def test_a_customer_is_registered_by_the_first_order_though_the_second_comes_in_earlier(way, shop):
    customer = await new_customer(shop)
    first, first_body = await shop.insert(customer_id=customer)
    _, second_body = await shop.insert(customer_id=customer)
    await way.door.receive(second_body)
    before = await registered(way)
    await way.door.receive(first_body)
    await way.door.receive(second_body)

    assert (before, await registered(way)) == ([], [(first,)])


async def test_orders_of_one_customer_that_come_in_at_once_register_the_customer_by_the_first(way, shop):
    reader = ChangeReader(way.directory, now=lambda: datetime.now(UTC))

    async def keep(body):
        events = await reader.events_of(read_change(body), source="webhook")
        async with way.pool.connection() as connection:
            await way.intake.store(events, connection)

    firsts = set()
    for _ in range(6):
        customer = await new_customer(shop)
        orders = [await shop.insert(customer_id=customer) for _ in range(4)]
        firsts.add((orders[0][0],))
        await asyncio.gather(*(keep(body) for _, body in reversed(orders)))

    assert set(await registered(way)) == firsts


async def test_an_order_that_commits_late_does_not_register_its_customer_again(way, shop):
    customer = await new_customer(shop)
    second, body = await shop.insert(customer_id=customer)
    await way.door.receive(body)
    _, late = await shop.insert(customer_id=customer, created_at="2026-02-01T00:00:00Z")
    await way.door.receive(late)

    assert await registered(way) == [(second,)]


async def test_of_two_first_orders_of_one_instant_one_registers_though_a_later_order_comes_in_first(way, shop):
    customer = await new_customer(shop)
    at = datetime.now(UTC)
    twins = [(await shop.insert(customer_id=customer, created_at=at - timedelta(hours=1)))[1] for _ in range(2)]
    _, later = await shop.insert(customer_id=customer, created_at=at)
    await way.door.receive(later)
    await asyncio.gather(*(way.door.receive(body) for body in twins))

    assert len(await registered(way)) == 1


async def test_of_a_stores_orders_only_those_since_its_customer_exists_are_looked_at(way, shop):
    customer = await new_customer(shop, created_at=datetime.now(UTC))
    await shop.insert(customer_id=customer, created_at="2026-01-01T00:00:00Z")
    order_id, body = await shop.insert(customer_id=customer)
    await way.door.receive(body)

    assert await registered(way) == [(order_id,)]


def broken(body: bytes, **record) -> bytes:
    told = json.loads(body)
    told["record"] |= record
    return json.dumps(told).encode()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"store_id": str(UUID(int=9))}, "unknown_store"),
        ({"customer_name": "Ana\u0000"}, "refused_by_database"),
        ({"total_amount": None}, "bad_row"),
        ({"status": "eaten"}, "bad_row"),
        ({"created_at": "9999-12-31T23:59:59.999999-14:00"}, "bad_row"),
    ],
)
async def test_what_is_not_understood_is_kept_raw_with_its_reason(way, shop, change, reason):
    _, body = await shop.insert()
    sent = broken(body, **change)
    ids = await way.door.receive(sent)
    rows = await way.rows("select reason, body from pideai_host.quarantine")

    assert (ids, rows) == ((), [(reason, sent)])


async def test_a_nul_in_the_tables_name_is_quarantined_like_any_unknown_table(way):
    await way.door.receive(b'{"type": "INSERT", "table": "ord\\u0000ers", "record": {}}')

    assert await way.rows("select reason from pideai_host.quarantine") == [("unknown_table",)]


async def test_one_refused_order_does_not_take_the_others_of_its_batch_with_it(way, shop):
    bodies = [(await shop.insert())[1] for _ in range(9)]
    bodies[4] = broken(bodies[4], notes="\u0000")
    await asyncio.gather(*(way.door.receive(body) for body in bodies))
    counts = await way.rows(
        "select (select count(*) from public.plugin_events_log), (select count(*) from pideai_host.quarantine)"
    )

    assert counts == [(8, 1)]


async def test_a_refused_order_leaves_nothing_half_written(way, shop):
    _, body = await shop.insert()
    await way.door.receive(broken(body, notes="\u0000"))
    counts = await way.rows(
        """select (select count(*) from public.plugin_events), (select count(*) from pideai_host.event_ids),
        (select count(*) from pgmq.q_pideai_probe)"""
    )

    assert counts == [(0, 0, 0)]


async def test_numbers_beyond_2_to_the_53_are_kept_to_the_last_digit(way, shop):
    _, body = await shop.insert()
    await way.door.receive(body.replace(b'"total_amount": 10.50', b'"total_amount": 9007199254740993.01'))

    assert await way.rows("select payload ->> 'total' from public.plugin_events") == [("9007199254740993.01",)]


async def test_a_stopping_host_refuses_instead_of_leaving_the_caller_waiting(way, shop):
    _, body = await shop.insert()
    await way.intake.stop()

    with pytest.raises(DatabaseUnavailable, match="stopping"):
        await way.door.receive(body)


async def test_a_lane_that_is_dropped_between_two_batches_parks_what_comes_for_it(way, shop):
    for _ in range(2):
        await way.door.receive(await shop.order())
    await shop.connection.execute("select pgmq.drop_queue('pideai_probe')")
    await way.door.receive(await shop.order())
    rows = await way.rows(
        "select msg_id is null, next_attempt_at is null from public.plugin_events_log order by created_at"
    )

    assert rows == [(False, True), (False, True), (True, False)]


@pytest.mark.parametrize(
    "change",
    [
        "revoke all on pgmq.q_pideai_probe from pideai_host",
        "alter table pgmq.q_pideai_probe rename column message to body",
    ],
    ids=["revoked", "changed"],
)
async def test_a_lane_that_cannot_be_written_any_more_holds_up_no_event_that_goes_elsewhere(way, shop, change):
    await way.door.receive(await shop.order())
    await shop.connection.execute(change)
    await shop.connection.execute("delete from public.store_plugins")
    for _ in range(2):
        await way.door.receive(await shop.order())

    assert await way.rows("select count(*) from public.plugin_events where type = 'order.created'") == [(3,)]


async def test_a_lane_is_filled_alike_whether_the_statement_names_it_or_not(way, shop):
    for _ in range(3):
        await way.door.receive(await shop.order())
    rows = await way.rows(
        """select q.msg_id, q.read_ct, q.vt <= clock_timestamp(), q.enqueued_at = d.created_at, q.headers,
          q.message = jsonb_build_object('d', d.id, 'at', d.created_at)
        from pgmq.q_pideai_probe q
        join public.plugin_events_log d on d.msg_id = q.msg_id
        order by q.msg_id"""
    )

    assert rows == [(n, 0, True, True, None, True) for n in (1, 2, 3)]
