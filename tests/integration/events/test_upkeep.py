"""Old weeks go, but nothing that somebody still waits for; weeks to come are made."""

from uuid import uuid4

import psycopg
import pytest

from pideai_host.events.jobs import PRUNE_BATCH, Upkeep

OLD_WEEKS = """
do $$
declare
  starts timestamptz;
  suffix text;
  parent text;
begin
  set local timezone = 'UTC';
  for age in 14 .. 16 loop
    starts := date_trunc('week', now()) - make_interval(weeks => age);
    suffix := to_char(starts, 'IYYY"w"IW');
    foreach parent in array array['plugin_events', 'plugin_events_log'] loop
      execute format('create table pideai_host.%I partition of public.%I for values from (%L) to (%L)',
                     parent || '_' || suffix, parent, starts, starts + interval '1 week');
    end loop;
  end loop;
end
$$
"""
"""Partitions of the weeks 14, 15 and 16 ago: all older than 90 days."""

DELIVERY = """
insert into public.plugin_events_log
  (id, store_id, plugin_id, event_type, status, created_at, installation_id, event_id, event_created_at, lane)
values
  (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'order.created', %(status)s,
   now() - make_interval(weeks => %(weeks)s), gen_random_uuid(), gen_random_uuid(),
   now() - make_interval(weeks => %(event_weeks)s), 'pideai_probe')
"""


@pytest.fixture
def upkeep(pool):
    return Upkeep(pool, retention_days=90)


@pytest.fixture
async def old_weeks(admin_conn):
    await admin_conn.execute(OLD_WEEKS)


async def old_partitions(conn, parent):
    cursor = await conn.execute(
        """select count(*) from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = ('public.' || %s)::regclass
          and c.relname < %s || to_char(now() - interval '8 weeks', 'IYYY"w"IW')""",
        [parent, f"{parent}_"],
    )
    return (await cursor.fetchone())[0]


async def dropped_all(upkeep):
    runs = 0
    while await upkeep.drop_old_partitions():
        runs += 1
    return runs


async def deliver(conn, *, status, weeks, event_weeks=None):
    await conn.execute(DELIVERY, {"status": status, "weeks": weeks, "event_weeks": event_weeks or weeks})


@pytest.mark.usefixtures("old_weeks")
async def test_weeks_beyond_the_retention_are_dropped_one_of_each_at_a_time(upkeep, admin_conn):
    await deliver(admin_conn, status="delivered", weeks=15)

    assert await dropped_all(upkeep) == 3
    assert [await old_partitions(admin_conn, one) for one in ("plugin_events", "plugin_events_log")] == [0, 0]


@pytest.mark.usefixtures("old_weeks")
async def test_weeks_within_the_retention_stay(pool, admin_conn):
    await dropped_all(Upkeep(pool, retention_days=200))

    assert await old_partitions(admin_conn, "plugin_events_log") == 3


@pytest.mark.usefixtures("old_weeks")
async def test_a_week_with_a_pending_delivery_stays_with_its_events(upkeep, admin_conn):
    await deliver(admin_conn, status="pending", weeks=15)
    await dropped_all(upkeep)

    assert [await old_partitions(admin_conn, one) for one in ("plugin_events", "plugin_events_log")] == [1, 1]


@pytest.mark.usefixtures("old_weeks")
async def test_an_event_that_is_being_replayed_stays_though_its_delivery_is_new(upkeep, admin_conn):
    await deliver(admin_conn, status="pending", weeks=0, event_weeks=15)
    await dropped_all(upkeep)

    assert [await old_partitions(admin_conn, one) for one in ("plugin_events", "plugin_events_log")] == [1, 0]


@pytest.mark.usefixtures("old_weeks")
async def test_retention_gives_way_to_those_who_use_the_tables(upkeep, admin_conn, database):
    async with await psycopg.AsyncConnection.connect(database.admin_url) as other:
        await other.execute("select count(*) from public.plugin_events_log")

        assert await upkeep.drop_old_partitions() is False
    assert await old_partitions(admin_conn, "plugin_events_log") == 3


async def test_less_than_15_days_is_refused_whoever_asks(pool):
    with pytest.raises(psycopg.errors.RaiseException, match="younger than 15 days"):
        await Upkeep(pool, retention_days=14).drop_old_partitions()


async def test_only_the_runtime_role_may_drop(admin_conn):
    cursor = await admin_conn.execute(
        "select has_function_privilege('anon', 'pideai_host.drop_old_partitions(integer)', 'execute')"
    )

    assert await cursor.fetchone() == (False,)


async def test_the_net_below_the_weeks_is_never_dropped(upkeep, admin_conn):
    await dropped_all(upkeep)
    cursor = await admin_conn.execute("select to_regclass('pideai_host.plugin_events_log_default') is not null")

    assert await cursor.fetchone() == (True,)


async def test_weeks_to_come_are_made(upkeep, admin_conn):
    cursor = await admin_conn.execute(
        "select 'pideai_host.plugin_events_' || to_char(now() + interval '8 weeks', 'IYYY\"w\"IW')"
    )
    [furthest] = await cursor.fetchone()
    await admin_conn.execute(f"drop table {furthest}")

    assert await upkeep.ensure_partitions() is False
    assert await (await admin_conn.execute("select to_regclass(%s) is not null", [furthest])).fetchone() == (True,)


async def test_making_weeks_gives_way_to_those_who_use_the_tables(upkeep, admin_conn, database):
    cursor = await admin_conn.execute(
        "select 'pideai_host.plugin_events_' || to_char(now() + interval '8 weeks', 'IYYY\"w\"IW')"
    )
    [furthest] = await cursor.fetchone()
    await admin_conn.execute(f"drop table {furthest}")
    async with await psycopg.AsyncConnection.connect(database.admin_url) as other:
        await other.execute("select count(*) from public.plugin_events")

        with pytest.raises(psycopg.errors.LockNotAvailable):
            await upkeep.ensure_partitions()


async def test_ids_are_forgotten_after_14_days_in_batches(upkeep, admin_conn):
    await admin_conn.execute(
        """insert into pideai_host.event_ids (id, created_at)
        select gen_random_uuid(), now() - interval '14 days 1 minute' from generate_series(1, %s)""",
        [PRUNE_BATCH + 1],
    )
    young = uuid4()
    await admin_conn.execute(
        "insert into pideai_host.event_ids values (%s, now() - interval '13 days 23 hours')", [young]
    )
    more = [await upkeep.prune_ids(), await upkeep.prune_ids()]
    cursor = await admin_conn.execute("select id from pideai_host.event_ids")

    assert (more, await cursor.fetchall()) == ([True, False], [(young,)])
