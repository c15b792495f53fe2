"""An order becomes a WhatsApp message: the real package, worker and database, with Evolution's stand-in behind HTTP."""

import pytest
from pideai_whatsapp.plugin import WhatsAppPlugin


@pytest.fixture
def loaded():
    return {"whatsapp": WhatsAppPlugin()}


@pytest.fixture
def configs():
    return {"whatsapp": {"provider": "evolution"}}


async def confirm(way, shop, **columns):
    order_id, body = await shop.insert(**columns)
    await shop.add_items(order_id)
    await way.door.receive(body)
    return order_id


async def messages(way):
    return await way.rows("select message_type, status, customer_phone, credit_type from public.whatsapp_messages")


async def spent(way):
    [[used]] = await way.rows("select credits_used_this_month from public.whatsapp_credits")
    return used


async def test_a_new_order_is_confirmed_to_its_customer(working, shop, evolution):
    await confirm(working, shop)
    await working.done()

    assert (await messages(working), [(one.instance, one.number) for one in evolution.sent]) == (
        [("order_confirmation", "sent", "+584141234567", "monthly")],
        [("arepas-probe", "584141234567")],
    )


async def test_the_text_names_the_items_in_the_stores_money(working, shop, evolution):
    await confirm(working, shop)
    await working.done()

    assert "2 x Arepa (USD 4,50)" in evolution.sent[0].text


async def test_a_sent_message_costs_one_credit_with_its_movements_in_the_ledger(working, shop, evolution):
    await confirm(working, shop)
    await working.done()
    ledger = await working.rows(
        "select movement, amount from pideai_host.credit_ledger where movement <> 'adjust' order by id"
    )

    assert (await spent(working), ledger) == (1, [("reserve", -1), ("charge", 0)])


async def test_a_number_that_is_not_on_whatsapp_fails_and_costs_nothing(working, shop, evolution):
    evolution.not_on_whatsapp.add("584141234567")
    await confirm(working, shop)
    log = await working.done()

    assert (log[0][0], await spent(working), evolution.sent) == ("failed", 0, [])


async def test_a_server_that_fails_for_now_is_tried_again_and_costs_one_credit(working, shop, evolution, canned):
    evolution.canned.append(canned(status=502, body={"status": 502}))
    await confirm(working, shop)
    log = await working.done()

    assert (log[0][:2], await spent(working), len(evolution.sent)) == (("delivered", 2), 1, 1)


async def test_an_order_without_a_phone_fails_in_words_the_owner_reads(working, shop, evolution):
    await confirm(working, shop, customer_phone=None)
    [[status, attempts, error]] = await working.done()

    assert (status, attempts, "teléfono" in error, await spent(working)) == ("failed", 1, True, 0)


async def test_a_template_with_an_unknown_token_is_sent_with_it(working, shop, evolution):
    await shop.connection.execute(
        "update public.whatsapp_message_templates set message_body = 'Hola {customer_name} {no_such_token}'"
    )
    await confirm(working, shop)
    await working.done()

    assert evolution.sent[0].text.startswith("Hola Ana {no_such_token}")


async def test_no_credits_is_a_clear_failure_and_one_notice_to_the_owner(working, shop, evolution):
    await shop.connection.execute("update public.whatsapp_credits set monthly_credits = 0, extra_credits = 0")
    await confirm(working, shop)
    await confirm(working, shop)
    log = await working.done(2)
    notices = await working.rows("select count(*) from pideai_host.notices")

    assert ([row[0] for row in log], notices, evolution.sent) == (["failed", "failed"], [(1,)], [])


async def test_each_status_has_its_message_once(working, shop, evolution):
    order_id = await confirm(working, shop)
    for status in ("confirmed", "preparing", "ready", "delivered"):
        await working.door.receive(await shop.move(order_id, status))
    await working.done(7)

    assert sorted(row[0] for row in await messages(working)) == [
        "order_confirmation",
        "order_delivered",
        "order_preparing",
        "order_ready",
    ]


async def test_ready_never_overtakes_the_confirmation(working, shop, evolution, canned, until):
    evolution.canned.append(canned(status=502, body={"status": 502}))
    order_id = await confirm(working, shop)
    await until(lambda: working.rows("select 1 from public.plugin_events_log where attempts > 0"))
    await working.door.receive(await shop.move(order_id, "ready"))
    await working.done(3)
    kinds = await working.rows("select message_type from public.whatsapp_messages order by created_at")

    assert kinds == [("order_confirmation",), ("order_ready",)]


async def test_a_replayed_delivery_does_not_send_twice(working, shop, evolution):
    await confirm(working, shop)
    await working.done()
    await shop.connection.execute(
        "update public.plugin_events_log set status = 'pending', next_attempt_at = now(), processed_at = null"
    )
    await working.done()

    assert len(evolution.sent) == 1


async def test_an_adopted_store_confirms_when_it_confirms_and_once(working, shop, evolution):
    await shop.connection.execute("insert into pideai_whatsapp.stores values (%s, true)", (shop.store_id,))
    order_id = await confirm(working, shop)
    await working.done()
    assert evolution.sent == []

    await working.door.receive(await shop.move(order_id, "confirmed"))
    await working.done(2)

    assert [row[:2] for row in await messages(working)] == [("order_confirmation", "sent")]


async def test_a_switch_of_the_panel_holds_from_the_next_message_on(working, shop, evolution):
    order_id = await confirm(working, shop)
    await working.done()
    await shop.connection.execute("update public.whatsapp_settings set auto_order_ready = false")
    await working.door.receive(await shop.move(order_id, "ready"))
    await working.done(3)

    assert [row[0] for row in await messages(working)] == ["order_confirmation"]


async def test_a_store_that_changes_its_mind_confirms_no_order_twice(working, shop, evolution):
    order_id = await confirm(working, shop)
    await working.done()
    await shop.connection.execute(
        """update public.store_plugins set config = config || '{"confirmationOn": "confirmed"}'"""
    )
    await working.door.receive(await shop.move(order_id, "confirmed"))
    await working.done(2)

    assert len(evolution.sent) == 1


async def test_a_drivers_pick_up_says_nothing_again(working, shop, evolution):
    order_id = await confirm(working, shop)
    for status in ("preparing", "ready", "preparing", "out_for_delivery", "preparing", "out_for_delivery", "delivered"):
        await working.door.receive(await shop.move(order_id, status))
    await working.done(10)

    assert sorted(row[0] for row in await messages(working)) == [
        "order_confirmation",
        "order_delivered",
        "order_out_for_delivery",
        "order_preparing",
        "order_ready",
    ]
