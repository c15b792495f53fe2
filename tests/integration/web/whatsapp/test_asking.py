"""Twilio's reports were lost: the message is asked for, and shows how far it came."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from pideai_whatsapp.channel.asking import ask_for_messages

from pideai_host.events.identity import emitter
from pideai_host.web.state import STATE_KEY
from whatsapp_fakes import twilio as fake_twilio
from whatsapp_fakes.twilio import FakeTwilio

TWILIO = {"accountSid": fake_twilio.ACCOUNT, "authToken": fake_twilio.TOKEN, "sender": fake_twilio.SENDER}


@pytest.fixture
async def twilio(panel, operator, worker, shop):
    """A store on Twilio, whose order was confirmed while nobody could be told of it."""
    async with FakeTwilio() as fake:
        operator["PIDEAI_PLUGIN_WHATSAPP_TWILIO_API_URL"] = fake.url
        config = {"provider": "twilio", "twilio": TWILIO, "confirmationOn": "created"}
        await panel.ask("PUT", "/plugins/whatsapp", json={"config": config}, headers={"if-match": "*"})
        fake.poster.is_held = True
        order_id, body = await shop.insert()
        await shop.add_items(order_id)
        await worker.door.receive(body)
        await worker.done()
        yield fake


@pytest.fixture
def ask(host, panel, shop, worker):
    """Run the job, as if the message had been handed over so long ago."""
    calls = host.app.state[STATE_KEY].store_calls

    @asynccontextmanager
    async def installation(store_id):
        context = await calls.context(store_id, "whatsapp", emits_as=emitter(store_id, "whatsapp"))
        yield context.config, context

    async def run(age_s):
        await shop.connection.execute(
            "update pideai_whatsapp.sends set claimed_at = now() - %s * interval '1 second'", (age_s,)
        )
        context = await calls.context(shop.store_id, "whatsapp", emits_as=emitter(shop.store_id, "whatsapp"))
        await ask_for_messages(SimpleNamespace(db=context.db, installation=installation))
        [message] = (await panel.whatsapp("GET", "/messages")).json()["items"]
        return message["status"]

    return run


@pytest.mark.parametrize("age_s", [660, 3_700, 14_500])
async def test_a_message_whose_report_was_lost_shows_how_far_it_came(twilio, ask, age_s):
    twilio.progress(twilio.sent[0].sid, "read")

    assert await ask(age_s) == "read"


async def test_one_that_failed_fails_visibly(twilio, ask):
    twilio.progress(twilio.sent[0].sid, "undelivered", 63024)

    assert await ask(660) == "failed"


@pytest.mark.parametrize("age_s", [60, 2_000, 30_000])
async def test_it_is_asked_for_now_and_then_and_not_for_ever(twilio, ask, age_s):
    twilio.progress(twilio.sent[0].sid, "read")

    assert await ask(age_s) == "sent"


async def test_a_key_that_was_taken_back_stops_nothing(twilio, ask):
    twilio.habits.keys.clear()

    assert await ask(660) == "sent"


async def test_one_that_is_known_to_have_arrived_is_not_asked_for(twilio, ask, shop):
    await shop.connection.execute("update public.whatsapp_messages set status = 'delivered'")
    twilio.progress(twilio.sent[0].sid, "read")

    assert await ask(660) == "delivered"
