"""Replays over HTTP: of one, of many, followed, cancelled, and for the store's own owner alone."""

from uuid import uuid4

import pytest
from tests.integration.web.replays.conftest import BULK, CANARY, SINCE, rows

from pideai_host.events.replay_job import ReplayJob


async def test_an_undelivered_one_is_replayed_as_it_is(api, seed):
    [delivery] = await seed("failed")
    answer = await api.ask("POST", f"/deliveries/{delivery}/replay")
    shown = (await api.ask("GET", f"/deliveries/{delivery}")).json()

    assert (answer.status_code, answer.json()["delivery_id"], answer.json()["is_copy"]) == (202, str(delivery), False)
    assert (shown["status"], shown["attempts"]) == ("pending", 0)
    assert shown["history"][-1]["by"] == f"user {api.owner_id}"
    assert api.told == [{BULK}]


async def test_a_delivered_one_is_replayed_as_a_copy_once_for_each_key(api, seed):
    [delivery] = await seed("delivered")
    answers = [
        (await api.ask("POST", f"/deliveries/{delivery}/replay", key=key)).json()["delivery_id"] for key in "aab"
    ]
    listed = (await api.ask("GET", "/deliveries")).json()["items"]

    assert answers[0] == answers[1] != answers[2]
    assert sorted((one["replay_of"] or "") for one in listed) == ["", str(delivery), str(delivery)]


async def test_a_pending_one_is_refused(api, seed):
    [delivery] = await seed("pending")
    answer = await api.ask("POST", f"/deliveries/{delivery}/replay")

    assert (answer.status_code, answer.json()["code"]) == (409, "delivery_pending")


async def test_untaken_events_are_listed_and_replayed(api, seed):
    made = await seed("untaken", "failed", "untaken")
    untaken = await api.ids("/events", untaken=True)
    answer = await api.ask("POST", f"/events/{made[0]}/replay")

    assert untaken == [made[0], made[2]]
    assert (answer.status_code, len(answer.json()["made"])) == (202, 1)
    assert await api.ids("/events", untaken=True) == [made[2]]
    assert len(await api.ids("/events")) == 3


async def test_an_event_without_a_taker_is_refused(api, shop, seed):
    [event] = await seed("untaken")
    await shop.connection.execute("update public.store_plugins set enabled = false")
    answer = await api.ask("POST", f"/events/{event}/replay")

    assert (answer.status_code, answer.json()["code"]) == (409, "not_replayable")


async def test_a_range_is_counted_replayed_and_followed_to_its_end(api, pool, shop, seed):
    await seed("failed", "delivered", "expired")
    counted = await api.ask("POST", "/replays/preview", body={"since": SINCE})
    begun = await api.ask("POST", "/replays", body={"since": SINCE, "per_s": 100})
    await shop.connection.execute("update pideai_host.replays set paced_at = now() - interval '1 day'")
    await ReplayJob(pool, on_lanes=lambda _: None).run()
    shown = (await api.ask("GET", f"/replays/{begun.json()['id']}")).json()

    assert counted.json() == {"count": 2, "is_exact": True}
    assert (begun.status_code, begun.json()["status"], begun.json()["total"]) == (202, "running", 2)
    assert (shown["done"], shown["replayed"], shown["unsettled"]) == (2, 2, 2)
    assert shown["requested_by"] == f"user {api.owner_id}"
    assert [one["id"] for one in (await api.ask("GET", "/replays")).json()["items"]] == [shown["id"]]


async def test_a_range_begun_twice_under_one_key_is_one(api, seed):
    await seed("failed")
    begun = [(await api.ask("POST", "/replays", body={"since": SINCE}, key="k")).json()["id"] for _ in range(2)]

    assert begun[0] == begun[1]


