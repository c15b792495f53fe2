"""What makes no sense, in an answer or in a row, harms its own delivery at most, and no other's."""

import json
from datetime import datetime, tzinfo
from decimal import Decimal

import msgspec
import pytest
from tests.integration.events.conftest import bring

from pideai_host.api import PaymentPayload, PluginEventResult, delivered

PAYMENT = PaymentPayload(payment_id="p1", amount=5, currency="USD")


@pytest.mark.parametrize(
    "answer",
    [
        PluginEventResult(success=True, response_code="two hundred"),
        PluginEventResult(success=False, error=7),
        PluginEventResult(success=False, retry_after_s="soon"),
        PluginEventResult(success=True, response_code=2**40),
        delivered({"nul": "\x00"}),
        delivered({"nan": Decimal("NaN")}),
    ],
    ids=["text_as_code", "number_as_error", "text_as_delay", "code_beyond_integer", "nul", "nan"],
)
async def test_an_answer_of_wrong_types_harms_nobody_else(working, shop, probe, answer):
    probe.answers = [answer]
    for _ in range(2):
        await bring(working, shop)

    assert [row[0] for row in await working.done(2)] == ["delivered", "delivered"]


async def test_an_event_that_cannot_be_encoded_gives_its_place_back(way, shop, probe):
    worker = way.worker()
    claimed_before = worker._lanes["pideai_probe"]._in_hand
    probe.answers = [emit_nonsense]
    await worker.start()
    await bring(way, shop)
    await way.done()
    await worker.stop()

    assert worker._lanes["pideai_probe"]._in_hand == claimed_before


async def emit_nonsense(context):
    context.emit("payment.completed", PAYMENT, key="p1")
    nonsense = msgspec.structs.replace(PAYMENT, amount=Decimal("NaN"))
    context.emit("payment.completed", nonsense, key="p2")
    return delivered()


async def test_what_a_plugin_changes_after_it_was_emitted_goes_out_as_it_was(way, shop, probe):
    async def spoil(context):
        payload = {"of": {"n": 1}}
        context.emit("probe.called", payload, key="p1")
        payload["of"]["n"] = object()
        return delivered()

    worker = way.worker()
    probe.answers = [spoil]
    await worker.start()
    await bring(way, shop)
    await way.done()
    await worker.stop()

    assert await way.rows("select payload from public.plugin_events where type = 'probe.called'") == [
        ({"of": {"n": 1}},)
    ]


async def test_data_that_raises_as_it_is_written_down_gives_its_place_back(way, shop, probe):
    worker = way.worker()
    probe.answers = [delivered({"at": datetime(2026, 11, 28, tzinfo=Nowhere())})]
    await worker.start()
    await bring(way, shop)
    log = await way.done()
    await worker.stop()
    lane = worker._lanes["pideai_probe"]

    assert (log[0][0], lane._in_hand, lane._unwritten) == ("delivered", 0, 0)


class Nowhere(tzinfo):
    """A time zone that knows no offset."""

    def utcoffset(self, _):
        raise RuntimeError("which way is up?")


@pytest.mark.parametrize("price", ["1e999999", "1e400", "NaN"])
async def test_a_price_beyond_reason_holds_up_no_other_order(working, shop, probe, price):
    order_id, body = await shop.insert()
    await shop.add_items(order_id)
    await shop.connection.execute(
        "update public.order_items set extras = %s where order_id = %s",
        (json.dumps([{"name": "Oro", "price": price}]), order_id),
    )
    await working.door.receive(body)
    await working.door.receive(await shop.order())

    assert [row[0] for row in await working.done(2)] == ["delivered", "delivered"]


async def test_a_payload_that_cannot_be_read_fails_alone_and_visibly(working, shop, probe):
    body = await shop.order()
    [event_id] = await working.door.receive(body)
    await shop.connection.execute("update public.plugin_events set payload = '{}' where id = %s", (event_id,))
    await working.door.receive(await shop.order())
    log = await working.done(2)

    assert sorted(row[0] for row in log) == ["delivered", "failed"]
