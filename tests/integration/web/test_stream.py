"""A live stream of a store: everything once, in order, whoever is cut off when, and only to who may look."""

import asyncio
import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from pideai_host.api import PluginDefinition, PluginType, StoreUnknown, hookimpl
from pideai_host.events import feed, live
from pideai_host.events.live import open_live
from pideai_host.web.event_stream import EventStream
from pideai_host.web.state import STATE_KEY

PATIENCE_S = 20.0


class Probe:
    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        return PluginDefinition(
            slug="probe", name="Probe", version="1", type=PluginType.INTEGRATION, subscribed_events=()
        )


@pytest.fixture
async def host(hosted):
    return await hosted({"probe": Probe()})


@pytest.fixture
def state(host):
    return host.app.state[STATE_KEY]


@pytest.fixture
def shop(host, state, admin_conn):
    """Write deliveries and notices as workers do, and tell of them as they do."""

    class Shop:
        async def put(self, *, status="pending", age=timedelta(), connection=admin_conn, quiet=False):
            delivery_id = uuid4()
            await connection.execute(
                """insert into public.plugin_events_log
                     (id, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane, status,
                      created_at, late_xid)
                   select %s, store_id, plugin_id, 'order.created', id, gen_random_uuid(), now(), 'pideai_probe', %s,
                          now() - %s, pideai_host.late_change(now() - %s)
                   from public.store_plugins where store_id = %s""",
                (delivery_id, status, age, age, host.store_id),
            )
            if not quiet:
                state.changed.tell({host.store_id})
            return delivery_id

        async def settle(self, delivery_id, status="delivered", connection=admin_conn):
            await connection.execute(
                """update public.plugin_events_log
                   set status = %s, changed_xid = pg_current_xact_id(), late_xid = pideai_host.late_change(created_at)
                   where id = %s""",
                (status, delivery_id),
            )
            state.changed.tell({host.store_id})

    return Shop()


