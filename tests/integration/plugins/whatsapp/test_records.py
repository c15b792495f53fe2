"""Who may claim a message, and what becomes of it: the statements on a real database."""

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from uuid import uuid4

import pytest
from pideai_whatsapp.errors import RecordLost
from pideai_whatsapp.sending.facts import CartState, SendState
from pideai_whatsapp.sending.queued import QueuedMessage, enqueue
from pideai_whatsapp.sending.records import SqlRecords
from pideai_whatsapp.sending.stale import close_stale, prune
from pideai_whatsapp.text.order_style import OrderStyle
from pideai_whatsapp.text.phones import Phone
from pideai_whatsapp.text.templates import MessageType

READY = MessageType.ORDER_READY
PHONE = Phone("+584141234567")


async def claim(records, draft, delivery_id=None):
    return await records.claim(draft, credit_type="monthly", provider="evolution", delivery_id=delivery_id)


async def seen(shop, message_id):
    cursor = await shop.connection.execute(
        """select m.status, s.state, m.evolution_message_id, m.error_message, m.sent_at is not null
        from public.whatsapp_messages m join pideai_whatsapp.sends s on s.message_id = m.id where m.id = %s""",
        (message_id,),
    )
    return await cursor.fetchone()


async def test_one_of_many_attempts_gets_the_message(records, draft, shop):
    made = draft()

    got = await asyncio.gather(*(claim(records, made) for _ in range(8)))

    assert sorted(got) == [0] * 7 + [1]
    assert await seen(shop, made.id) == ("pending", "claimed", None, None, False)


async def test_what_was_accepted_is_sent_and_never_claimed_again(records, draft, shop):
    made = draft()
    await claim(records, made)

    known = await records.settle(made.id, SendState.ACCEPTED, provider_message_id="3EB0")

    assert (known.state, known.provider_message_id) == (SendState.ACCEPTED, "3EB0")
    assert await seen(shop, made.id) == ("sent", "accepted", "3EB0", None, True)
    assert not await claim(records, made)


async def test_what_was_refused_fails_and_may_be_claimed_again(records, draft, shop):
    made = draft()
    await claim(records, made)
    await records.settle(made.id, SendState.REFUSED, error="no hay conexión")

    assert (await seen(shop, made.id))[:4] == ("failed", "refused", None, "no hay conexión")
    assert await claim(records, made) == 2
    assert (await seen(shop, made.id))[:4] == ("pending", "claimed", None, None)


async def test_what_is_refused_for_now_waits_with_its_reason_and_may_be_claimed_again(records, draft, shop):
    made = draft()
    await claim(records, made)
    await records.settle(made.id, SendState.REFUSED, error="no hay conexión", is_final=False)

    assert (await seen(shop, made.id))[:4] == ("pending", "refused", None, "no hay conexión")
    assert await claim(records, made) == 2


async def test_what_waited_and_was_given_up_fails_with_its_last_reason(records, context, draft, shop):
    made, fresh = draft(), draft()
    for one in (made, fresh):
        await claim(records, one)
        await records.settle(one.id, SendState.REFUSED, error="no hay conexión", is_final=False)
    await shop.connection.execute(
        "update pideai_whatsapp.sends set settled_at = now() - interval '4 hours' where message_id = %s", (made.id,)
    )

    await close_stale(SimpleNamespace(db=context.db, log=SimpleNamespace(info=lambda *_, **__: None)))

    assert (await seen(shop, made.id))[:4] == ("failed", "refused", None, "no hay conexión")
    assert (await seen(shop, fresh.id))[0] == "pending"


async def test_what_nobody_knows_stays_pending_and_is_never_claimed_again(records, draft, shop):
    made = draft()
    await claim(records, made)
    await records.settle(made.id, SendState.UNKNOWN, error="sin respuesta")

    assert (await seen(shop, made.id))[:4] == ("pending", "unknown", None, "sin respuesta")
    assert not await claim(records, made)


async def test_an_answer_that_is_lost_after_the_provider_told_of_the_message_is_none(records, draft, shop):
    made = draft()
    await claim(records, made)
    await shop.connection.execute(
        "update pideai_whatsapp.sends set provider_message_id = '3EB0' where message_id = %s", (made.id,)
    )

    known = await records.settle(made.id, SendState.UNKNOWN, error="sin respuesta")

    assert known.state is SendState.ACCEPTED
    assert await seen(shop, made.id) == ("sent", "accepted", "3EB0", None, True)


async def test_a_late_refusal_does_not_undo_what_was_accepted(records, draft, shop):
    made = draft()
    await claim(records, made)
    await records.settle(made.id, SendState.ACCEPTED, provider_message_id="3EB0")

    known = await records.settle(made.id, SendState.REFUSED, error="x")

    assert known.state is SendState.ACCEPTED
    assert (await seen(shop, made.id))[:3] == ("sent", "accepted", "3EB0")


