"""What has changed since a place: nothing is left out and nothing comes twice, whoever commits when."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from pideai_host.db.dev import create_demo_store
from pideai_host.events import change_log
from pideai_host.events.change_log import ChangeLog, Place, Position
from pideai_host.stores.notices import Notice

STORE, OTHER = uuid4(), uuid4()


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log(pool, clock):
    return ChangeLog(pool, monotonic=clock)


@pytest.fixture
async def another(database):
    """A second connection, whose transactions run beside the first one's."""
    async with await psycopg.AsyncConnection.connect(database.admin_url, autocommit=True) as connection:
        yield connection


async def put(connection, *, store_id=STORE, status="pending", age=timedelta()):
    delivery_id = uuid4()
    await connection.execute(
        """insert into public.plugin_events_log
             (id, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane, status,
              created_at)
           values (%s, %s, %s, 'order.created', %s, %s, now(), 'pideai_probe', %s, now() - %s)""",
        (delivery_id, store_id, uuid4(), uuid4(), uuid4(), status, age),
    )
    return delivery_id


async def settle(connection, delivery_id, status="delivered"):
    await connection.execute(
        """update public.plugin_events_log
           set status = %s, changed_xid = pg_current_xact_id(), late_xid = pideai_host.late_change(created_at)
           where id = %s""",
        (status, delivery_id),
    )


def told(page):
    return [(change.row.id, str(change.row.status)) for change in page.changes]


async def test_what_comes_after_a_place_is_told_once(log, admin_conn):
    start = await log.now(STORE)
    first = await put(admin_conn)
    page = await log.after(STORE, start)
    nothing = await log.after(STORE, page.following)
    second = await put(admin_conn)
    more = await log.after(STORE, nothing.following)

    assert (told(page), told(nothing), told(more)) == ([(first, "pending")], [], [(second, "pending")])


async def test_what_was_there_before_is_not_told(log, admin_conn):
    await put(admin_conn)

    assert told(await log.after(STORE, await log.now(STORE))) == []


async def test_a_change_is_told_as_an_insert_is(log, admin_conn):
    delivery_id = await put(admin_conn)
    start = await log.now(STORE)
    await settle(admin_conn, delivery_id)

    assert told(await log.after(STORE, start)) == [(delivery_id, "delivered")]


async def test_several_changes_between_two_reads_are_told_as_the_last_one(log, admin_conn):
    start = await log.now(STORE)
    delivery_id = await put(admin_conn)
    await settle(admin_conn, delivery_id, "sent")
    await settle(admin_conn, delivery_id)

    assert told(await log.after(STORE, start)) == [(delivery_id, "delivered")]


async def test_another_store_s_changes_are_not_told(log, admin_conn):
    start = await log.now(STORE)
    await put(admin_conn, store_id=OTHER)

    assert told(await log.after(STORE, start)) == []


async def test_a_change_of_an_old_delivery_is_told(log, admin_conn):
    old = await put(admin_conn, age=timedelta(days=6))
    start = await log.now(STORE)
    await settle(admin_conn, old)

    assert told(await log.after(STORE, start)) == [(old, "delivered")]


async def test_a_delivery_that_grows_old_between_two_changes_is_told_each_time(log, admin_conn):
    delivery_id = await put(admin_conn, age=timedelta(minutes=59))
    start = await log.now(STORE)
    await settle(admin_conn, delivery_id, "sent")
    young = await log.after(STORE, start)
    await admin_conn.execute("update public.plugin_events_log set created_at = created_at - interval '5 minutes'")
    await settle(admin_conn, delivery_id)
    late = await log.after(STORE, young.following)

    assert (told(young), told(late)) == ([(delivery_id, "sent")], [(delivery_id, "delivered")])


async def test_whoever_commits_later_is_told_later_even_if_they_began_earlier(log, admin_conn, another):
    start = await log.now(STORE)
    async with another.transaction():
        slow = await put(another)
        quick = await put(admin_conn)
        meanwhile = await log.after(STORE, start)
    after = await log.after(STORE, meanwhile.following)

    assert (told(meanwhile), meanwhile.is_behind) == ([], True)
    assert told(after) == [(slow, "pending"), (quick, "pending")]
    assert not after.is_behind


async def test_what_was_rolled_back_holds_up_nothing(log, admin_conn, another):
    start = await log.now(STORE)
    async with another.transaction(force_rollback=True):
        await put(another)
        quick = await put(admin_conn)

    assert told(await log.after(STORE, start)) == [(quick, "pending")]


