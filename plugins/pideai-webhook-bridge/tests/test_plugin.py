import base64
from datetime import UTC, datetime, timedelta
from importlib.metadata import entry_points, version
from typing import Any
from uuid import UUID

import msgspec
import pytest
from jsonschema import Draft202012Validator
from pideai_webhook_bridge.plugin import CONFIG_SCHEMA, WebhookBridge, plugin
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from pideai_host.api import (
    ConfigRejected,
    EventType,
    Installation,
    Outcome,
    PluginEvent,
    PluginType,
    api_matches,
    slug_fault,
)

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(bytes(range(40))).decode()


# What it declares


def test_the_entry_point_is_the_plugin_and_named_as_its_slug() -> None:
    (found,) = entry_points(group="pideai.plugins", name="webhook-bridge")

    assert found.load() is plugin
    assert plugin.plugin_definition().slug == found.name


def test_the_definition_is_sound(bridge: WebhookBridge) -> None:
    definition = bridge.plugin_definition()

    assert slug_fault(definition.slug) is None
    assert definition.version == version("pideai-webhook-bridge")
    assert definition.type == PluginType.INTEGRATION
    assert set(definition.subscribed_events) == set(EventType)
    assert definition.webhook
    assert definition.repeat_safe
    assert api_matches(definition.api)


def test_the_hook_limit_is_longer_than_the_requests(bridge: WebhookBridge) -> None:
    assert bridge.plugin_definition().limits.timeout_s > 15


@pytest.mark.parametrize("config", [{}, {"events": ["order.created"]}, {"events": [t.value for t in EventType]}])
def test_a_configuration_narrows_the_events(config: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(CONFIG_SCHEMA)

    assert Draft202012Validator(CONFIG_SCHEMA).is_valid(config)


@pytest.mark.parametrize(
    "config", [{"events": []}, {"events": ["order.eaten"]}, {"events": ["order.ready"] * 2}, {"url": "x"}, []]
)
def test_any_other_configuration_is_refused(config: Any) -> None:
    assert not Draft202012Validator(CONFIG_SCHEMA).is_valid(config)


# What it sends


async def test_the_independent_library_accepts_what_arrives(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    await bridge.handle_event(event, {}, context)

    (arrived,) = receiver.received
    body = Webhook(SECRET).verify(arrived.body, arrived.headers)
    assert (body["type"], body["data"]["orderNumber"]) == ("order.created", "00000000")


async def test_another_secret_does_not_open_it(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    await bridge.handle_event(event, {}, context)

    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER_SECRET).verify(receiver.received[0].body, receiver.received[0].headers)


async def test_during_a_rotation_both_secrets_open_it(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    context.secrets.values["webhook_secret"] = f"{OTHER_SECRET} {SECRET}"
    await bridge.handle_event(event, {}, context)

    (arrived,) = receiver.received
    for secret in (SECRET, OTHER_SECRET):
        Webhook(secret).verify(arrived.body, arrived.headers)


async def test_the_headers_are_as_documented(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    await bridge.handle_event(event, {}, context)

    headers = receiver.received[0].headers
    assert headers["webhook-id"] == str(context.delivery.id)
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "PideAI-Webhooks/1.0"
    assert headers["accept-encoding"] == "identity"


async def test_each_attempt_has_its_own_time_and_the_same_id_and_body(
    event: PluginEvent, context: Any, receiver: Any
) -> None:
    start = datetime(2025, 11, 23, 4, 0, tzinfo=UTC)
    times = iter([start, start + timedelta(seconds=30)])
    bridge = WebhookBridge(now=lambda: next(times))
    await bridge.handle_event(event, {}, context)
    await bridge.handle_event(event, {}, context)

    first, second = receiver.received
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 30
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


@pytest.mark.parametrize("event_type", EventType)
async def test_every_type_is_sent_unless_told_otherwise(
    bridge: WebhookBridge, event: PluginEvent, context: Any, event_type: EventType
) -> None:
    result = await bridge.handle_event(msgspec.structs.replace(event, type=event_type, payload={}), {}, context)

    assert result.response_code == 200


async def test_a_type_that_the_store_does_not_want_is_skipped(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    result = await bridge.handle_event(event, {"events": ["order.ready"]}, context)

    assert (result.resolved, result.data) == (
        Outcome.DELIVERED,
        {"skipped": "the store does not send order.created"},
    )
    assert receiver.received == []


async def test_an_external_plugin_is_reached_at_its_own_url(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    external = Installation(id=UUID(int=9), store_id=context.store_id, plugin="acme", webhook_url=receiver.url)
    context.installation = Installation(id=UUID(int=8), store_id=context.store_id, plugin="webhook-bridge")

    result = await bridge.deliver_external(event, external, context)

    assert result.resolved == Outcome.DELIVERED
    Webhook(SECRET).verify(receiver.received[0].body, receiver.received[0].headers)


async def test_a_test_send_outside_of_a_delivery_has_the_events_id(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    context.delivery = None
    await bridge.handle_event(event, {}, context)

    assert receiver.received[0].headers["webhook-id"] == str(event.id)


# What it needs


async def test_without_a_url_the_delivery_fails(bridge: WebhookBridge, event: PluginEvent, context: Any) -> None:
    context.installation = Installation(id=UUID(int=8), store_id=context.store_id, plugin="webhook-bridge")

    result = await bridge.handle_event(event, {}, context)

    assert (result.resolved, result.error) == (Outcome.FAILED, "the installation has no webhook_url")


async def test_without_a_secret_nothing_is_sent(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    context.secrets.values.clear()

    result = await bridge.handle_event(event, {}, context)

    assert (result.resolved, result.error) == (Outcome.FAILED, "the installation has no webhook_secret")
    assert receiver.received == []


async def test_with_a_broken_secret_nothing_is_sent_and_it_is_not_told(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    context.secrets.values["webhook_secret"] = "hunter2hunter2"

    result = await bridge.handle_event(event, {}, context)

    assert result.resolved == Outcome.FAILED
    assert "hunter2" not in (result.error or "")
    assert receiver.received == []


async def test_an_installation_is_accepted_as_long_as_it_is_sound(bridge: WebhookBridge, context: Any) -> None:
    async def faults(hook: Any) -> set[str]:
        try:
            await hook(context)
        except ConfigRejected as rejected:
            return set(rejected.faults)
        return set()

    hooks = (bridge.on_install, bridge.on_config_change)
    sound = [await faults(hook) for hook in hooks]
    context.secrets.values.clear()

    assert sound == [set(), set()]
    assert [await faults(hook) for hook in hooks] == [{"/webhook_secret"}] * 2


async def test_an_installation_without_url_and_secret_is_refused_in_spanish(
    bridge: WebhookBridge, context: Any
) -> None:
    context.installation = Installation(id=UUID(int=8), store_id=context.store_id, plugin="webhook-bridge")
    context.secrets.values.clear()

    with pytest.raises(ConfigRejected) as rejected:
        await bridge.on_install(context)

    assert rejected.value.faults == {
        "/webhook_url": "Falta la dirección (URL) a la que se envían los eventos.",
        "/webhook_secret": "Falta el secreto con el que se firman los eventos.",
    }


async def test_a_change_to_a_broken_secret_is_refused_without_repeating_it(bridge: WebhookBridge, context: Any) -> None:
    context.secrets.values["webhook_secret"] = "hunter2hunter2"

    with pytest.raises(ConfigRejected) as rejected:
        await bridge.on_config_change(context)

    assert rejected.value.faults == {
        "/webhook_secret": "El secreto debe ser whsec_ seguido de 24 a 64 bytes en base64."
    }
