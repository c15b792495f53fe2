"""Owners look at their deliveries and events over HTTP and have them go again; nobody else can."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar
from litestar.datastructures import State
from litestar.testing import AsyncTestClient

from pideai_host.events import delivery_log
from pideai_host.events.delivery_log import DeliveryLog
from pideai_host.events.replay import Replays
from pideai_host.events.replay_job import ReplayJob
from pideai_host.events.replay_range import ReplayRanges
from pideai_host.events.replay_write import Order
from pideai_host.events.scope import EVERY_STORE
from pideai_host.stores.audit import AuditTrail
from pideai_host.stores.catalogue import Catalogue
from pideai_host.testing.tokens import TokenSigner
from pideai_host.web.access import StoreAccess
from pideai_host.web.auth import Verifier
from pideai_host.web.jwks import JwksCache
from pideai_host.web.problems import to_response
from pideai_host.web.readiness import Readiness
from pideai_host.web.requests import add_request_id
from pideai_host.web.routes import routes
from pideai_host.web.state import STATE_KEY, HostState

ISSUER = "https://project.test/auth/v1"
CANARY = "canary-8f2b1c"
BULK = "pideai_probe__bulk"
SINCE = "2026-01-01T00:00:00Z"

SEED = """
with placed as (
  select n, gen_random_uuid() as event_id, now() - n * interval '1 minute' as at, status, %(type)s as type
  from unnest(%(statuses)s::text[]) with ordinality as s (status, n)
),
kept as (
  insert into public.plugin_events (id, created_at, store_id, type, payload, occurred_at, source, completed_at)
  select event_id, at, %(store_id)s, type, '{}', at, 'webhook', at from placed
),
logged as (
  insert into public.plugin_events_log
    (id, created_at, store_id, plugin_id, event_type, status, attempts, installation_id, event_id, event_created_at,
     lane, history)
  select gen_random_uuid(), p.at, %(store_id)s, sp.plugin_id, p.type, p.status, 4, sp.id, p.event_id, p.at,
         'pideai_probe', '[{"at": "2026-11-28T01:02:03+00:00", "attempt": 1, "outcome": "failed", "worker": "host:1"},
                           {"outcome": "begun", "message": 7, "worker": "host:1", "at": "2026-11-28T01:02:03+00:00"}]'
  from placed p join public.store_plugins sp on sp.store_id = %(store_id)s
  where p.status <> 'untaken'
  returning id, event_id
)
select coalesce(l.id, p.event_id) from placed p left join logged l on l.event_id = p.event_id order by p.n
"""


class Api(NamedTuple):
    client: AsyncTestClient[Litestar]
    signer: TokenSigner
    owner_id: UUID
    store_id: UUID
    told: list[set[str]]

    async def ask(
        self,
        method: str,
        path: str,
        *,
        user_id: UUID | None = None,
        body: Any = None,
        key: str | None = None,
        **query: Any,
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.signer.token(user_id or self.owner_id)}"}
        if key is not None:
            headers["idempotency-key"] = key
        return await self.client.request(
            method, f"/api/stores/{self.store_id}{path}", headers=headers, json=body, params=query
        )

    async def ids(self, path: str = "/deliveries", **query: Any) -> list[UUID]:
        answer = await self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return [UUID(one["id"]) for one in answer.json()["items"]]


@pytest.fixture
async def api(pool, shop, installation) -> AsyncIterator[Api]:
    signer = TokenSigner(ISSUER)
    [(owner_id,)] = await (
        await shop.connection.execute("select owner_id from public.stores where id = %s", (shop.store_id,))
    ).fetchall()
    told: list[set[str]] = []
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=signer.jwks()))
    async with httpx.AsyncClient(transport=transport) as http:
        keys = JwksCache(http, "http://auth.test/jwks.json")
        host = HostState(
            door=None,
            webhook_secrets=(),
            verifier=Verifier(keys, issuer=ISSUER),
            access=StoreAccess(pool),
            catalogue=Catalogue(pool),
            installations=None,
            lifecycle=None,
            breakers=None,
            credits=None,
            delivery_log=DeliveryLog(pool),
            replays=Replays(pool, on_lanes=told.append),
            replay_ranges=ReplayRanges(pool),
            store_calls=None,
            outbox=None,
            provider_webhooks=None,
            audit=AuditTrail(pool),
            operator=None,
            try_out=None,
            notices=None,
            live=None,
            readiness=Readiness(pool, keys, worker_running=None),
        )
        app = Litestar(
            routes(),
            exception_handlers={Exception: to_response},
            before_send=[add_request_id],
            openapi_config=None,
            logging_config=None,
            state=State({STATE_KEY: host}),
        )
        async with AsyncTestClient(app) as client:
            yield Api(client, signer, owner_id, shop.store_id, told)


@pytest.fixture
def seed(shop, installation):
    """Make deliveries in these states, or events that nobody took ('untaken'); a minute apart, the newest first."""

    async def some(*statuses, event_type="order.ready"):
        parameters = {"statuses": list(statuses), "store_id": shop.store_id, "type": event_type}
        return [row[0] for row in await (await shop.connection.execute(SEED, parameters)).fetchall()]

    return some


async def rows(shop, sql):
    return await (await shop.connection.execute(sql)).fetchall()


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


@pytest.fixture
async def paths(api, seed):
    """Every operation of these endpoints, on things of the store."""
    [delivery, event] = await seed("failed", "untaken")
    replay = (await api.ask("POST", "/replays", body={"since": SINCE})).json()["id"]
    return [
        ("GET", "/deliveries", None),
        ("GET", f"/deliveries/{delivery}", None),
        ("POST", f"/deliveries/{delivery}/replay", None),
        ("GET", "/events?untaken=true", None),
        ("POST", f"/events/{event}/replay", None),
        ("POST", "/replays/preview", {"since": SINCE}),
        ("POST", "/replays", {"since": SINCE}),
        ("GET", "/replays", None),
        ("GET", f"/replays/{replay}", None),
        ("POST", f"/replays/{replay}/cancel", None),
    ]


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