async def test_a_receipt_that_came_first_is_not_undone(records, draft, shop):
    made = draft()
    await claim(records, made)
    await shop.connection.execute("update public.whatsapp_messages set status = 'read' where id = %s", (made.id,))

    await records.settle(made.id, SendState.ACCEPTED, provider_message_id="3EB0")

    assert (await seen(shop, made.id))[:3] == ("read", "accepted", "3EB0")


async def test_a_message_without_a_row_cannot_be_settled(records):
    with pytest.raises(RecordLost):
        await records.settle(uuid4(), SendState.ACCEPTED)


async def test_closing_fails_what_is_to_come_and_leaves_what_was_claimed(records, context, draft, shop):
    queued = QueuedMessage(message_id=uuid4(), phone=PHONE, kind=MessageType.MANUAL, text="hola")
    await enqueue(context, queued)
    made = draft()
    await claim(records, made)

    await records.close(queued.message_id, error="no")
    await records.close(made.id, error="no")
    await records.close(uuid4(), error="no")

    assert (await seen(shop, queued.message_id))[:4] == ("failed", "refused", None, "no")
    assert (await seen(shop, made.id))[:2] == ("pending", "claimed")


async def test_facts_tell_what_earlier_attempts_left(records, draft):
    made = draft()
    assert (await records.facts(READY, made.id)).earlier is None

    await claim(records, made)
    earlier = (await records.facts(READY, made.id)).earlier

    assert (earlier.state, earlier.provider) == (SendState.CLAIMED, "evolution")
    assert 0 <= earlier.claimed_for_s < 60


@pytest.mark.parametrize(
    ("state", "was_said"), [(SendState.ACCEPTED, True), (SendState.UNKNOWN, True), (SendState.REFUSED, False)]
)
async def test_a_notice_counts_as_said_unless_it_is_known_not_to_have_gone(records, draft, shop, state, was_said):
    order_id, _ = await shop.insert()
    made = draft(order_id=order_id)
    await claim(records, made)
    await records.settle(made.id, state)

    said = [
        (await records.facts(kind, uuid4(), order_id=order)).was_said
        for kind, order in ((READY, order_id), (MessageType.ORDER_PREPARING, order_id), (READY, uuid4()))
    ]

    assert said == [was_said, False, False]
    assert not (await records.facts(READY, made.id, order_id=order_id)).was_said


async def test_the_panels_switches_are_facts(records, shop):
    await shop.connection.execute(
        "update public.whatsapp_settings set auto_order_ready = false, auto_order_preparing = null"
    )

    facts = await records.facts(READY, uuid4())

    assert facts.panel[READY] is False
    assert MessageType.ORDER_PREPARING not in facts.panel
    assert facts.is_adopted is False


async def test_rows_of_another_store_are_not_touched(records, context, draft, shop):
    other = SqlRecords(context.db, uuid4())
    made = draft()
    await claim(records, made)

    with pytest.raises(RecordLost):
        await other.settle(made.id, SendState.ACCEPTED, provider_message_id="x")
    await records.settle(made.id, SendState.REFUSED)
    assert not await claim(other, made)
    assert (await seen(shop, made.id))[1] == "refused"


async def cart(shop, **columns):
    row = {"store_id": shop.store_id, "customer_phone": "0414-1234567", "cart_data": "[]", "cart_total": 10} | columns
    cursor = await shop.connection.execute(
        f"""insert into public.abandoned_carts ({", ".join(row)}) values ({", ".join(f"%({n})s" for n in row)})
        returning id""",
        row,
    )
    return (await cursor.fetchone())[0]


async def test_a_cart_is_open_until_it_is_reminded_of(records, shop):
    cart_id = await cart(shop)
    assert await records.cart(cart_id, PHONE) == CartState(is_open=True)

    await records.mark_reminded(cart_id)

    assert await records.cart(cart_id, PHONE) == CartState(is_open=False)
    assert await records.cart(uuid4(), PHONE) is None


@pytest.mark.parametrize("column", ["recovered = true", "expires_at = now() - interval '1 minute'"])
async def test_a_cart_that_was_recovered_or_expired_is_not_open(records, shop, column):
    cart_id = await cart(shop)
    await shop.connection.execute(f"update public.abandoned_carts set {column}")

    assert (await records.cart(cart_id, PHONE)).is_open is False


@pytest.mark.parametrize(
    ("columns", "has_ordered"),
    [
        ({}, True),
        ({"customer_phone": "+58 414-1234567"}, True),
        ({"customer_phone": "0424-1234567"}, False),
        ({"status": "cancelled"}, False),
        ({"customer_phone": None}, False),
    ],
)
async def test_who_ordered_since_needs_no_reminder(records, shop, columns, has_ordered):
    cart_id = await cart(shop)
    await shop.insert(**columns)

    assert (await records.cart(cart_id, PHONE)).has_ordered is has_ordered