async def test_a_transaction_that_runs_for_long_holds_up_a_minute_and_no_longer(log, clock, admin_conn, another):
    start = await log.now(STORE)
    async with another.transaction():
        await another.execute("select pg_current_xact_id()")
        quick = await put(admin_conn)
        clock.now_s = 1
        before = await log.after(STORE, start)
        clock.now_s = 1 + change_log.PATIENCE_S
        after = await log.after(STORE, before.following)

    assert (told(before), told(after)) == ([], [(quick, "pending")])


async def test_behind_a_long_transaction_a_place_is_no_younger_than_what_it_waits_for(log, admin_conn, another):
    start = Place((await log.now(STORE)).position, int(datetime.now(UTC).timestamp()) - 1_000)
    async with another.transaction():
        await another.execute("select pg_current_xact_id()")
        fresh = ChangeLog(log._pool, monotonic=lambda: 0.0)  # one that knows of nothing before
        place = (await fresh.after(STORE, start)).following

    assert place.at == start.at


async def test_a_page_ends_in_the_midst_of_a_transaction_and_the_next_one_goes_on(log, admin_conn, monkeypatch):
    monkeypatch.setattr(change_log, "PAGE_MAX", 2)
    start = await log.now(STORE)
    async with admin_conn.transaction():
        made = {await put(admin_conn) for _ in range(3)} | {
            await put(admin_conn, age=timedelta(days=1)) for _ in range(2)
        }
        await admin_conn.execute("update public.plugin_events_log set late_xid = pideai_host.late_change(created_at)")
    got, place, more = [], start, True
    while more:
        page = await log.after(STORE, place)
        got += [change.row.id for change in page.changes]
        place, more = page.following, page.has_more

    assert (len(got), set(got)) == (5, made)


async def test_every_change_is_a_place_to_go_on_from(log, admin_conn):
    start = await log.now(STORE)
    made = [await put(admin_conn) for _ in range(4)]
    page = await log.after(STORE, start)

    for n, change in enumerate(page.changes):
        place = Place.read(str(change.place))
        assert [row for row, _ in told(await log.after(STORE, place))] == made[n + 1 :]


async def test_notices_are_told_among_deliveries(log, admin_conn):
    store_id = await create_demo_store(admin_conn, owner_id=uuid4(), subdomain="arepas-la", name="Arepas")
    start = await log.now(store_id)
    delivery_id = await put(admin_conn, store_id=store_id)
    await admin_conn.execute(
        "insert into pideai_host.notices (store_id, plugin, level, message) values (%s, 'probe', 'warning', 'Se cayó')",
        (store_id,),
    )
    first, second = (await log.after(store_id, start)).changes

    assert first.row.id == delivery_id
    assert isinstance(second.row, Notice)
    assert (second.row.level, second.row.message) == ("warning", "Se cayó")
    assert (await log.after(store_id, second.place)).changes == []


async def test_more_than_may_be_looked_at_is_said_to_be_left_out(log, admin_conn, monkeypatch):
    monkeypatch.setattr(change_log, "EXAMINED_MAX", 2)
    start = await log.now(STORE)
    for _ in range(3):
        await put(admin_conn)

    assert not (await log.after(STORE, start)).is_whole


@pytest.mark.parametrize("ahead", [1, 2**40])
async def test_a_place_of_another_database_is_not_gone_on_from(log, ahead):
    now = await log.now(STORE)

    assert not (await log.after(STORE, Place(Position.before(now.position.xid + ahead), now.at))).is_whole


async def test_a_place_that_is_a_day_old_is_not_gone_on_from(log):
    now = await log.now(STORE)

    assert not (await log.after(STORE, Place(now.position, now.at - change_log.RESUME_MAX_S - 1))).is_whole


async def test_a_settled_young_delivery_stays_heap_only(way, shop, probe, admin_conn):
    await way.door.receive(await shop.order())
    worker = way.worker()
    await worker.start()
    await way.done()
    await worker.stop()
    await admin_conn.execute("select pg_stat_force_next_flush()")

    [(updated, heap_only)] = await way.rows(
        "select sum(n_tup_upd), sum(n_tup_hot_upd) from pg_stat_user_tables where relname like 'plugin_events_log%%'"
    )
    [(late,)] = await way.rows("select count(late_xid) from public.plugin_events_log")
    assert late == 0
    assert updated == heap_only


@pytest.mark.parametrize(
    "text",
    ["", "1", "1-", "-1", "1-1-", "1-1-2a", "1-1-0", "g-1", "1" * 17 + "-1", "1-fffffffffff", "1-1-0" + "a" * 37],
)
def test_what_is_no_place_is_none(text):
    assert Place.read(text) is None


@pytest.mark.parametrize(
    "place", [Place(Position.before(7), 9), Place(Position(7, 0, str(UUID(int=1))), 9), Place(Position(7, 1, "42"), 9)]
)
def test_a_place_is_a_text_and_back(place):
    assert Place.read(str(place)) == place
