"""The worker from claim to settled outcome, with a plugin that does what the test says."""

import asyncio

import httpx
import msgspec
import pytest
from structlog.testing import capture_logs
from tests.integration.events.conftest import bring, limited, rebuilt, run_until

from pideai_host.api import (
    CreditsExhausted,
    PaymentPayload,
    delivered,
    failed,
    retry,
    unknown,
    wait,
)

PAYMENT = PaymentPayload(payment_id="p1", amount=5, currency="USD")


async def test_a_delivered_event_is_logged_with_its_attempt(working, shop):
    await bring(working, shop)
    await working.done()
    [[history]] = await working.rows("select history from public.plugin_events_log")

    assert [(one["attempt"], one["outcome"]) for one in history] == [(1, "delivered")]


async def test_a_plugin_that_fails_twice_is_called_a_third_time(working, shop, probe):
    probe.answers = [retry("503", response_code=503), ValueError("a bug")]
    await bring(working, shop)

    assert await working.done() == [("delivered", 3, None)]


async def test_every_attempt_has_the_same_idempotency_key_and_its_number(working, shop, probe):
    seen = []

    async def note(context):
        seen.append(context.delivery.id)
        return retry("again")

    probe.answers = [note, note]
    await bring(working, shop)
    await working.done()

    assert (len(set(seen)), probe.attempts) == (1, [1, 2, 3])


async def test_the_fourth_failure_is_the_last(working, shop, probe):
    probe.answers = [retry("503")] * 9
    await bring(working, shop)

    assert await working.done() == [("failed", 4, "gave up after 4 attempts: 503")]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (failed("no such number"), "failed"),
        (unknown("lost"), "unknown"),
        (CreditsExhausted("none left"), "failed"),
        (SystemExit(1), "delivered"),
    ],
    ids=["failed", "unknown", "no_credits", "exit"],
)
async def test_each_ending_is_told(working, shop, probe, answer, status):
    probe.answers = [answer]
    await bring(working, shop)

    assert (await working.done())[0][0] == status


async def test_waiting_uses_no_attempt(working, shop, probe):
    probe.answers = [wait("the channel is down", retry_after_s=0.0)]
    await bring(working, shop)

    assert await working.done() == [("delivered", 1, None)]


async def test_an_unreachable_receiver_is_retried(working, shop, probe):
    async def post(context):
        return await context.http.post("http://127.0.0.1:1/hook", content=b"{}")

    probe.answers = [post]
    await bring(working, shop)
    await working.done()

    assert probe.attempts == [1, 2]


async def test_a_time_out_of_the_plugins_own_making_is_retried(working, shop, probe):
    probe.answers = [httpx.ReadTimeout("nothing of ours left")]
    await bring(working, shop)

    assert await working.done() == [("delivered", 2, None)]


async def test_a_hook_that_hangs_is_ended_by_its_limit(way, shop, probe):
    probe.definition = msgspec.structs.replace(
        probe.definition, limits=msgspec.structs.replace(probe.definition.limits, timeout_s=0.05)
    )
    way.registry.__init__(*rebuilt(probe))

    async def hang(context):
        await asyncio.Event().wait()

    probe.answers = [hang] * 9
    worker = way.worker()
    await worker.start()
    await bring(way, shop)
    log = await way.done()
    await worker.stop()

    assert log == [
        ("failed", 4, "gave up after 4 attempts: HookTimeout: probe: handle_event did not end within 0.05 s")
    ]


async def test_an_emitted_event_is_kept(working, shop, probe):
    async def pay(context):
        context.emit("payment.completed", PAYMENT, key="p1")
        return delivered()

    probe.answers = [pay]
    await bring(working, shop)
    await working.done(2)

    assert [event.type for event in probe.calls] == ["order.updated", "payment.completed"]


async def test_what_is_emitted_in_bulk_is_delivered_from_the_bulk_lane(working, shop, probe):
    async def pay(context):
        context.emit("payment.completed", PAYMENT, key="p1", bulk=True)
        return delivered()

    probe.answers = [pay]
    await bring(working, shop)
    await working.done(2)

    assert await working.rows("select event_type, lane from public.plugin_events_log order by lane") == [
        ("order.updated", "pideai_probe"),
        ("payment.completed", "pideai_probe__bulk"),
    ]


