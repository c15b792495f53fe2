"""A new order is completed before any hook sees it: its items are read until they add up, or rest."""

import asyncio

from pideai_host.api import OrderCreatedPayload


async def test_a_new_order_reaches_the_plugin_with_its_items(working, shop, probe):
    await working.door.receive(await shop.order())
    await working.done()
    [payload] = [event.payload for event in probe.calls]

    assert (type(payload), [(i.name, i.quantity) for i in payload.items], payload.items_complete) == (
        OrderCreatedPayload,
        [("Arepa", 2), ("Papelón", 1)],
        True,
    )


async def test_a_new_order_waits_for_items_that_come_later(working, shop, probe):
    order_id, body = await shop.insert()
    await working.door.receive(body)
    await asyncio.sleep(0)
    parked = await working.rows("select count(*) from public.plugin_events_log where status = 'pending'")
    await shop.add_items(order_id)
    await working.done()

    assert (parked, len(probe.calls[0].payload.items)) == ([(1,)], 2)


async def test_waiting_for_items_uses_no_attempt(working, shop, probe):
    order_id, body = await shop.insert()
    await working.door.receive(body)
    await shop.add_items(order_id)

    assert await working.done() == [("delivered", 1, None)]


async def test_extras_count_towards_the_total(working, shop, probe):
    order_id, body = await shop.insert(total="12.00")
    await shop.add_items(order_id)
    await shop.connection.execute(
        """insert into public.order_item_extras (order_item_id, extra_name, extra_price)
        select id, 'Aguacate', 0.75 from public.order_items where order_id = %s and quantity = 2""",
        (order_id,),
    )
    await working.door.receive(body)
    await working.done()
    payload = probe.calls[0].payload

    assert (payload.items_complete, [extra.name for item in payload.items for extra in item.extras]) == (
        True,
        ["Aguacate"],
    )


async def test_delivery_and_discount_count_towards_the_total(working, shop, probe):
    order_id, body = await shop.insert(total="11.50", delivery_price="2.00", coupon_discount="1.00")
    await shop.add_items(order_id)
    await working.door.receive(body)
    await working.done()

    assert probe.calls[0].payload.items_complete


async def test_items_that_never_add_up_are_sent_once_they_rest(working, shop, probe, until):
    order_id, body = await shop.insert(total="99.00")
    await shop.add_items(order_id)
    await working.door.receive(body)
    await rest(shop, until)
    await working.done()
    payload = probe.calls[0].payload

    assert (payload.items_complete, len(payload.items)) == (False, 2)


async def rest(shop, until):
    """Let the items have rested for 3 s, without waiting for it."""

    async def looked():
        cursor = await shop.connection.execute(
            """update public.plugin_events set items_changed_at = now() - interval '4 s'
            where items_seen is not null and completed_at is null returning id"""
        )
        return await cursor.fetchall()

    await until(looked)


async def test_the_completed_payload_is_stored_for_every_later_reader(working, shop):
    await working.door.receive(await shop.order())
    await working.done()

    assert await working.rows(
        "select jsonb_array_length(payload -> 'items'), completed_at is not null from public.plugin_events"
    ) == [(2, True)]
