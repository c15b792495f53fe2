"""A store's deliveries over HTTP: listed, narrowed, paged, shown."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from pideai_host.events import delivery_log
from pideai_host.events.replay import Replays
from pideai_host.events.replay_write import Order
from pideai_host.events.scope import EVERY_STORE


async def test_deliveries_are_listed_newest_first(api, seed):
    made = await seed("failed", "delivered", "pending")
    answer = await api.ask("GET", "/deliveries")

    assert [UUID(one["id"]) for one in answer.json()["items"]] == made
    assert (
        answer.json()["items"][0] | {"status": "failed", "plugin": "probe", "attempts": 4} == answer.json()["items"][0]
    )
    assert answer.json()["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "failed"}, [0, 3]),
        ({"status": ["failed", "delivered"]}, [0, 1, 3]),
        ({"plugin": "probe"}, [0, 1, 2, 3]),
        ({"plugin": "another"}, []),
        ({"event_type": "order.updated"}, [2, 3]),
        ({"event_type": ["order.updated", "order.ready"], "status": "failed"}, [0, 3]),
        ({"since": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}, [0, 1, 2, 3]),
        ({"until": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}, []),
    ],
    ids=["status", "statuses", "plugin", "another plugin", "type", "types and status", "since", "until"],
)
async def test_deliveries_are_narrowed_by_each_part_of_the_question(api, shop, seed, query, expected):
    await shop.connection.execute(
        "insert into public.plugins (slug, name, type) values ('another', 'Another', 'delivery')"
    )
    made = [*await seed("failed", "delivered"), *await seed("expired", "failed", event_type="order.updated")]

    assert set(await api.ids(**query)) == {made[place] for place in expected}


async def test_pages_follow_each_other_without_a_gap_or_a_repetition(api, seed):
    made = await seed(*["failed", "delivered"] * 5)
    pages, cursor = [], None
    while True:
        answer = (await api.ask("GET", "/deliveries", limit=3, **({"cursor": cursor} if cursor else {}))).json()
        pages.append([UUID(one["id"]) for one in answer["items"]])
        cursor = answer["next_cursor"]
        if cursor is None:
            break

    assert [one for page in pages for one in page] == made
    assert [len(page) for page in pages] == [3, 3, 3, 1]


async def test_deliveries_of_the_same_instant_are_paged_too(api, shop, seed):
    made = await seed(*["failed"] * 7)
    await shop.connection.execute("update public.plugin_events_log set created_at = date_trunc('day', now())")
    seen, cursor = [], None
    for _ in range(4):
        answer = (await api.ask("GET", "/deliveries", limit=2, **({"cursor": cursor} if cursor else {}))).json()
        seen += [UUID(one["id"]) for one in answer["items"]]
        cursor = answer["next_cursor"]

    assert (seen, cursor) == (sorted(made, reverse=True), None)


@pytest.mark.parametrize("path", ["/deliveries", "/events"])
async def test_a_page_looks_at_a_bounded_number_of_rows_and_says_where_it_stopped(api, seed, monkeypatch, path):
    monkeypatch.setattr(delivery_log, "EXAMINED_MAX", 4)
    await seed(*["delivered"] * 9, "failed")
    query = {"status": "failed"} if path == "/deliveries" else {"event_type": "none.such"}
    lengths, cursor = [], None
    for _ in range(3):
        answer = (await api.ask("GET", path, **query, **({"cursor": cursor} if cursor else {}))).json()
        lengths.append(len(answer["items"]))
        cursor = answer["next_cursor"]

    assert (lengths, cursor) == ([0, 0, 1] if path == "/deliveries" else [0, 0, 0], None)


@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "_" * 60])
async def test_a_cursor_that_is_not_ours_is_refused(api, cursor):
    answer = await api.ask("GET", "/deliveries", cursor=cursor)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 201},
        {"status": "nope"},
        {"since": "2026-11-28T00:00:00"},
        {"since": "2026-11-28T00:00:00Z", "until": "2026-11-27T00:00:00Z"},
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(api, query):
    answer = await api.ask("GET", "/deliveries", **query)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_a_delivery_is_shown_with_its_attempts_and_without_the_names_of_workers(api, seed):
    [delivery] = await seed("failed")
    answer = (await api.ask("GET", f"/deliveries/{delivery}")).json()

    assert answer["history"] == [{"at": "2026-11-28T01:02:03Z", "attempt": 1, "outcome": "failed"}]


async def test_a_replay_by_the_operator_does_not_tell_which_account_it_was(api, pool, seed):
    [delivery] = await seed("failed")
    order = Order("operator root", uuid4())
    await Replays(pool, on_lanes=lambda _: None).delivery(EVERY_STORE, delivery, order)
    entry = (await api.ask("GET", f"/deliveries/{delivery}")).json()["history"][-1]
    entry.pop("at")

    assert entry == {
        "outcome": "replayed",
        "by": "operator",
        "replay": str(order.replay_id),
        "from": "failed",
        "attempts": 4,
    }
