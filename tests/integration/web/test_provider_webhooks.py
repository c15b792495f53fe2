"""Providers' calls reach the plugin as they are, get its own words, and a 2xx only for what is kept."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from pideai_host.api import (
    Limits,
    PaymentPayload,
    PluginDefinition,
    PluginType,
    WebhookReply,
    WebhookRequest,
    delivered,
    failed,
    hookimpl,
    sent,
)
from pideai_host.web.limits import WEBHOOK_BODY_MAX_BYTES, WEBHOOK_HEADERS_MAX

PAID = PaymentPayload(payment_id="p-1", amount=12, currency="USD", order_id=UUID(int=7))
DOOR = "/webhooks/plugins/probe"


class Probe:
    """A plugin whose webhook hooks do what a test tells them."""

    def __init__(self) -> None:
        self.answer: Any = WebhookReply()
        self.route: Any = []
        self.seen: list[tuple[WebhookRequest, UUID]] = []
        self.asked: list[WebhookRequest] = []

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        return PluginDefinition(
            slug="probe",
            name="Probe",
            version="1",
            type=PluginType.PAYMENT,
            subscribed_events=("payment.completed",),
            limits=Limits(timeout_s=0.5),
        )

    @hookimpl
    async def handle_event(self) -> None:
        """Deal with nothing."""

    @hookimpl
    async def route_webhook(self, request, lookup):
        self.asked.append(request)
        return await self.route(lookup) if callable(self.route) else self.route

    @hookimpl
    async def handle_webhook(self, request, config, context):
        self.seen.append((request, context.store_id))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return await self.answer(context) if callable(self.answer) else self.answer


class Bare:
    """A plugin that takes no calls."""

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        return PluginDefinition(slug="bare", name="Bare", version="1", type=PluginType.PAYMENT, subscribed_events=())


@pytest.fixture
def probe():
    return Probe()


@pytest.fixture
async def host(hosted, probe, operator):
    operator["PIDEAI_PLUGIN_PROBE_KEY"] = "operator-secret"
    return await hosted({"probe": probe, "bare": Bare()})


@pytest.fixture
def rows(admin_conn):
    async def fetch(sql, *parameters):
        return await (await admin_conn.execute(sql, parameters or None)).fetchall()

    return fetch


@pytest.fixture
def log_row(host, admin_conn):
    """Put a delivery of the probe into the log; return its id."""

    async def put(status, *, store_id=None, slug="probe"):
        delivery_id = uuid4()
        await admin_conn.execute(
            """insert into public.plugin_events_log
                 (id, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane, status)
               select %s, %s, p.id, 'payment.completed', gen_random_uuid(), gen_random_uuid(), now(), 'pideai_probe', %s
               from public.plugins p where p.slug = %s""",
            (delivery_id, store_id or host.store_id, status, slug),
        )
        return delivery_id

    return put


@pytest.fixture
def delivery(rows):
    async def read(delivery_id):
        [row] = await rows(
            "select status, error_message, data, receipt, history, processed_at is not null"
            " from public.plugin_events_log where id = %s",
            delivery_id,
        )
        return row

    return read


async def emit(context):
    context.emit("payment.completed", PAID, key="p-1")
    return WebhookReply(status=200, body=b"OK")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_call_reaches_the_plugin_as_it_is_and_is_answered_in_its_words(host, probe, method):
    probe.answer = WebhookReply(
        status=202, headers={"X-Provider": "yes", "content-type": "text/x"}, body=b"\x00\xff[ok]"
    )

    answer = await host.client.request(
        method, f"{DOOR}/{host.store_id}?a=1&b=%20", content=b"\x01\x02", headers=[("X-Sig", "one"), ("X-Sig", "two")]
    )

    [(request, store_id)] = probe.seen
    assert (request.method, request.query, request.body, request.headers["x-sig"]) == (
        method,
        "a=1&b=%20",
        b"\x01\x02",
        "two",
    )
    assert (request.path, store_id) == (f"{DOOR}/{host.store_id}", host.store_id)
    assert (answer.status_code, answer.content) == (202, b"\x00\xff[ok]")
    assert (answer.headers["x-provider"], answer.headers["content-type"]) == ("yes", "text/x")


async def test_an_answer_has_no_type_that_the_plugin_did_not_give(host):
    answer = await host.client.post(f"{DOOR}/{host.store_id}")

    assert (answer.status_code, answer.content, "content-type" in answer.headers) == (200, b"", False)


async def test_without_a_store_the_plugin_says_whose_it_is_and_each_is_asked_once(host, probe):
    other = await host.new_store()
    await host.install("probe", store_id=other)
    probe.route = [host.store_id, other, host.store_id]

    answer = await host.client.post(DOOR, content=b"batch")

    assert answer.status_code == 200
    assert sorted(store for _, store in probe.seen) == sorted([host.store_id, other])
    assert {request.body for request, _ in probe.seen} == {b"batch"}


async def test_the_plugin_may_answer_at_once_without_any_store(host, probe):
    probe.route = WebhookReply(body=b"challenge-4711", headers={"content-type": "text/plain"})

    answer = await host.client.get(f"{DOOR}?hub.challenge=challenge-4711")

    assert (answer.status_code, answer.text, probe.seen) == (200, "challenge-4711", [])


async def test_stores_are_found_by_configuration_and_by_storage(host, probe):
    found = {}

    async def route(lookup):
        found["config"] = await lookup.by_config("/phone~1id", ["4711", "4712"])
        found["storage"] = await lookup.by_storage(["instance:a", "instance:b"])
        found["secret"] = lookup.operator("key")
        return [host.store_id]

    probe.route = route
    resting = await host.new_store()
    await host.install("probe", store_id=resting, config={"phone/id": "4711"}, enabled=False)
    await host.admin.execute(
        "update public.store_plugins set config = '{\"phone/id\": 4711}' where store_id = %s", (host.store_id,)
    )
    for store in (host.store_id, resting):
        await host.admin.execute(
            "insert into pideai_host.plugin_storage (store_id, plugin, key, value)"
            " values (%s, 'probe', 'instance:b', '1')",
            (store,),
        )

    assert (await host.client.post(DOOR)).status_code == 200
    assert found == {
        "config": {"4711": [host.store_id]},
        "storage": {"instance:b": [host.store_id]},
        "secret": "operator-secret",
    }


async def test_what_is_not_there_cannot_be_told_apart(host, probe):
    resting, without = await host.new_store(), await host.new_store()
    await host.install("probe", store_id=resting, enabled=False)
    answers = [
        await host.client.post(path)
        for path in (
            f"/webhooks/plugins/nothing/{host.store_id}",
            f"/webhooks/plugins/bare/{host.store_id}",
            f"{DOOR}/{uuid4()}",
            f"{DOOR}/{without}",
            f"{DOOR}/{resting}",
            DOOR,
            "/webhooks/plugins/bare",
            "/webhooks/plugins/NOT-A-SLUG",
        )
    ]

    bodies = [{**answer.json(), "instance": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert all(body == bodies[0] for body in bodies)
    assert probe.seen == []


async def test_only_get_and_post_are_known(host):
    assert (await host.client.put(f"{DOOR}/{host.store_id}")).status_code == 405


async def test_a_body_that_is_too_large_never_reaches_the_plugin(host, probe):
    answer = await host.client.post(f"{DOOR}/{host.store_id}", content=b"x" * (WEBHOOK_BODY_MAX_BYTES + 1))

    assert (answer.status_code, answer.json()["code"], probe.seen) == (413, "body_too_large", [])


async def test_headers_without_measure_never_reach_the_plugin(host, probe):
    many = {f"x-{n}": "1" for n in range(WEBHOOK_HEADERS_MAX + 1)}
    answers = [
        await host.client.post(f"{DOOR}/{host.store_id}", headers=headers) for headers in (many, {"x": "y" * 40_000})
    ]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(431, "headers_too_large")] * 2
    assert probe.seen == []


async def test_what_is_emitted_is_written_before_the_answer_with_its_deliveries(host, probe, rows):
    probe.answer = emit

    answer = await host.client.post(f"{DOOR}/{host.store_id}")

    assert (answer.status_code, answer.content) == (200, b"OK")
    [(kind, source, entity, payload)] = await rows(
        "select type, source, entity_id, payload from public.plugin_events where store_id = %s", host.store_id
    )
    assert (kind, source, entity, payload["paymentId"]) == ("payment.completed", "emit", str(UUID(int=7)), "p-1")
    assert await rows("select status from public.plugin_events_log") == [("pending",)]


async def test_what_is_emitted_in_bulk_goes_to_the_bulk_lane(host, probe, rows):
    async def campaign(context):
        context.emit("payment.completed", PAID, key="p-1", bulk=True)
        return WebhookReply()

    probe.answer = campaign
    await host.client.post(f"{DOOR}/{host.store_id}")

    assert await rows("select lane from public.plugin_events_log") == [("pideai_probe__bulk",)]


async def test_a_call_that_comes_again_emits_nothing_twice(host, probe, rows):
    probe.answer = emit

    answers = [await host.client.post(f"{DOOR}/{host.store_id}") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert await rows("select count(*) from public.plugin_events") == [(1,)]


async def test_the_same_key_is_another_event_in_another_store(host, probe, rows):
    other = await host.new_store()
    await host.install("probe", store_id=other)
    probe.route, probe.answer = [host.store_id, other], emit

    await host.client.post(DOOR)

    assert await rows("select count(distinct id), count(*) from public.plugin_events") == [(2, 2)]


async def test_nothing_is_written_for_a_call_that_the_plugin_refuses(host, probe, rows):
    async def refuse(context):
        context.emit("payment.completed", PAID, key="p-1")
        return WebhookReply(status=401, body=b"bad signature")

    probe.answer = refuse

    answer = await host.client.post(f"{DOOR}/{host.store_id}")

    assert (answer.status_code, answer.content) == (401, b"bad signature")
    assert await rows("select count(*) from public.plugin_events") == [(0,)]


async def test_what_could_not_be_kept_gets_no_2xx(host, probe, rows):
    probe.answer = emit
    await host.admin.execute("revoke insert on public.plugin_events from pideai_host")

    answer = await host.client.post(f"{DOOR}/{host.store_id}")

    assert (answer.status_code, answer.json()["code"]) == (503, "webhook_not_taken")
    assert answer.headers["retry-after"]


async def test_what_the_database_refuses_gets_no_2xx(host, probe, rows):
    async def emit_nul(context):
        context.emit("probe.thing", {"text": "a\x00b"}, key="1")
        return WebhookReply()

    probe.answer = emit_nul

    assert (await host.client.post(f"{DOOR}/{host.store_id}")).status_code == 503
    assert await rows("select count(*) from public.plugin_events") == [(0,)]


@pytest.mark.parametrize(
    "answer",
    [
        ValueError("secret words"),
        SystemExit(1),
        None,
        "OK",
        WebhookReply(status=99),
        WebhookReply(status="200"),
        WebhookReply(body="text"),
        WebhookReply(headers={"x": "a\r\nset-cookie: b"}),
        WebhookReply(headers={"x y": "a"}),
        WebhookReply(headers={"Content-Length": "7"}),
        WebhookReply(body=b"x" * 1_100_000),
    ],
    ids=repr,
)
async def test_a_plugin_that_fails_has_the_provider_send_again(host, probe, answer):
    probe.answer = answer

    got = await host.client.post(f"{DOOR}/{host.store_id}")

    assert (got.status_code, got.json()["code"]) == (503, "webhook_not_taken")
    assert "secret" not in got.text


async def test_a_plugin_that_hangs_has_the_provider_send_again(host, probe):
    async def hang(context):
        await asyncio.Event().wait()

    probe.answer = hang

    assert (await host.client.post(f"{DOOR}/{host.store_id}")).status_code == 503


@pytest.mark.parametrize(
    "route", [None, "x", ["x"], [uuid4() for _ in range(101)], 7], ids=["none", "text", "texts", "too_many", "number"]
)
async def test_a_plugin_that_routes_to_nowhere_has_the_provider_send_again(host, probe, route):
    probe.route = route

    assert (await host.client.post(DOOR)).status_code == 503
    assert probe.seen == []


async def test_one_store_that_fails_has_the_whole_call_come_again_and_the_others_are_kept(host, probe, rows):
    other = await host.new_store()
    await host.install("probe", store_id=other)
    probe.route = [other, host.store_id]

    async def fail_for_other(context):
        if context.store_id == other:
            raise ValueError("no")
        return await emit(context)

    probe.answer = fail_for_other

    assert (await host.client.post(DOOR)).status_code == 503
    assert await rows("select store_id from public.plugin_events") == [(host.store_id,)]


async def test_one_store_that_refuses_decides_the_answer(host, probe):
    other = await host.new_store()
    await host.install("probe", store_id=other)
    probe.route = [host.store_id, other]

    async def refuse_for_other(context):
        return WebhookReply(status=409 if context.store_id == other else 200)

    probe.answer = refuse_for_other

    assert (await host.client.post(DOOR)).status_code == 409


def settles(delivery_id, result):
    async def settle(context):
        context.deliveries.settle(delivery_id, result)
        return WebhookReply()

    return settle


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


async def _statuses(host):
    return await (await host.admin.execute("select status from public.plugin_events_log")).fetchall()


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
