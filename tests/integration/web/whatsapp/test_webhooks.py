"""Providers' calls: only the genuine ones are heard, none of them is logged, and what is ours to mend comes again."""

import json
import logging
from uuid import uuid4

import pytest
from pideai_whatsapp.providers.choose import webhook_secret

from pideai_host.telemetry import REGISTRY
from whatsapp_fakes import meta as fake_meta

SUBDOMAIN = "arepas-probe"
CUSTOMER = "584141234567"
OPEN = {"instance": SUBDOMAIN, "state": "open", "statusReason": 200, "wuid": "584121234567@s.whatsapp.net"}


@pytest.fixture
def call(host, panel):
    """Call the store's address as Evolution does."""

    async def post(event="connection.update", data=OPEN, *, secret=None, instance=SUBDOMAIN, store_id=None, **headers):
        word = webhook_secret("webhook-key", panel.store_id) if secret is None else secret
        body = {"event": event, "instance": instance, "data": data, "apikey": "INSTANCE-TOKEN-CANARY"}
        return await host.client.post(
            f"/webhooks/plugins/whatsapp/{store_id or panel.store_id}",
            content=json.dumps(body),
            headers={"x-pideai-secret": word, "content-type": "application/json", **headers},
        )

    return post


async def test_a_call_with_the_stores_word_is_heard(call, panel):
    answer = await call()

    assert (answer.status_code, answer.content) == (200, b"")
    assert (await panel.status())["state"] == "open"


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("", id="none"),
        pytest.param("wrong", id="a guess"),
        pytest.param(webhook_secret("webhook-key", uuid4()), id="of another store"),
        pytest.param(webhook_secret("", uuid4()), id="of an empty key"),
    ],
)
async def test_a_call_without_the_stores_word_is_refused_and_changes_nothing(call, panel, secret):
    answer = await call(secret=secret)

    assert (answer.status_code, answer.content) == (401, b"")
    assert (await panel.status())["state"] == "unlinked"


async def test_without_an_operators_key_nobody_is_heard(call, operator):
    del operator["PIDEAI_PLUGIN_WHATSAPP_WEBHOOK_KEY"]

    assert (await call(secret="")).status_code == 401


async def test_an_old_key_is_heard_while_it_is_being_replaced(call, operator, panel):
    operator["PIDEAI_PLUGIN_WHATSAPP_WEBHOOK_KEY"] = "next-key, webhook-key"

    assert (await call()).status_code == 200
    assert (await call(secret=webhook_secret("next-key", panel.store_id))).status_code == 200


async def test_an_instance_that_reports_by_the_old_key_is_told_the_new_one(linked, panel, operator, look, age):
    operator["PIDEAI_PLUGIN_WHATSAPP_WEBHOOK_KEY"] = "next-key,webhook-key"
    linked.write(SUBDOMAIN, CUSTOMER, "¿Tienen arepas?")
    await linked.poster.settled()
    await look()

    word = webhook_secret("next-key", panel.store_id)
    assert linked.instances[SUBDOMAIN].webhook["headers"] == {"x-pideai-secret": word}


