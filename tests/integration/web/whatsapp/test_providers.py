"""Twilio and Meta through the whole host: set at the panel, a message taken, followed, and never doubled."""

import pytest

from whatsapp_fakes import meta as fake_meta
from whatsapp_fakes import twilio as fake_twilio
from whatsapp_fakes.meta import FakeMeta
from whatsapp_fakes.twilio import FakeTwilio

TWILIO = {"accountSid": fake_twilio.ACCOUNT, "authToken": fake_twilio.TOKEN, "sender": fake_twilio.SENDER}
META = {
    "phoneNumberId": fake_meta.NUMBER_ID,
    "accessToken": fake_meta.TOKEN,
    "appSecret": fake_meta.APP_SECRET,
    "verifyToken": fake_meta.VERIFY_TOKEN,
}


class OnTwilio:
    """A store with an account of its own."""

    section = ("twilio", TWILIO)

    def __init__(self, fake, panel):
        self.fake = fake

    def report(self, status, code=None):
        self.fake.progress(self.fake.sent[0].sid, status, code)

    @property
    def reached(self):
        return [one.form["To"].removeprefix("whatsapp:") for one in self.fake.sent]


class OnMeta:
    """A store with a business number and an app of its own."""

    section = ("meta", META)

    def __init__(self, fake, panel):
        self.fake = fake
        self._url = f"{panel.host_url}/webhooks/plugins/whatsapp/{panel.store_id}"

    def report(self, status, code=None):
        status = "failed" if status == "undelivered" else status
        change = self.fake.status(self.fake.sent[0].message_id, status, code and 131047, "more than 24 hours")
        self.fake.post(self._url, change)

    @property
    def reached(self):
        return [f"+{one.body['to']}" for one in self.fake.sent]


@pytest.fixture(params=[(FakeTwilio, OnTwilio), (FakeMeta, OnMeta)], ids=["twilio", "meta"])
async def provider(request, panel, operator, worker):
    """The store's provider, set at the panel while everything runs."""
    fake_class, make = request.param
    async with fake_class() as fake:
        name, section = make.section
        operator[f"PIDEAI_PLUGIN_WHATSAPP_{name.upper()}_API_URL"] = fake.url
        panel.host_url = operator["PIDEAI_PLUGIN_WHATSAPP_PUBLIC_URL"]
        answer = await panel.ask(
            "PUT",
            "/plugins/whatsapp",
            json={"config": {"provider": name, name: section, "confirmationOn": "created"}},
            headers={"if-match": "*"},
        )
        assert answer.status_code == 200, answer.text
        yield make(fake, panel)


async def place(way, shop):
    order_id, body = await shop.insert()
    await shop.add_items(order_id)
    await way.door.receive(body)


async def message_of(panel):
    [message] = (await panel.whatsapp("GET", "/messages")).json()["items"]
    return message


async def credits_used(way, panel):
    [[used]] = await way.rows(
        "select credits_used_this_month from public.whatsapp_credits where store_id = %s", panel.store_id
    )
    return used


async def test_an_orders_message_is_taken_and_followed_until_it_is_read(provider, worker, shop, panel):
    await place(worker, shop)
    await worker.done()
    for status in ("read", "sent", "delivered"):
        provider.report(status)
    await provider.fake.poster.settled()

    message = await message_of(panel)
    assert provider.reached == ["+584141234567"]
    assert (message["status"], message["provider"]) == ("read", provider.section[0])
    assert await credits_used(worker, panel) == 1


async def test_a_failure_says_why_in_the_owners_words(provider, worker, shop, panel):
    await place(worker, shop)
    await worker.done()
    provider.report("undelivered", 63016)
    await provider.fake.poster.settled()

    message = await message_of(panel)
    assert message["status"] == "failed"
    assert "24 horas" in message["error_message"]


async def test_a_message_whose_answer_was_lost_is_known_by_its_reference_and_not_sent_again(
    provider, worker, shop, panel
):
    provider.fake.loses = 1
    await place(worker, shop)
    [[doubtful, *_]] = await worker.done()
    provider.report("delivered")
    await provider.fake.poster.settled()
    [[delivery]] = await worker.rows("select status from public.plugin_events_log")

    message = await message_of(panel)
    assert (doubtful, delivery, message["status"]) == ("unknown", "delivered", "delivered")
    assert (len(provider.fake.sent), await credits_used(worker, panel)) == (1, 1)


async def test_the_panel_never_shows_a_secret_of_it(provider, panel):
    shown = (await panel.ask("GET", "/plugins/whatsapp")).text

    for secret in (fake_twilio.TOKEN, fake_meta.TOKEN, fake_meta.APP_SECRET, fake_meta.VERIFY_TOKEN):
        assert secret not in shown


async def test_a_report_that_somebody_else_signed_is_refused(provider, worker, shop, panel, host):
    await place(worker, shop)
    await worker.done()
    headers = {"x-twilio-signature": "AAAA", "content-type": "application/x-www-form-urlencoded"}
    if provider.section[0] == "meta":
        headers = {"x-hub-signature-256": "sha256=00", "content-type": "application/json"}
    answer = await host.client.post(
        f"/webhooks/plugins/whatsapp/{panel.store_id}", content=b"MessageSid=SM1&MessageStatus=read", headers=headers
    )

    assert answer.status_code == 401
    assert (await message_of(panel))["status"] == "sent"
