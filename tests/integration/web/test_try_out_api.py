"""An owner tries a plugin out: its hook is called for real, but for credits, log, breaker and emitted events."""

import pytest

from pideai_host.api import PluginDefinition, PluginType, failed, hookimpl


class Courier:
    def __init__(self):
        self.calls = []
        self.answer = None

    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="courier",
            name="Courier",
            version="1",
            type=PluginType.DELIVERY,
            subscribed_events=("order.created", "customer.registered", "courier.left"),
            config_schema={"type": "object", "properties": {"key": {"type": "string", "writeOnly": True}}},
        )

    @hookimpl
    async def handle_event(self, event, config, context):
        self.calls.append((event, context.delivery))
        if callable(self.answer):
            return await self.answer(event, context)
        return self.answer


@pytest.fixture
def courier():
    return Courier()


@pytest.fixture
async def host(hosted, courier):
    return await hosted({"courier": courier})


async def send(host, event_type="order.created", **more):
    return await host.ask("POST", "/plugins/courier/test", json={"event_type": event_type, **more})


async def test_the_hook_is_called_once_with_an_event_that_says_test(host, courier):
    answer = await send(host)

    ((event, delivery),) = courier.calls
    assert (answer.status_code, answer.json()["outcome"]) == (200, "delivered")
    assert (event.metadata, event.store_id, delivery.attempt) == ({"source": "test", "test": True}, host.store_id, 1)
    assert answer.json()["delivery_id"] == str(delivery.id)


async def test_nobody_is_reached_unless_the_owner_says_whom(host, courier):
    await send(host)
    await send(host, payload={"customerPhone": "04141112233"})

    phones = [event.payload.customer_phone for event, _ in courier.calls]
    assert phones == [None, "04141112233"]


async def test_what_a_plugin_answers_is_told_without_its_secrets(host, courier):
    installation = (await (await host.admin.execute("select id from public.store_plugins")).fetchone())[0]
    await host.seal(installation, "courier", "/key", "CANARY-CANARY")

    async def quote(_, context):
        return failed(f"refused {await context.secrets.get('/key')}", response_code=403, response_body="CANARY-CANARY")

    courier.answer = quote

    answer = await send(host)

    assert (answer.json()["outcome"], answer.json()["response_code"]) == ("failed", 403)
    assert "CANARY" not in answer.text


async def test_what_a_plugin_raises_is_an_outcome(host, courier):
    async def fall(event, context):
        raise ValueError("oops")

    courier.answer = fall

    answer = await send(host)

    assert (answer.status_code, answer.json()["outcome"]) == (200, "retry")
    assert "oops" in answer.json()["error"]


async def test_no_credit_is_taken_and_nothing_is_logged(host, courier):
    async def spend(event, context):
        await context.credits.reserve()
        context.emit("courier.left", {"a": 1}, key="k")
        await context.credits.charge()

    courier.answer = spend

    answer = await send(host)

    assert (answer.json()["outcome"], answer.json()["emitted"]) == ("delivered", ["courier.left"])
    for table in ("public.plugin_events", "public.plugin_events_log", "pideai_host.credit_ledger"):
        assert await (await host.admin.execute(f"select from {table}")).fetchall() == []


async def test_a_disabled_plugin_can_be_tried_out(host, courier):
    await host.admin.execute("update public.store_plugins set enabled = false")

    assert (await send(host)).status_code == 200


async def test_a_plugin_s_own_type_takes_any_payload(host, courier):
    await send(host, "courier.left", payload={"at": "door"})

    assert courier.calls[0][0].payload == {"at": "door"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"event_type": "order.ready"}, 404, "event_type_unknown"),
        ({"event_type": "no.such"}, 404, "event_type_unknown"),
        ({"event_type": "order.created", "payload": {"total": "much"}}, 422, "sample_rejected"),
        ({"event_type": "order.created", "more": 1}, 400, "body_rejected"),
        ({}, 400, "body_rejected"),
    ],
)
async def test_a_wrong_wish_calls_nobody(host, courier, body, status, code):
    answer = await host.ask("POST", "/plugins/courier/test", json=body)

    assert (answer.status_code, answer.json()["code"], courier.calls) == (status, code, [])


async def test_it_is_in_the_audit_trail(host):
    await send(host)

    (line,) = (await host.ask("GET", "/audit?action=plugin.tested")).json()["items"]
    assert (line["plugin"], line["detail"]) == ("courier", {"event_type": "order.created"})


async def test_event_types_are_listed_with_what_plugins_added(host):
    headers = {"authorization": f"Bearer {host.signer.token(host.owner_id)}"}

    listed = (await host.client.get("/api/event-types", headers=headers)).json()["items"]
    one = (await host.client.get("/api/event-types/order.created", headers=headers)).json()

    assert len(listed) == 13
    assert (listed[-1]["type"], listed[-1]["is_builtin"]) == ("courier.left", False)
    assert (one["plugins"], one["payload_schema"]["$schema"][:6]) == (["courier"], "https:")
    payload = one["payload_schema"]["$defs"]["OrderCreatedPayload"]
    assert payload["description"] == "A new order, with its items."
    assert payload["properties"]["items"]["description"] == "In the order in which they were written."