async def test_what_a_call_emitted_before_it_raised_is_not_kept_but_for_the_call_that_returns(working, shop, probe):
    def emitting(key, end):
        async def answer(context):
            context.emit("payment.completed", PAYMENT, key=key)
            return await end()

        return answer

    async def raising():
        raise RuntimeError("after emit")

    async def returning():
        return retry("not yet", retry_after_s=0.01)

    async def nonsense():
        return "delivered"

    probe.answers = [emitting("raised", raising), emitting("no result", nonsense), emitting("returned", returning)]
    await bring(working, shop)
    await working.done(2)

    assert [event.type for event in probe.calls if event.type != "order.updated"] == ["payment.completed"]
    assert await working.rows("select count(*) from public.plugin_events_log") == [(2,)]


async def test_what_is_too_old_expires(way, shop, probe):
    probe.definition = msgspec.structs.replace(probe.definition, max_age_s=60.0)
    way.registry.__init__(*rebuilt(probe))
    await bring(way, shop)
    await shop.connection.execute("update public.plugin_events set occurred_at = now() - interval '2 minutes'")
    worker = way.worker()
    await worker.start()
    log = await way.done()
    await worker.stop()

    assert (log[0][0], probe.calls) == ("expired", [])


async def test_the_age_of_what_is_replayed_counts_from_the_replay(way, shop, probe):
    probe.definition = msgspec.structs.replace(probe.definition, max_age_s=60.0)
    way.registry.__init__(*rebuilt(probe))
    await bring(way, shop)
    await shop.connection.execute("update public.plugin_events set occurred_at = now() - interval '2 minutes'")
    await shop.connection.execute("update public.plugin_events_log set replayed_at = now()")
    worker = way.worker()
    await worker.start()
    log = await way.done()
    await worker.stop()

    assert (log[0][0], len(probe.calls)) == ("delivered", 1)


async def test_a_disabled_stores_deliveries_are_parked(way, shop, probe, until):
    await bring(way, shop)
    await shop.connection.execute("update public.store_plugins set enabled = false, revision = revision + 1")
    await run_until(
        way, "select 1 from public.plugin_events_log where park_reason = 'disabled' and msg_id is null", until
    )

    assert (await way.statuses(), probe.calls) == (["pending"], [])


async def test_an_uninstalled_plugins_deliveries_are_cancelled(way, shop, probe, until):
    await bring(way, shop)
    await shop.connection.execute("delete from public.store_plugins")
    await run_until(way, "select 1 from public.plugin_events_log where status = 'cancelled'", until)

    assert probe.calls == []


async def test_no_more_calls_of_a_plugin_run_at_once_than_it_says(way, shop, probe, until):
    go_on, running, most = asyncio.Event(), 0, 0

    async def note(_):
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 2:
            go_on.set()
        await go_on.wait()
        await asyncio.sleep(0)
        running -= 1
        return delivered()

    limited(way, probe, concurrency=2)
    probe.answers = [note] * 6
    for _ in range(6):
        await bring(way, shop)
    await run_until(
        way, "select 1 from public.plugin_events_log having count(*) filter (where status = 'delivered') = 6", until
    )

    assert most == 2


async def test_a_changed_configuration_is_seen_by_the_next_delivery(working, shop, probe):
    seen = []

    async def note(context):
        seen.append(context.config)
        return delivered()

    probe.answers = [note, note]
    await bring(working, shop)
    await working.done(1)
    await shop.connection.execute("update public.store_plugins set config = '{\"a\": 1}', revision = revision + 1")
    await bring(working, shop)
    await working.done(2)

    assert seen == [{}, {"a": 1}]


async def test_what_failed_for_good_is_a_line_of_the_log_without_the_plugin_s_words(working, shop, probe, until):
    probe.answers = [failed("Ana, 04141234567, has no WhatsApp", response_code=404)]
    with capture_logs() as lines:

        async def failures():
            return [one for one in lines if one["event"] == "deliveries_failed"]

        await working.door.receive(await shop.order())
        [line] = await until(failures)

    [(delivery_id,)] = await working.rows("select id from public.plugin_events_log")
    assert (line["plugin"], line["outcome"], line["code"], line["deliveries"]) == ("probe", "failed", 404, 1)
    assert line["first"] == str(delivery_id)
    assert "Ana" not in str(lines)