async def test_a_stream_begins_with_an_id_and_tells_of_what_comes(connect, shop):
    async with connect() as client:
        ready = await client.next()
        delivery_id = await shop.put()
        made = await client.next()
        await shop.settle(delivery_id)
        settled = await client.next()

    assert (client.status, client.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert (client.headers["cache-control"], client.headers["x-accel-buffering"]) == ("no-store", "no")
    assert (ready.name, bool(ready.id)) == ("ready", True)
    assert [(one.name, one.data["id"], one.data["status"], one.data["plugin"]) for one in (made, settled)] == [
        ("delivery", str(delivery_id), "pending", "probe"),
        ("delivery", str(delivery_id), "delivered", "probe"),
    ]


async def test_a_notice_is_told(connect, host, state):
    async with connect() as client:
        await client.next("ready")
        await state.notices.leave(host.store_id, "probe", "Se cayó", level="warning")
        state.changed.tell({host.store_id})
        notice = await client.next()

    assert (notice.name, notice.data["message"], notice.data["level"]) == ("notice", "Se cayó", "warning")


async def test_notices_are_listed_in_pages(host, state):
    for n in range(3):
        await state.notices.leave(host.store_id, "probe", f"n{n}")

    page = (await host.ask("GET", "/notices?limit=2")).json()
    rest = (await host.ask("GET", f"/notices?cursor={page['next_cursor']}")).json()

    assert [one["message"] for one in page["items"]] == ["n2", "n1"]
    assert ([one["message"] for one in rest["items"]], rest["next_cursor"]) == (["n0"], None)
    assert (await host.ask("GET", "/notices?cursor=x")).status_code == 400


async def test_what_an_owner_changes_is_told_to_those_who_watch(connect, host, shop):
    delivery_id = await shop.put(quiet=True)
    async with connect() as client:
        await client.next("ready")
        assert (await host.ask("PUT", "/plugins/probe", json={"enabled": False})).status_code == 200
        parked = await client.next()

    assert (parked.data["id"], parked.data["park_reason"]) == (str(delivery_id), "disabled")


async def test_whoever_comes_back_gets_what_was_missed_and_no_more(connect, shop):
    async with connect() as client:
        await client.next("ready")
        seen = await shop.put()
        await client.next("delivery")
    missed = [await shop.put(), await shop.put(age=timedelta(days=3))]
    await shop.settle(seen)
    async with connect(last_id=client.last_id) as again:
        await again.next("ready")
        told = [await again.next() for _ in range(3)]
        later = await shop.put()
        last = await again.next()

    assert [one.data["id"] for one in told] == [*map(str, missed), str(seen)]
    assert last.data["id"] == str(later)


async def test_a_heartbeat_moves_the_place_to_go_on_from(host, state, shop, until, new_connection):
    async with AsyncExitStack() as stack:
        client = new_connection()
        stream = EventStream(
            state.live,
            host.store_id,
            host.owner_id,
            last_id=None,
            expires_at=time.time() + 60,
            may_look=_nobody_objects,
            heartbeat_s=0.02,
        )
        serving = asyncio.create_task(stream({}, client.receive, client.send))
        stack.push_async_callback(asyncio.wait_for, serving, PATIENCE_S)
        stack.callback(client.leave)
        first = (await client.next("ready")).id
        await shop.put()
        await client.next("delivery")
        await until(lambda: _enough(client))

    assert client.last_id != first


async def test_an_id_that_is_none_of_ours_is_answered_by_a_reset(connect, shop):
    async with connect(last_id="what-ever") as client:
        await client.next("ready")
        reset = await client.next()
        delivery_id = await shop.put()
        told = await client.next()

    assert (reset.name, told.data["id"]) == ("reset", str(delivery_id))


@pytest.mark.parametrize("last_id", ["1-1", "fffffffffff-69218a41"])
async def test_a_place_that_is_too_old_or_not_of_this_database_is_answered_by_a_reset(connect, last_id):
    async with connect(last_id=last_id) as client:
        await client.next("ready")
        assert (await client.next()).name == "reset"


async def test_more_changes_than_anybody_reads_one_by_one_are_a_reset(connect, shop, monkeypatch):
    async with connect() as client:
        await client.next("ready")
    monkeypatch.setattr(feed, "TOLD_MAX", 3)
    for _ in range(5):
        await shop.put(quiet=True)
    async with connect(last_id=client.last_id) as again:
        await again.next("ready")
        reset = await again.next()
        later = await shop.put()
        told = await again.next()

    assert (reset.name, told.data["id"]) == ("reset", str(later))


async def test_a_stream_goes_on_after_the_listening_connection_was_cut(connect, shop, admin_conn, monkeypatch):
    monkeypatch.setattr(feed, "POLL_S", 3_600.0)
    async with connect() as client:
        await client.next("ready")
        await shop.put()
        await client.next("delivery")
        cut = await admin_conn.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where query = 'listen \"pideai_stores\"'"
        )
        assert (await cut.fetchone())[0] == 1
        during = await shop.put(quiet=True)  # while nobody listens, or nobody tells
        told = await client.next()

    assert told.data["id"] == str(during)


async def test_what_nobody_tells_of_is_found_all_the_same(connect, shop, monkeypatch):
    monkeypatch.setattr(feed, "POLL_S", 0.05)
    async with connect() as client:
        await client.next("ready")
        delivery_id = await shop.put(quiet=True)
        told = await client.next()

    assert told.data["id"] == str(delivery_id)


async def test_what_waits_behind_a_slow_transaction_is_told_when_that_is_over(connect, shop, database):
    async with (
        await psycopg.AsyncConnection.connect(database.admin_url, autocommit=True) as slow,
        connect() as client,
    ):
        await client.next("ready")
        async with slow.transaction():
            first = await shop.put(connection=slow)
            second = await shop.put()
            await asyncio.sleep(0.5)  # long enough for a read in between
            assert client.waiting() == []
        told = [await client.next(), await client.next()]

    assert [one.data["id"] for one in told] == [str(first), str(second)]


async def test_a_client_that_does_not_read_is_dropped_and_goes_on_later(connect, shop, monkeypatch):
    monkeypatch.setattr(feed, "QUEUE_MAX", 5)
    async with connect(is_slow=True) as client, connect() as other:
        await other.next("ready")
        for n in range(1, 9):
            await shop.put()
            await other.next("delivery")
            if n == 8:
                await asyncio.wait_for(client.serving, PATIENCE_S)
    async with connect(last_id=other.last_id) as again:
        await again.next("ready")
        await shop.put()
        assert (await again.next()).name == "delivery"

    assert client.waiting() == []


async def test_another_owner_finds_no_store(connect):
    async with connect(user_id=uuid4()) as client:
        await asyncio.wait_for(client.serving, PATIENCE_S)

    assert client.status == 404


