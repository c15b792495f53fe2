"""What is asked for by hand or by a campaign is written down first, and travels as an event of the plugin's own."""

from uuid import UUID, uuid4

import msgspec
import pytest
from pideai_whatsapp.errors import MessageIdTaken
from pideai_whatsapp.sending.queued import QueuedMessage, enqueue, enqueue_all, read_queued
from pideai_whatsapp.text.phones import Phone
from pideai_whatsapp.text.templates import MessageType

from pideai_host.db.dev import create_demo_store

PHONE = Phone("+584141234567")


def manual(**changes):
    made = QueuedMessage(
        message_id=uuid4(), phone=PHONE, kind=MessageType.MANUAL, text="¡Hola, Ana!", customer_name="Ana"
    )
    return msgspec.structs.replace(made, **changes)


async def rows(connection):
    cursor = await connection.execute(
        """select m.id, m.message_type, m.status, m.message_content, s.state
        from public.whatsapp_messages m left join pideai_whatsapp.sends s on s.message_id = m.id"""
    )
    return await cursor.fetchall()


async def test_a_queued_message_is_seen_as_pending_before_it_is_sent(context, shop):
    asked = manual()

    await enqueue(context, asked)

    assert await rows(shop.connection) == [(asked.message_id, "manual", "pending", "¡Hola, Ana!", "new")]


async def test_its_event_carries_all_of_it(context):
    asked = manual(image_url="https://example.com/a.png", order_id=uuid4(), variables={"customer_name": "Ana"})

    event_id = await enqueue(context, asked)

    [(event_type, payload, key, bulk)] = context.emitted
    assert (event_type, bulk) == ("whatsapp.manual_message", False)
    assert read_queued(payload) == asked
    assert isinstance(event_id, UUID)
    assert str(asked.message_id) in key


async def test_a_campaigns_messages_go_behind_those_of_every_day(context, shop):
    cursor = await shop.connection.execute(
        "insert into public.whatsapp_campaigns (store_id, name, message_body) values (%s, 'c', 'b') returning id",
        (shop.store_id,),
    )
    [campaign_id] = await cursor.fetchone()
    several = [manual(kind=MessageType.CAMPAIGN, campaign_id=campaign_id) for _ in range(3)]

    await enqueue_all(context, several, bulk=True)

    assert [(event_type, bulk) for event_type, _, _, bulk in context.emitted] == [
        ("whatsapp.campaign_message", True)
    ] * 3
    cursor = await shop.connection.execute("select campaign_id from public.whatsapp_messages")
    assert await cursor.fetchall() == [(campaign_id,)] * 3


async def test_a_message_that_is_queued_twice_is_one_message(context, shop):
    asked = manual()

    first, second = await enqueue(context, asked), await enqueue(context, asked)

    assert first == second
    assert len(await rows(shop.connection)) == 1


async def test_an_order_of_another_store_is_not_written_down(context, shop, admin_conn):
    other = await create_demo_store(admin_conn, owner_id=uuid4(), subdomain="otra", name="Otra")
    cursor = await admin_conn.execute(
        """insert into public.orders (store_id, customer_name, customer_email) values (%s, 'Eva', 'e@example.com')
        returning id""",
        (other,),
    )
    [order_id] = await cursor.fetchone()

    await enqueue(context, manual(order_id=order_id))

    cursor = await shop.connection.execute("select order_id from public.whatsapp_messages")
    assert await cursor.fetchall() == [(None,)]


async def test_the_id_of_another_stores_message_is_refused_and_nothing_is_queued(context, shop, admin_conn):
    other = await create_demo_store(admin_conn, owner_id=uuid4(), subdomain="otra", name="Otra")
    taken = manual()
    await admin_conn.execute(
        """insert into public.whatsapp_messages (id, store_id, customer_phone, message_type, message_content)
        values (%s, %s, '+58', 'manual', 'x')""",
        (taken.message_id, other),
    )

    with pytest.raises(MessageIdTaken):
        await enqueue(context, taken)

    assert context.emitted == []
    cursor = await shop.connection.execute("select count(*) from pideai_whatsapp.sends")
    assert await cursor.fetchone() == (0,)