async def test_a_body_is_never_logged(call, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    await call()
    await call(secret="wrong")
    await call(event="nonsense", data=None)

    assert "CANARY" not in caplog.text + "".join(capsys.readouterr())


async def test_an_unknown_instance_and_odd_reports_are_taken_and_counted(call, panel, way, loaded):
    loaded["whatsapp"]._counts._written_s = float("-inf")
    answers = [
        await call(instance="ghost"),
        await call(event="no.such.event"),
        await call(event="messages.update", data={"keyId": "3EB0NONE", "status": "READ"}),
    ]
    loaded["whatsapp"]._counts._written_s = float("-inf")
    answers.append(await call(event="contacts.update", data=[]))
    counted = await way.rows("select what, sum(times)::int from pideai_whatsapp.counts group by what order by what")

    assert [one.status_code for one in answers] == [200] * 4
    assert (await panel.status())["state"] == "unlinked"
    assert counted == [("contacts.update", 1), ("unknown", 1), ("unknown_instance", 1), ("unknown_message", 1)]


async def test_what_cannot_be_read_is_taken(host, panel):
    bodies = [b"", b"{", b"[]", b'{"event": 5}', b'{"event":"messages.update","data":[[[]]]}', b"\xff"]
    secret = {"x-pideai-secret": webhook_secret("webhook-key", panel.store_id)}
    address = f"/webhooks/plugins/whatsapp/{panel.store_id}"
    answers = [await host.client.post(address, content=body, headers=secret) for body in bodies]

    assert {one.status_code for one in answers} == {200}


async def test_what_cannot_be_written_now_comes_again(call, shop, panel):
    await shop.connection.execute("alter table pideai_whatsapp.channels rename to gone")
    away = await call()
    await shop.connection.execute("alter table pideai_whatsapp.gone rename to channels")
    again = await call()

    assert (away.status_code, away.json()["code"], again.status_code) == (503, "webhook_not_taken", 200)
    assert (await panel.status())["state"] == "open"


async def test_a_store_that_is_not_there_is_told_from_nothing(call):
    assert (await call(store_id=uuid4())).status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_call_that_names_no_store_and_proves_nothing_is_refused(host, method):
    answer = await host.client.request(method, "/webhooks/plugins/whatsapp", content=b'{"event":"connection.update"}')

    assert answer.status_code in (401, 403)


class TestMeta:
    """Calls of Meta for several stores at one address."""

    @pytest.fixture(autouse=True)
    def app(self, operator):
        operator["PIDEAI_PLUGIN_WHATSAPP_META_APP_SECRET"] = fake_meta.APP_SECRET
        operator["PIDEAI_PLUGIN_WHATSAPP_META_VERIFY_TOKEN"] = fake_meta.VERIFY_TOKEN

    @pytest.fixture
    async def number(self, shop, panel):
        """The store has Meta now, after Evolution."""
        config = {"provider": "meta", "meta": {"phoneNumberId": fake_meta.NUMBER_ID, "apiVersion": "v23.0"}}
        await shop.connection.execute(
            "update public.store_plugins set config = %s where store_id = %s", (json.dumps(config), shop.store_id)
        )
        await shop.connection.execute(
            "insert into pideai_whatsapp.meta_numbers (phone_number_id, store_id) values (%s, %s)",
            (fake_meta.NUMBER_ID, shop.store_id),
        )
        return fake_meta.NUMBER_ID

    async def post(self, host, *changes, path="", **headers):
        body, signed = fake_meta.signed(*changes)
        return await host.client.post(f"/webhooks/plugins/whatsapp{path}", content=body, headers={**signed, **headers})

    async def test_the_challenge_is_answered_word_for_word(self, host, panel):
        query = f"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={fake_meta.VERIFY_TOKEN}"
        answers = [
            await host.client.get(f"/webhooks/plugins/whatsapp{path}?{query}") for path in ("", f"/{panel.store_id}")
        ]
        wrong = await host.client.get(f"/webhooks/plugins/whatsapp?{query}x")

        assert [(one.status_code, one.content) for one in answers] == [(200, b"1158201444")] * 2
        assert wrong.status_code == 403

    async def test_a_call_reaches_the_store_of_its_number(self, host, number, panel):
        message = {"from": CUSTOMER, "id": "wamid.1", "timestamp": "1", "type": "text", "text": {"body": "BAJA"}}
        answer = await self.post(host, fake_meta.change(number, messages=[message]), fake_meta.change("999999"))
        out = (await panel.whatsapp("GET", "/opt-outs")).json()["items"]

        assert answer.status_code == 200
        assert [one["phone"] for one in out] == [f"+{CUSTOMER}"]

    async def test_a_number_of_no_store_is_taken_and_counted(self, host, panel):
        def taken():
            return (
                REGISTRY.get_sample_value("pideai_provider_calls_total", {"plugin": "whatsapp", "result": "taken"})
                or 0.0
            )

        before = taken()
        assert (await self.post(host, fake_meta.change("999999"))).status_code == 200
        assert taken() - before == 1

    async def test_a_wrong_signature_is_refused(self, host, number, panel):
        header = {"x-hub-signature-256": "sha256=" + "0" * 64}
        answers = [
            await self.post(host, fake_meta.change(number), path=path, **header) for path in ("", f"/{panel.store_id}")
        ]

        assert [one.status_code for one in answers] == [401, 401]

    async def test_a_store_that_switched_still_hears_what_became_of_its_messages(self, host, number, panel, call, shop):
        """Messages that went out by Evolution keep their history, and their receipts still come."""
        message_id = uuid4()
        await shop.connection.execute(
            """insert into public.whatsapp_messages
                 (id, store_id, customer_phone, message_type, message_content, status)
            values (%s, %s, '+584141234567', 'manual', 'Hola', 'sent')""",
            (message_id, shop.store_id),
        )
        await shop.connection.execute(
            """insert into pideai_whatsapp.sends
                 (message_id, store_id, kind, phone, text_sha256, provider, provider_message_id, state)
            values (%s, %s, 'manual', '+584141234567', sha256('Hola'), 'evolution', 'P1', 'accepted')""",
            (message_id, shop.store_id),
        )
        receipt = await call(event="messages.update", data={"keyId": "P1", "status": "READ", "fromMe": True})
        news = await call()  # of a phone that the store uses no more
        [message] = (await panel.whatsapp("GET", "/messages")).json()["items"]
        shown = await panel.status()

        assert (receipt.status_code, news.status_code) == (200, 200)
        assert (message["status"], message["provider"]) == ("read", "evolution")
        assert (shown["provider"], shown["state"], shown["needs_phone"]) == ("meta", "open", False)
