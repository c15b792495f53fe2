"""What became of a delivery that was sent is told by a provider's call, once, and moves it forward only."""

import json
from uuid import uuid4

import pytest
from tests.integration.web.providers.conftest import DOOR, _statuses, emit, settles

from pideai_host.api import (
    WebhookReply,
    delivered,
    failed,
    sent,
)


@pytest.mark.parametrize("before", ["sent", "unknown"])
async def test_a_delivery_whose_result_was_to_come_is_settled(host, probe, log_row, delivery, before):
    delivery_id = await log_row(before)
    probe.answer = settles(delivery_id, delivered({"read": True}))

    assert (await host.client.post(f"{DOOR}/{host.store_id}")).status_code == 200

    status, error, data, receipt, [entry], is_processed = await delivery(delivery_id)
    assert (status, error, data, receipt, is_processed) == ("delivered", None, {"read": True}, None, True)
    assert (entry["outcome"], entry["receipt"]) == ("delivered", True)


async def test_a_delivery_may_turn_out_to_have_failed(host, probe, log_row, delivery):
    delivery_id = await log_row("sent")
    probe.answer = settles(delivery_id, failed("the number has no WhatsApp"))

    await host.client.post(f"{DOOR}/{host.store_id}")

    assert (await delivery(delivery_id))[:2] == ("failed", "the number has no WhatsApp")


@pytest.mark.parametrize("before", ["delivered", "failed", "expired", "cancelled"])
async def test_what_has_ended_stays_as_it_is(host, probe, log_row, delivery, before):
    delivery_id = await log_row(before)
    untouched = await delivery(delivery_id)
    probe.answer = settles(delivery_id, failed("late"))

    assert (await host.client.post(f"{DOOR}/{host.store_id}")).status_code == 200
    assert await delivery(delivery_id) == untouched


async def test_a_result_told_twice_is_noted_once(host, probe, log_row, delivery):
    delivery_id = await log_row("sent")
    probe.answer = settles(delivery_id, delivered())

    for _ in range(2):
        await host.client.post(f"{DOOR}/{host.store_id}")

    assert len((await delivery(delivery_id))[4]) == 1


async def test_a_delivery_of_another_store_or_plugin_is_passed_over(host, probe, log_row, delivery):
    elsewhere = await host.new_store()
    for delivery_id in (await log_row("sent", store_id=elsewhere), await log_row("sent", slug="bare"), uuid4()):
        probe.answer = settles(delivery_id, delivered())
        assert (await host.client.post(f"{DOOR}/{host.store_id}")).status_code == 200

    assert {row[0] for row in await _statuses(host)} == {"sent"}


async def test_what_is_emitted_and_what_is_settled_is_written_together_or_not_at_all(host, probe, log_row, delivery):
    delivery_id = await log_row("sent")

    async def both(context):
        context.deliveries.settle(delivery_id, delivered())
        context.emit("probe.thing", {"text": "a\x00b"}, key="1")
        return WebhookReply()

    probe.answer = both

    assert (await host.client.post(f"{DOOR}/{host.store_id}")).status_code == 503
    assert (await delivery(delivery_id))[0] == "sent"


async def test_both_are_written(host, probe, log_row, delivery, rows):
    delivery_id = await log_row("sent")

    async def both(context):
        context.deliveries.settle(delivery_id, delivered())
        return await emit(context)

    probe.answer = both

    assert (await host.client.post(f"{DOOR}/{host.store_id}")).status_code == 200
    assert (await delivery(delivery_id))[0] == "delivered"
    assert await rows("select count(*) from public.plugin_events") == [(1,)]


@pytest.mark.parametrize("result", [sent(), None, "delivered"])
async def test_only_an_end_settles(host, probe, log_row, delivery, result):
    delivery_id = await log_row("sent")
    probe.answer = settles(delivery_id, result)

    assert (await host.client.post(f"{DOOR}/{host.store_id}")).status_code == 503
    assert (await delivery(delivery_id))[0] == "sent"


async def test_a_payment_order_is_named_as_json_numbers(host, probe, rows):
    probe.answer = emit
    await host.client.post(f"{DOOR}/{host.store_id}")

    [(payload,)] = await rows("select payload::text from public.plugin_events")
    assert json.loads(payload)["amount"] == 12
