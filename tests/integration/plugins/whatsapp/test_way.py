"""Messages that no order makes, through the whole way: queue, worker, provider, credits; and every crash on it."""

import asyncio
from decimal import Decimal
from uuid import uuid4

import msgspec
import pytest
from pideai_whatsapp.plugin import WhatsAppPlugin
from pideai_whatsapp.sending.opt_outs import opt_out
from pideai_whatsapp.sending.queued import QueuedMessage, enqueue_all
from pideai_whatsapp.text.phones import Phone
from pideai_whatsapp.text.templates import MessageType

from pideai_host.api import CartAbandonedPayload
from pideai_host.events.identity import event_id
from pideai_host.events.outbox import Outbox
from pideai_host.events.sources import NewEvent, encode_payload
from pideai_host.stores import installations
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.secrets import Sealer

PHONE = Phone("+584141234567")


@pytest.fixture
def loaded():
    return {"whatsapp": WhatsAppPlugin()}


@pytest.fixture
def configs():
    return {"whatsapp": {"provider": "evolution", "autoAbandonedCart": True}}


@pytest.fixture
def ask(way, shop):
    """Have messages queued as a route does: what the call left is kept when it ends well."""

    async def call(*messages, bulk=False):
        async with way.pool.connection() as connection:
            stored = await installations.find(connection, shop.store_id, "whatsapp")
        factory = ContextFactory(way.pool, None, Sealer([("k1", b"k" * 32)]), {})
        context = factory.make(stored, None, emits_as=uuid4())
        await enqueue_all(context, messages, bulk=bulk)
        await Outbox(way.pool, way.intake).keep(context)

    return call


def manual(**changes):
    made = QueuedMessage(message_id=uuid4(), phone=PHONE, kind=MessageType.MANUAL, text="¡Hola, Ana!")
    return msgspec.structs.replace(made, **changes)


async def sends(way):
    return await way.rows(
        """select m.message_type, m.status, s.state, m.error_message
        from public.whatsapp_messages m join pideai_whatsapp.sends s on s.message_id = m.id order by m.created_at"""
    )


async def spent(way):
    [[used]] = await way.rows("select credits_used_this_month from public.whatsapp_credits")
    return used


async def ledger(way):
    return await way.rows(
        """select sum(amount)::int from pideai_host.credit_ledger
        where movement not in ('adjust', 'renew', 'grant')"""
    )


async def test_what_is_asked_for_is_sent_and_paid_once(working, ask, evolution):
    await ask(manual())
    await working.done()

    assert [one.text for one in evolution.sent] == ["¡Hola, Ana!"]
    assert (await sends(working), await spent(working)) == ([("manual", "sent", "accepted", None)], 1)


async def test_what_is_asked_for_twice_is_sent_once(working, ask, evolution):
    asked = manual()
    await ask(asked)
    await ask(asked)
    await working.done(1)

    assert len(evolution.sent) == 1


async def test_a_campaign_passes_over_who_opted_out_meanwhile(working, ask, shop, evolution, context):
    cursor = await shop.connection.execute(
        "insert into public.whatsapp_campaigns (store_id, name, message_body) values (%s, 'c', 'b') returning id",
        (shop.store_id,),
    )
    [campaign_id] = await cursor.fetchone()
    await opt_out(context.db, shop.store_id, PHONE, by="customer")

    campaign = {"kind": MessageType.CAMPAIGN, "campaign_id": campaign_id}
    await ask(manual(**campaign), manual(**campaign, phone=Phone("+584241234567")), bulk=True)
    await working.done(2)

    assert [one.number for one in evolution.sent] == ["584241234567"]
    assert sorted((status, error) for _, status, _, error in await sends(working) if error) == [
        ("failed", "El cliente pidió no recibir promociones.")
    ]
    assert await spent(working) == 1


async def given_up(way, shop, *, ordered=False):
    """Leave a cart behind and tell of it as the scheduler does, perhaps after its customer ordered."""
    row = {
        "id": uuid4(),
        "store_id": shop.store_id,
        "customer_name": "Ana",
        "customer_phone": "0414-1234567",
        "cart_data": "[]",
        "cart_total": Decimal("12.50"),
        "recovery_token": "0123abcd",
    }
    await shop.connection.execute(
        f"""insert into public.abandoned_carts ({", ".join(row)}) values ({", ".join(f"%({n})s" for n in row)})""", row
    )
    if ordered:
        await shop.insert(customer_phone="+58 414 1234567")
    payload = CartAbandonedPayload(
        cart_id=row["id"],
        total=row["cart_total"],
        currency="USD",
        customer_name=row["customer_name"],
        customer_phone=row["customer_phone"],
        recovery_token=row["recovery_token"],
    )
    [[now]] = await way.rows("select now()")
    event = NewEvent(
        id=event_id("public.abandoned_carts", str(row["id"]), "cart.abandoned"),
        store_id=shop.store_id,
        type="cart.abandoned",
        payload=msgspec.Raw(encode_payload(payload)),
        occurred_at=now,
        source="sweep",
        entity_id=str(row["id"]),
    )
    await way.intake.put([event])


async def test_a_cart_that_was_left_behind_is_reminded_of_once(working, shop, evolution):
    await given_up(working, shop)
    await working.done()

    [reminder] = evolution.sent
    assert "USD 12,50" in reminder.text
    assert "recovery_token=0123abcd" in reminder.text
    assert await working.rows("select reminder_sent, reminder_sent_at is not null from public.abandoned_carts") == [
        (True, True)
    ]


async def test_a_cart_whose_customer_has_ordered_is_left_alone(working, shop, evolution):
    await given_up(working, shop, ordered=True)
    [[status, *_]] = await working.done()

    assert (status, evolution.sent, await spent(working)) == ("delivered", [], 0)


async def test_fewer_credits_than_messages_are_spent_to_the_last_and_never_more(way, ask, shop, evolution):
    await shop.connection.execute(
        "update public.whatsapp_credits set monthly_credits = 7, extra_credits = 4, credits_used_this_month = 0"
    )
    await ask(*(manual(phone=Phone(f"+5841412345{n:02}")) for n in range(30)))
    workers = [way.worker() for _ in range(4)]
    await asyncio.gather(*(one.start() for one in workers))

    log = await way.done(30)
    await asyncio.gather(*(one.stop() for one in workers))

    assert sorted(status for status, *_ in log) == ["delivered"] * 11 + ["failed"] * 19
    assert len({one.number for one in evolution.sent}) == len(evolution.sent) == 11
    assert await way.rows("select credits_used_this_month, extra_credits from public.whatsapp_credits") == [(7, 0)]
    assert await ledger(way) == [(-11,)]
    assert await way.rows("select state, count(*) from pideai_host.credit_holds group by 1") == [("charged", 11)]
    assert await way.rows("select count(*) from pideai_host.notices") == [(1,)]
    assert {(attempts, "créditos" in (error or "")) for _, attempts, error in log} == {(1, False), (1, True)}


async def test_a_lost_answer_keeps_its_credit_and_is_never_repeated(working, ask, evolution, canned):
    evolution.canned.append(canned(drops=True))
    await ask(manual())
    [[status, attempts, _]] = await working.done()

    assert (status, attempts, len(evolution.requests)) == ("unknown", 1, 1)
    assert ([row[1:3] for row in await sends(working)], await spent(working)) == ([("pending", "unknown")], 1)
