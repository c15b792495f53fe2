"""Event types that one plugin declares and another one hears: listed, tried out, and held to their schema."""

import pytest

from pideai_host.api import (
    PluginDefinition,
    PluginEventType,
    PluginType,
    WebhookReply,
    hookimpl,
)

SCHEMA = {"type": "object", "properties": {"number": {"type": "string"}}, "required": ["number"]}


class Courier:
    """Declares courier.late, and emits it."""

    def __init__(self):
        self.payload = {"number": "A-7"}

    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="courier", name="Courier", version="1", type=PluginType.DELIVERY, subscribed_events=()
        )

    @hookimpl
    def event_sources(self):
        return [PluginEventType(type="courier.late", payload_schema=SCHEMA, sample={"number": "A-1"})]

    @hookimpl
    async def handle_webhook(self, context):
        context.emit("courier.late", self.payload, key="1")
        return WebhookReply()


class Listener:
    """Hears it."""

    def __init__(self):
        self.heard = []

    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="listener",
            name="Listener",
            version="1",
            type=PluginType.NOTIFICATION,
            subscribed_events=("courier.late",),
        )

    @hookimpl
    async def handle_event(self, event):
        self.heard.append((event.type, event.payload))


@pytest.fixture
def courier():
    return Courier()


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture
async def host(hosted, courier, listener):
    return await hosted({"courier": courier, "listener": listener})


async def shown(host, path):
    headers = {"authorization": f"Bearer {host.signer.token(host.owner_id)}"}
    return await host.client.get(f"/api/event-types{path}", headers=headers)


async def test_it_is_listed_with_schema_sample_and_who_hears_it(host):
    answer = (await shown(host, "/courier.late")).json()
    listed = [one["type"] for one in (await shown(host, "")).json()["items"]]

    assert answer == {
        "type": "courier.late",
        "is_builtin": False,
        "plugins": ["listener"],
        "payload_schema": {"$schema": "https://json-schema.org/draft/2020-12/schema", **SCHEMA},
        "sample": {"number": "A-1"},
    }
    assert "courier.late" in listed


async def test_who_subscribes_gets_a_delivery(host):
    await host.client.post(f"/webhooks/plugins/courier/{host.store_id}")
    rows = await host.admin.execute("select event_type, lane from public.plugin_events_log")

    assert await rows.fetchall() == [("courier.late", "pideai_listener")]


async def test_a_payload_that_does_not_fit_is_not_emitted(host, courier):
    courier.payload = {"number": 7}
    answer = await host.client.post(f"/webhooks/plugins/courier/{host.store_id}")
    rows = await host.admin.execute("select count(*) from public.plugin_events")

    assert (answer.status_code, await rows.fetchall()) == (503, [(0,)])


async def test_an_owner_tries_a_plugin_out_with_its_sample(host, listener):
    fits = await host.ask("POST", "/plugins/listener/test", json={"event_type": "courier.late"})
    misfits = await host.ask(
        "POST", "/plugins/listener/test", json={"event_type": "courier.late", "payload": {"number": 7}}
    )

    assert (fits.status_code, listener.heard) == (200, [("courier.late", {"number": "A-1"})])
    assert (misfits.status_code, misfits.json()["code"]) == (422, "sample_rejected")