async def test_what_nobody_works_on_any_more_is_closed_where_it_shows(records, context, draft, shop):
    fresh, stale, lost, told = (draft() for _ in range(4))
    for one in (fresh, lost, told):
        await claim(records, one)
    queued = QueuedMessage(message_id=stale.id, phone=PHONE, kind=MessageType.MANUAL, text="hola")
    await enqueue(context, queued)
    await shop.connection.execute(
        """update pideai_whatsapp.sends
        set created_at = now() - interval '1 day',
            claimed_at = case when state = 'claimed' then now() - interval '1 hour' end
        where message_id = any (%s)""",
        ([stale.id, lost.id, told.id],),
    )
    await shop.connection.execute(
        "update pideai_whatsapp.sends set provider_message_id = '3EB0' where message_id = %s", (told.id,)
    )
    logged = []

    await close_stale(SimpleNamespace(db=context.db, log=SimpleNamespace(info=lambda _, **facts: logged.append(facts))))

    assert logged == [{"failed": 1, "unknown": 1}]
    assert [(await seen(shop, one.id))[:2] for one in (fresh, stale, lost, told)] == [
        ("pending", "claimed"),
        ("failed", "refused"),
        ("pending", "unknown"),
        ("sent", "accepted"),
    ]


async def test_an_order_is_read_as_its_events_tell_it(records, shop):
    order_id, _ = await shop.insert(delivery_address="Calle 5", order_type="delivery", notes="sin cebolla")

    order = await records.order(order_id)

    assert (order.order_number, order.total, order.currency) == (str(order_id)[:8].upper(), Decimal("10.50"), "USD")
    assert (order.delivery_address.text, order.notes) == ("Calle 5", "sin cebolla")
    assert await records.order(uuid4()) is None


@pytest.mark.parametrize(("state", "is_connected"), [("open", True), ("suspect", False), ("closed", False)])
async def test_the_channel_says_whether_messages_may_go(records, shop, state, is_connected):
    await shop.connection.execute(
        "insert into pideai_whatsapp.channels (store_id, provider, state, since) values (%s, 'evolution', %s, now())",
        (shop.store_id, state),
    )

    assert (await records.facts(READY, uuid4())).is_connected is is_connected


@pytest.mark.parametrize(
    ("columns", "own", "of_all", "rate"),
    [
        ("enable_currency_conversion = false", "36", "35", 0),
        ("enable_currency_conversion = true", "36", "35", 36),
        ("enable_currency_conversion = true", None, "35", 35),
        ("enable_currency_conversion = true", None, None, 0),
        (
            "enable_currency_conversion = true, use_manual_exchange_rate = true, manual_usd_ves_rate = 40",
            "36",
            "35",
            40,
        ),
    ],
)
async def test_the_rate_is_the_stores_number_else_its_newest_else_the_newest_of_all(
    records, shop, columns, own, of_all, rate
):
    await shop.connection.execute(f"update public.stores set {columns}")
    for store_id, value in ((shop.store_id, own), (None, of_all)):
        if value is not None:
            await shop.connection.execute(
                "insert into public.exchange_rates (store_id, from_currency, to_currency, rate, source)"
                " values (%s, 'USD', 'VES', %s, 'manual')",
                (store_id, value),
            )

    assert (await records.order_style())[0].rate == rate


async def test_a_new_stores_templates_are_ours_to_the_letter(records, shop):
    assert (await records.order_style())[0] == OrderStyle()
    await shop.connection.execute("update public.stores set order_product_template = ' '")

    assert (await records.order_style())[0].product == OrderStyle().product


async def test_a_receipts_short_address_comes_with_its_order(records, shop):
    order_id, _ = await shop.insert(payment_proof_short_url="https://pide.ai/x")

    assert (await records.order_style(order_id))[1] == "https://pide.ai/x"


async def test_what_was_settled_long_ago_is_forgotten_and_what_is_open_is_not(records, context, draft, shop):
    recent, old, waiting = draft(), draft(), draft()
    for one in (recent, old):
        await claim(records, one)
        await records.settle(one.id, SendState.ACCEPTED, provider_message_id="3EB0")
    await enqueue(context, QueuedMessage(message_id=waiting.id, phone=PHONE, kind=MessageType.MANUAL, text="hola"))
    await shop.connection.execute(
        "update pideai_whatsapp.sends set created_at = now() - interval '61 days' where message_id <> %s", (recent.id,)
    )

    await prune(SimpleNamespace(db=context.db))

    cursor = await shop.connection.execute("select message_id from pideai_whatsapp.sends order by created_at")
    assert await cursor.fetchall() == [(waiting.id,), (recent.id,)]
