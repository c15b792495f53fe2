"""Providers' calls reach the plugin as they are; what they did is kept before the answer says so."""

import asyncio
from uuid import UUID, uuid4

import pytest
from tests.integration.web.providers.conftest import DOOR, PAID, emit

from pideai_host.api import (
    WebhookReply,
)
from pideai_host.web.limits import WEBHOOK_BODY_MAX_BYTES, WEBHOOK_HEADERS_MAX


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
