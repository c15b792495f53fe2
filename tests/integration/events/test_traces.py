"""One trace from what brought an event to the request that its plugin makes, whatever lies between."""

from uuid import uuid4

import pytest

from pideai_host.api import PaymentPayload, delivered, retry
from pideai_host.events.replay import Replays
from pideai_host.events.replay_write import Order
from pideai_host.telemetry import tracing

pytestmark = pytest.mark.usefixtures("collector")


def the(spans, name, **wanted):
    """The one span of a name that says so."""
    [found] = [one for one in spans if one.name == name and wanted.items() <= one.attributes.items()]
    return found


async def closed(until, collector, name, count=1):
    """Wait until so many spans of a name have ended: the log knows an outcome a moment before its span does."""

    async def enough():
        spans = collector.spans()
        return spans if len([one for one in spans if one.name == name]) >= count else None

    return await until(enough)


async def test_a_webhook_and_the_request_to_a_provider_are_one_trace(collector, working, shop, probe, until):
    body = await shop.order()

    async def asks(context):
        answer = await context.http.get(f"{collector.base}/token-in-path/123?phone=04141234567")
        return delivered(response_code=answer.status_code)

    probe.answers = [asks]
    with tracing.active.span("POST /webhooks/supabase", "server"):
        await working.door.receive(body)
    await working.done()

    spans = await closed(until, collector, "deliver probe")
    server, event, claim = (
        the(spans, name) for name in ("POST /webhooks/supabase", "event order.created", "deliver probe")
    )
    hook, request, settle = the(spans, "probe handle_event"), the(spans, "GET"), the(spans, "settle")
    assert {one.trace_id for one in (server, event, claim, hook, request, settle)} == {server.trace_id}
    parents = [(one.parent_id, of.span_id) for one, of in ((event, server), (claim, event), (hook, claim))]
    parents += [(request.parent_id, hook.span_id), (settle.parent_id, claim.span_id)]
    assert [given for given, _ in parents] == [wanted for _, wanted in parents]
    assert [one.kind for one in (event, claim, hook, request)] == ["producer", "consumer", "internal", "client"]
    assert claim.attributes["pideai.outcome"] == "delivered"
    assert claim.attributes["pideai.store"] == str(shop.store_id)
    assert request.attributes.keys() == {
        "http.request.method",
        "http.response.status_code",
        "server.address",
        "server.port",
        "error.type",  # the collector knows no such path
    }


async def test_every_try_lies_below_the_same_event(collector, working, shop, probe, until):
    probe.answers = [retry("not yet"), delivered()]
    await working.door.receive(await shop.order())
    await working.done()

    spans = await closed(until, collector, "deliver probe", 2)
    tries = [one for one in spans if one.name == "deliver probe"]
    event = the(spans, "event order.created")
    assert {one.parent_id for one in tries} == {event.span_id}
    told = sorted((one.attributes["pideai.attempt"], one.attributes["pideai.outcome"], one.is_error) for one in tries)
    assert told == [(1, "retry", True), (2, "delivered", False)]


async def test_what_a_call_emits_goes_on_below_it(collector, working, shop, probe, until):
    async def emits(context):
        paid = PaymentPayload(order_id=uuid4(), payment_id="p", amount=1, currency="USD", provider="probe")
        context.emit("payment.completed", paid, key="paid")
        return delivered()

    probe.answers = [emits]
    await working.door.receive(await shop.order())
    await working.done(2)

    spans = await closed(until, collector, "deliver probe", 2)
    hook = next(one for one in spans if one.name == "probe handle_event")
    emitted = the(spans, "event payment.completed")
    second = the(spans, "deliver probe", **{"pideai.event_type": "payment.completed"})
    assert (emitted.trace_id, emitted.parent_id) == (hook.trace_id, hook.span_id)
    assert second.parent_id == emitted.span_id


async def test_a_replay_is_in_the_trace_of_who_asked_for_it_and_names_its_origin(collector, working, shop, until):
    await working.door.receive(await shop.order())
    await working.done()
    [(delivery_id,)] = await working.rows("select id from public.plugin_events_log")
    replays = Replays(working.pool, on_lanes=lambda _: None)

    with tracing.active.span("POST replay", "server"):
        await replays.delivery(shop.store_id, delivery_id, Order(by="operator", replay_id=uuid4()))
    await working.done(2)

    spans = await closed(until, collector, "deliver probe", 2)
    event, asked = the(spans, "event order.created"), the(spans, "POST replay")
    again = the(spans, "deliver probe", **{"pideai.replayed": True})
    assert (again.trace_id, again.parent_id) == (asked.trace_id, asked.span_id)
    assert again.links == [(event.trace_id, event.span_id)]


async def test_what_was_not_sampled_where_it_came_in_is_recorded_nowhere(collector, working, shop, probe):
    body = await shop.order()
    with tracing.active.within(None):
        await working.door.receive(body)
    await working.done()

    [(metadata,)] = await working.rows("select metadata from public.plugin_events")
    assert (metadata, collector.spans()) == ({}, [])


async def test_an_event_that_nothing_traced_brought_begins_a_trace(collector, working, shop):
    await working.door.receive(await shop.order())
    await working.done()

    assert the(collector.spans(), "event order.created").parent_id == ""