async def test_a_range_is_cancelled(api, seed):
    await seed("failed")
    begun = (await api.ask("POST", "/replays", body={"since": SINCE})).json()
    answer = await api.ask("POST", f"/replays/{begun['id']}/cancel")

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "body_rejected"),
        ({"since": "2026-01-01T00:00:00"}, 400, "body_rejected"),
        ({"since": SINCE, "statuses": ["pending"]}, 400, "body_rejected"),
        ({"since": SINCE, "statuses": []}, 400, "body_rejected"),
        ({"since": SINCE, "more": 1}, 400, "body_rejected"),
        ({"since": SINCE, "until": "2020-01-01T00:00:00Z"}, 400, "body_rejected"),
        ({"since": "9999-12-31T23:59:59.999999-14:00"}, 400, "body_rejected"),
        ({"since": "0001-01-01T00:00:00+05:00"}, 400, "body_rejected"),
        ({"since": SINCE, "per_s": 1000}, 400, "body_rejected"),
        ({"since": SINCE, "plugin": "another"}, 404, "plugin_unknown"),
        ({"since": SINCE, "plugin": "NO"}, 404, "plugin_unknown"),
    ],
    ids=[
        "no time",
        "no zone",
        "pending",
        "no status",
        "unknown field",
        "ends before",
        "after UTC",
        "before UTC",
        "too fast",
        "unknown plugin",
        "no slug",
    ],
)
async def test_a_range_that_makes_no_sense_is_refused(api, body, status, code):
    answer = await api.ask("POST", "/replays", body=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_fourth_replay_at_once_is_refused(api):
    answers = [await api.ask("POST", "/replays", body={"since": SINCE}) for _ in range(4)]

    assert [one.status_code for one in answers] == [202, 202, 202, 409]
    assert answers[3].json()["code"] == "replays_busy"


async def test_another_owner_is_told_of_no_such_store_and_changes_nothing(api, shop, paths):
    before = await rows(shop, "select id, status, history from public.plugin_events_log order by id")
    answers = [await api.ask(method, path, body=body, user_id=uuid4()) for method, path, body in paths]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(404, "store_unknown")] * len(paths)
    assert await rows(shop, "select id, status, history from public.plugin_events_log order by id") == before
    assert await rows(shop, "select status, count(*) from pideai_host.replays group by 1") == [("running", 1)]


async def test_what_belongs_to_another_store_is_unknown_to_an_owner(api, shop, paths):
    for table in ("public.plugin_events_log", "public.plugin_events"):
        await shop.connection.execute(f"update {table} set store_id = gen_random_uuid()")
    await shop.connection.execute("update pideai_host.replays set store_id = null")
    answers = [await api.ask(method, path, body=body) for method, path, body in paths]

    assert [(one.status_code, one.json().get("code")) for one in answers] == [
        (200, None),
        (404, "delivery_unknown"),
        (404, "delivery_unknown"),
        (200, None),
        (404, "event_unknown"),
        (200, None),
        (202, None),
        (200, None),
        (404, "replay_unknown"),
        (404, "replay_unknown"),
    ]
    assert answers[0].json()["items"] == answers[3].json()["items"] == []
    assert answers[5].json()["count"] == 0


async def test_no_answer_holds_a_secret_or_a_configuration(api, shop, paths):
    await shop.connection.execute(
        "update public.store_plugins set config = jsonb_build_object('key', %s::text), webhook_secret = %s",
        (CANARY, CANARY),
    )
    answers = [await api.ask(method, path, body=body) for method, path, body in paths]

    assert CANARY not in "".join(one.text for one in answers)


async def test_what_was_made_is_found_where_the_answer_says(api, seed):
    (delivery,) = await seed("failed")
    begun = await api.ask("POST", "/replays", body={"since": SINCE})
    again = await api.ask("POST", f"/deliveries/{delivery}/replay")
    places = [answer.headers["location"].partition(f"/api/stores/{api.store_id}")[2] for answer in (begun, again)]

    assert places == [f"/replays/{begun.json()['id']}", f"/deliveries/{delivery}"]
    assert [(await api.ask("GET", place)).status_code for place in places] == [200, 200]


async def test_replays_are_listed_page_by_page(api):
    begun = [(await api.ask("POST", "/replays", body={"since": SINCE})).json()["id"] for _ in range(3)]
    first = (await api.ask("GET", "/replays", limit=2)).json()
    second = (await api.ask("GET", "/replays", limit=2, cursor=first["next_cursor"])).json()

    assert [one["id"] for one in first["items"] + second["items"]] == begun[::-1]
    assert second["next_cursor"] is None