async def test_a_token_in_the_address_counts_for_nothing(host):
    token = host.signer.token(host.owner_id)

    answer = await host.client.get(f"/api/stores/{host.store_id}/stream?access_token={token}")

    assert answer.status_code == 401


async def test_more_streams_than_a_user_needs_are_refused(connect, monkeypatch):
    monkeypatch.setattr(live, "OF_USER_MAX", 1)
    async with connect() as client:
        await client.next("ready")
        async with connect() as second:
            await asyncio.wait_for(second.serving, PATIENCE_S)
    async with connect() as third:
        await third.next("ready")

    assert (client.status, second.status, third.status) == (200, 429, 200)


async def _enough(client):
    return client.beats >= 3


async def _nobody_objects():
    return None


async def _store_is_gone():
    raise StoreUnknown(uuid4())


async def _database_is_away():
    raise psycopg.OperationalError("gone")


@pytest.mark.parametrize(
    ("expires_in_s", "may_look", "reason"),
    [
        (0.1, _nobody_objects, "token_expired"),
        (60, _store_is_gone, "store_unknown"),
        (60, _database_is_away, "database_unavailable"),
    ],
)
async def test_a_stream_ends_with_the_right_to_look(host, state, expires_in_s, may_look, reason, new_connection):
    client = new_connection()
    stream = EventStream(
        state.live,
        host.store_id,
        host.owner_id,
        last_id=None,
        expires_at=time.time() + expires_in_s,
        may_look=may_look,
        recheck_s=0.05,
    )

    await asyncio.wait_for(stream({}, client.receive, client.send), PATIENCE_S)

    assert [(one.name, one.data.get("reason")) for one in client.waiting()] == [("ready", None), ("end", reason)]


async def test_a_stop_ends_every_stream(connect, state):
    async with connect() as client:
        await client.next("ready")
        state.live.end_all()
        end = await client.next()
        await asyncio.wait_for(client.serving, PATIENCE_S)

    assert (end.name, end.data) == ("end", {"reason": "stopping"})


async def test_nothing_is_left_out_or_told_twice_however_often_a_client_changes_between_processes(
    connect, host, state, shop, pool, database
):
    """Writers with transactions of all lengths, and a client that is cut off at any moment and comes back elsewhere."""
    chance = random.Random(7)
    made, writers_over = set(), asyncio.Event()

    async def write(seed):
        luck = random.Random(seed)
        async with await psycopg.AsyncConnection.connect(database.admin_url, autocommit=True) as connection:
            for _ in range(25):
                delivery_id = await shop.put(connection=connection, age=timedelta(hours=luck.choice([0, 0, 2])))
                made.add(str(delivery_id))
                async with connection.transaction():
                    await shop.settle(delivery_id, "sent", connection)
                    await asyncio.sleep(luck.random() * 0.02)
                    if luck.random() < 0.3:
                        await shop.put(connection=connection)
                        raise_later = luck.random() < 0.5
                    else:
                        raise_later = False
                    if raise_later:
                        raise psycopg.Rollback
                await shop.settle(delivery_id, "delivered", connection)

    async def all_write():
        async with asyncio.TaskGroup() as group:
            for seed in range(3):
                group.create_task(write(seed))
        writers_over.set()

    got: list[Any] = []
    async with connect() as client:
        last_id = (await client.next("ready")).id
    async with open_live(pool, database.runtime_url) as elsewhere:
        here = state.live
        writing = asyncio.create_task(all_write())
        async with asyncio.timeout(60):
            while not (writers_over.is_set() and made <= _delivered(got)):
                object.__setattr__(state, "live", chance.choice([here, elsewhere]))
                async with connect(last_id=last_id) as client:
                    await client.next("ready")
                    wanted = chance.randint(0, 12)
                    while wanted and not (writers_over.is_set() and made <= _delivered(got)):
                        got.append(await client.next())
                        last_id = got[-1].id
                        wanted -= 1
        await writing

    assert {one.name for one in got} == {"delivery"}
    ids = Counter(one.id for one in got)
    assert [one for one, count in ids.items() if count > 1] == []
    assert made <= _delivered(got)


def _delivered(events: list[Any]) -> set[str]:
    return {one.data["id"] for one in events if one.data.get("status") == "delivered"}
