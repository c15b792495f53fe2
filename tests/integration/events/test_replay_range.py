"""A range goes again as it was counted: bounded steps, nothing doubled, whatever is repeated, crashes or runs twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pideai_host.api import PluginUnknown
from pideai_host.db.dev import create_demo_store
from pideai_host.db.pool import open_pool
from pideai_host.events import replay_job, replay_range
from pideai_host.events.delivery_log import DeliveryStatus
from pideai_host.events.identity import copy_id, delivery_id
from pideai_host.events.replay_faults import ReplayOver, ReplaysBusy, ReplayUnknown
from pideai_host.events.replay_job import ReplayJob
from pideai_host.events.replay_range import ReplayFilter, ReplayRanges, ReplayStatus
from pideai_host.events.replay_write import Order
from pideai_host.events.scope import EVERY_STORE

BULK = "pideai_probe__bulk"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
EVERYTHING = tuple(one for one in DeliveryStatus if one is not DeliveryStatus.PENDING)

SEED = """
with placed as (
  select n, gen_random_uuid() as event_id, now() - %(age)s::interval - n * interval '1 second' as at, status,
         %(type)s as type
  from unnest(%(statuses)s::text[]) with ordinality as s (status, n)
),
kept as (
  insert into public.plugin_events (id, created_at, store_id, type, payload, occurred_at, source, completed_at)
  select event_id, at, %(store_id)s, type, '{}', at, 'webhook', at from placed
),
logged as (
  insert into public.plugin_events_log
    (id, created_at, store_id, plugin_id, event_type, status, attempts, installation_id, event_id, event_created_at,
     lane)
  select gen_random_uuid(), p.at, %(store_id)s, sp.plugin_id, p.type, p.status, 4, sp.id, p.event_id, p.at,
         'pideai_probe'
  from placed p join public.store_plugins sp on sp.store_id = %(store_id)s
  where p.status <> 'untaken'
  returning id, event_id
)
select coalesce(l.id, p.event_id) from placed p left join logged l on l.event_id = p.event_id order by p.n
"""
"""Deliveries in these states, or events that nobody took ('untaken'), a second apart, the newest first."""


@pytest.fixture
def ranges(pool):
    return ReplayRanges(pool)


@pytest.fixture
def told():
    return []


@pytest.fixture
def job(pool, told):
    return ReplayJob(pool, on_lanes=told.append)


@pytest.fixture
def small(monkeypatch):
    """Steps of three deliveries, pages of five rows."""
    monkeypatch.setattr(replay_job, "STEP_MAX", 3)
    monkeypatch.setattr(replay_job, "PAGE", 5)


@pytest.fixture
def seed(shop, installation):
    async def some(*statuses, store_id=None, age="1 hour", event_type="order.ready"):
        parameters = {"statuses": list(statuses), "store_id": store_id or shop.store_id, "age": age, "type": event_type}
        return [row[0] for row in await (await shop.connection.execute(SEED, parameters)).fetchall()]

    return some


@pytest.fixture
def begin(ranges, shop):
    async def one(scope=None, *, replay_id=None, per_s=1_000.0, **wanted):
        order = Order("user 7", replay_id or uuid4())
        return (await ranges.begin(scope or shop.store_id, wanting(**wanted), order, per_s=per_s)).id

    return one


@pytest.fixture
def move(job, shop):
    """Give a replay a step with its rate unused."""

    async def on(replay_id):
        await make_room(shop)
        return await job.step(replay_id)

    return on


@pytest.fixture
def finish(move, ranges, way, shop):
    """Move a replay on until it is over, everything that it queues being delivered at once."""

    async def until_over(replay_id, *, status="delivered"):
        for _ in range(200):
            await move(replay_id)
            await settle(shop, status)
            state = await ranges.get(EVERY_STORE, replay_id)
            if state.status is ReplayStatus.DONE:
                return state
        raise AssertionError(f"it does not end: {state}")

    return until_over


def wanting(**wanted):
    return ReplayFilter(**{"since": LONG_AGO, **wanted})


async def make_room(shop):
    await shop.connection.execute("update pideai_host.replays set paced_at = now() - interval '1 day'")


async def settle(shop, status):
    """Settle what is queued, as a worker would."""
    await shop.connection.execute(f"delete from pgmq.q_{BULK}")
    await shop.connection.execute(
        """update public.plugin_events_log set status = %s, msg_id = null, processed_at = now()
        where status = 'pending' and msg_id is not null""",
        (status,),
    )


async def replayed_times(way):
    """How often each delivery went again, its copies included."""
    return dict(
        await way.rows(
            """select coalesce(d.replay_of, d.id), count(*)
            from public.plugin_events_log d, jsonb_array_elements(d.history) as h (entry)
            where entry ->> 'outcome' = 'replayed' group by 1"""
        )
    )


async def test_the_preview_counts_by_the_rule_of_the_replay(ranges, shop, seed, begin, finish):
    await seed("failed", "delivered", "unknown", "expired", "pending", "cancelled", "failed")
    previewed = await ranges.preview(shop.store_id, wanting())
    state = await finish(await begin())

    assert (previewed.count, previewed.is_exact) == (4, True)
    assert (state.total, state.done, state.replayed) == (4, 4, 4)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"statuses": EVERYTHING}, 4),
        ({"statuses": (DeliveryStatus.DELIVERED,)}, 1),
        ({"types": ("order.ready",)}, 2),
        ({"types": ("order.ready", "order.updated")}, 3),
        ({"plugin": "probe"}, 3),
        ({"since": datetime.now(UTC) - timedelta(hours=2)}, 2),
        ({"until": datetime.now(UTC) - timedelta(hours=2)}, 1),
    ],
    ids=["statuses", "delivered", "type", "types", "plugin", "since", "until"],
)
async def test_a_range_is_narrowed_by_each_of_its_parts(way, seed, begin, finish, wanted, expected):
    await seed("failed", "delivered")
    await seed("failed", event_type="order.updated")
    await seed("failed", age="3 hours")
    state = await finish(await begin(**wanted))

    assert (state.total, state.replayed, len(await replayed_times(way))) == (expected, expected, expected)


async def test_a_plugin_that_there_is_not_is_refused(ranges, shop):
    with pytest.raises(PluginUnknown):
        await ranges.preview(shop.store_id, wanting(plugin="nope"))


async def test_a_count_looks_at_a_bounded_number_of_rows(ranges, shop, seed, monkeypatch):
    await seed(*["failed"] * 6)
    monkeypatch.setattr(replay_range, "COUNTED_MAX", 4)

    assert not (await ranges.preview(shop.store_id, wanting())).is_exact


@pytest.mark.usefixtures("small")
async def test_each_delivery_goes_again_once_in_steps(way, seed, begin, finish):
    made = await seed(*["failed", "delivered"] * 8)
    state = await finish(await begin(statuses=EVERYTHING))

    assert await replayed_times(way) == dict.fromkeys(made, 1)
    assert state.results == {"delivered": 16}


@pytest.mark.usefixtures("small")
async def test_a_step_does_no_more_than_its_share(way, seed, begin, move):
    await seed(*["failed"] * 12)
    replay = await begin()
    await move(replay)

    assert await way.rows(f"select count(*) from pgmq.q_{BULK}") == [(3,)]


@pytest.mark.usefixtures("small")
async def test_pages_without_anything_wanted_are_read_at_once(seed, begin, move):
    await seed(*["delivered"] * 12, "failed")
    replay = await begin()

    assert [await move(replay) for _ in range(2)] == [False, True]


async def test_the_oldest_goes_first(way, seed, begin, finish, told):
    [newest, oldest] = await seed("failed", "failed")
    await finish(await begin(), status="delivered")
    rows = await way.rows("select id from public.plugin_events_log order by replayed_at, created_at")

    assert [row[0] for row in rows] == [oldest, newest]
    assert told == [{BULK}]


async def test_a_replay_keeps_to_its_rate(way, shop, seed, begin, job):
    await seed(*["failed"] * 50)
    replay = await begin(per_s=5.0)
    await shop.connection.execute("update pideai_host.replays set paced_at = now() - interval '1 second'")
    await job.step(replay)
    [[queued]] = await way.rows(f"select count(*) from pgmq.q_{BULK}")

    assert 5 <= queued <= 10
    assert await way.rows("select paced_at > now() - interval '1 second' from pideai_host.replays") == [(True,)]


async def test_what_the_rate_left_unused_is_not_saved_up(way, seed, begin, move):
    await seed(*["failed"] * 50)
    await move(await begin(per_s=5.0))

    assert await way.rows(f"select count(*) from pgmq.q_{BULK}") == [(10,)]


async def test_no_more_is_queued_while_too_much_is_unsettled(way, shop, seed, begin, move, monkeypatch):
    monkeypatch.setattr(replay_job, "UNSETTLED_MIN", 4)
    await seed(*["failed"] * 10)
    replay = await begin(per_s=2.0)
    queued = []
    for _ in range(3):
        await move(replay)
        queued += (await way.rows(f"select count(*) from pgmq.q_{BULK}"))[0]
    await settle(shop, "failed")
    await move(replay)

    assert queued == [4, 4, 4]
    assert await way.rows(f"select count(*) from pgmq.q_{BULK}") == [(4,)]


async def test_nothing_is_queued_while_something_waits_for_its_moment_under_a_rate(way, shop, seed, begin, move):
    await seed(*["failed"] * 6)
    replay = await begin(per_s=1.0)
    await move(replay)
    await shop.connection.execute(f"delete from pgmq.q_{BULK}")
    await shop.connection.execute(
        """update public.plugin_events_log
        set msg_id = null, park_reason = 'rate', next_attempt_at = now() + interval '1 hour'
        where status = 'pending'"""
    )
    await move(replay)

    assert await way.rows(f"select count(*) from pgmq.q_{BULK}") == [(0,)]


async def test_what_a_replay_makes_is_not_met_by_it_again(seed, begin, finish):
    await seed("delivered", "delivered")
    state = await finish(await begin(statuses=EVERYTHING))

    assert (state.done, state.replayed) == (2, 2)


async def test_a_copy_that_arrived_is_not_copied_by_the_next_replay(way, seed, begin, finish):
    made = await seed("delivered", "delivered")
    for _ in range(2):
        await finish(await begin(statuses=EVERYTHING))

    assert await replayed_times(way) == dict.fromkeys(made, 2)


async def test_copies_that_failed_go_again_as_they_are(way, seed, begin, finish):
    [made] = await seed("delivered")
    first = await begin(statuses=EVERYTHING)
    await finish(first, status="failed")
    await finish(await begin())

    assert await way.rows("select status from public.plugin_events_log where id = %s", copy_id(made, first)) == [
        ("delivered",)
    ]
    assert await replayed_times(way) == {made: 2}


async def test_uninstalled_ones_are_skipped_and_counted(way, shop, seed, begin, finish):
    await seed("failed", "delivered")
    await shop.connection.execute("delete from public.store_plugins")
    state = await finish(await begin(statuses=EVERYTHING))

    assert (state.done, state.replayed, state.skipped) == (2, 0, {"uninstalled": 2})
    assert await replayed_times(way) == {}


async def test_disabled_ones_are_parked_and_hold_the_replay_up_no_longer(way, shop, seed, begin, finish):
    await seed("failed", "delivered")
    await shop.connection.execute("update public.store_plugins set enabled = false")
    state = await finish(await begin(statuses=EVERYTHING))

    assert (state.replayed, state.results) == (2, {"parked": 2})
    assert await way.rows(
        "select count(*) from public.plugin_events_log where status = 'pending' and park_reason = 'disabled'"
    ) == [(2,)]


async def test_what_a_breaker_parks_holds_the_replay_up_no_longer(shop, ranges, seed, begin, move):
    await seed("failed")
    replay = await begin()
    await move(replay)
    await shop.connection.execute("update public.plugin_events_log set msg_id = null, park_reason = 'breaker'")
    await move(replay)
    state = await ranges.get(shop.store_id, replay)

    assert (state.status, state.results, state.unsettled) == ("done", {"parked": 1}, 0)


async def test_what_was_parked_is_followed_after_the_end_to_what_became_of_it(
    way, shop, ranges, seed, begin, finish, job, monkeypatch
):
    monkeypatch.setattr(replay_job, "FOLLOWED_PAGE", 2)
    await seed(*["failed"] * 5)
    await shop.connection.execute("update public.store_plugins set enabled = false")
    replay = await begin()
    done = await finish(replay)
    for status, count in (("delivered", 3), ("failed", 1)):
        await shop.connection.execute(
            """update public.plugin_events_log set status = %s, processed_at = now() where id = any (array(
            select id from public.plugin_events_log where status = 'pending' limit %s))""",
            (status, count),
        )
    for _ in range(5):
        await make_room(shop)
        await job.run()
    partly = await ranges.get(shop.store_id, replay)
    await shop.connection.execute("update public.plugin_events_log set status = 'delivered' where status = 'pending'")
    for _ in range(3):
        await make_room(shop)
        await job.run()
    after = await ranges.get(shop.store_id, replay)

    assert done.results == {"parked": 5}
    assert (partly.results, partly.unsettled) == ({"parked": 1, "delivered": 3, "failed": 1}, 0)
    assert (after.status, after.results) == ("done", {"delivered": 4, "failed": 1})
    assert after.finished_at == done.finished_at
    assert await way.rows("select is_followed from pideai_host.replays") == [(False,)]
    assert await way.rows("select count(*) from pideai_host.replay_watch") == [(0,)]


async def test_what_a_breaker_parked_is_followed_likewise(shop, ranges, seed, begin, move, job):
    await seed("failed")
    replay = await begin()
    await move(replay)
    await shop.connection.execute("update public.plugin_events_log set msg_id = null, park_reason = 'breaker'")
    await move(replay)
    await shop.connection.execute("update public.plugin_events_log set status = 'expired', processed_at = now()")
    await make_room(shop)
    await job.run()
    state = await ranges.get(shop.store_id, replay)

    assert (state.status, state.results, state.unsettled) == ("done", {"expired": 1}, 0)


async def test_a_replay_that_has_nothing_new_to_tell_rests(way, shop, seed, begin, finish, job):
    await seed("failed")
    await shop.connection.execute("update public.store_plugins set enabled = false")
    await finish(await begin())
    await make_room(shop)
    await job.run()

    assert await way.rows("select is_followed, paced_at > now() from pideai_host.replays") == [(True, True)]


async def test_a_replay_is_over_only_when_what_it_queued_is_settled(shop, ranges, seed, begin, move):
    await seed("failed")
    replay = await begin()
    await move(replay)
    before = await ranges.get(shop.store_id, replay)
    await settle(shop, "failed")
    await move(replay)
    after = await ranges.get(shop.store_id, replay)

    assert (before.status, before.done, before.unsettled) == ("running", 1, 1)
    assert (after.status, after.results, after.unsettled) == ("done", {"failed": 1}, 0)
    assert after.finished_at is not None


@pytest.mark.usefixtures("small")
async def test_a_cancelled_replay_queues_nothing_more(way, shop, ranges, seed, begin, move):
    await seed(*["failed"] * 9)
    replay = await begin()
    await move(replay)
    cancelled = await ranges.cancel(shop.store_id, replay)
    await move(replay)

    assert (cancelled.status, cancelled.replayed, cancelled.unsettled) == ("cancelled", 3, 3)
    assert await way.rows(f"select count(*) from pgmq.q_{BULK}") == [(3,)]


@pytest.mark.usefixtures("small")
async def test_a_cancelled_replay_tells_what_became_of_what_it_had_queued(shop, ranges, seed, begin, move, job):
    await seed(*["failed"] * 9)
    replay = await begin()
    await move(replay)
    cancelled = await ranges.cancel(shop.store_id, replay)
    await job.run()
    under_way = await ranges.get(shop.store_id, replay)
    await settle(shop, "delivered")
    await job.run()
    after = await ranges.get(shop.store_id, replay)

    assert (under_way.status, under_way.results, under_way.unsettled) == ("cancelled", {}, 3)
    assert (after.status, after.done, after.results, after.unsettled) == ("cancelled", 3, {"delivered": 3}, 0)
    assert after.finished_at == cancelled.finished_at


async def test_only_what_runs_is_cancelled(shop, ranges, seed, begin, finish):
    await seed("failed")
    replay = await begin()
    await finish(replay)

    with pytest.raises(ReplayOver, match="is done already"):
        await ranges.cancel(shop.store_id, replay)


async def test_cancelling_twice_is_cancelling_once(shop, ranges, begin):
    replay = await begin()
    first = await ranges.cancel(shop.store_id, replay)

    assert await ranges.cancel(shop.store_id, replay) == first


async def test_beginning_again_under_the_same_id_begins_no_second_one(shop, ranges, begin):
    replay = uuid4()
    await asyncio.gather(*(begin(replay_id=replay) for _ in range(4)))

    assert [one.id for one in await ranges.list_newest(shop.store_id)] == [replay]


async def test_only_so_many_run_for_a_store(begin):
    for _ in range(replay_range.RUNNING_MAX):
        await begin()

    with pytest.raises(ReplaysBusy):
        await begin()
    await begin(EVERY_STORE)


async def test_another_stores_replay_is_unknown(ranges, begin):
    replay = await begin()

    for asked in (ranges.get, ranges.cancel):
        with pytest.raises(ReplayUnknown):
            await asked(uuid4(), replay)
    assert await ranges.list_newest(uuid4()) == []


@pytest.fixture
async def others(shop, installation, seed):
    """Stores beside the shop's: two with the plugin and a failed delivery each, one with nothing."""
    made = []
    for name in ("one", "two", "empty"):
        store_id = await create_demo_store(shop.connection, owner_id=uuid4(), subdomain=name, name=name)
        if name != "empty":
            await shop.connection.execute(
                """insert into public.store_plugins (store_id, plugin_id, config)
                select %s, id, '{}' from public.plugins where slug = 'probe'""",
                (store_id,),
            )
            made += await seed("failed", store_id=store_id)
    return made


async def test_a_stores_replay_leaves_the_others_alone(way, seed, others, begin, finish):
    made = await seed("failed")
    await finish(await begin())

    assert await replayed_times(way) == {made[0]: 1}


@pytest.mark.usefixtures("small")
async def test_the_operator_replays_every_store(way, monkeypatch, seed, others, begin, finish):
    monkeypatch.setattr(replay_job, "STORES_MAX", 1)
    made = await seed(*["failed"] * 7)
    state = await finish(await begin(EVERY_STORE))

    assert await replayed_times(way) == dict.fromkeys([*made, *others], 1)
    assert (state.total, state.done) == (9, 9)


async def test_events_that_nobody_took_are_delivered_and_the_others_are_not(way, installation, seed, begin, finish):
    events = await seed("untaken", "failed", "untaken", "delivered")
    state = await finish(await begin(only_untaken=True))
    made = {delivery_id(one, installation) for one in (events[0], events[2])}

    assert set(await replayed_times(way)) == made
    assert (state.total, state.done, state.replayed, state.results) == (2, 2, 2, {"delivered": 2})


async def test_events_that_still_nobody_takes_are_skipped_and_counted(shop, seed, begin, finish):
    await seed("untaken", "untaken")
    await shop.connection.execute("update public.store_plugins set enabled = false")
    state = await finish(await begin(only_untaken=True))

    assert (state.done, state.replayed, state.skipped) == (2, 0, {"untaken": 2})


async def test_a_replay_that_fails_says_why_and_stops_no_other(shop, ranges, job, seed, begin):
    await seed("failed", "failed")
    broken, sound = await begin(), await begin(EVERY_STORE)
    await make_room(shop)
    await shop.connection.execute("update pideai_host.replays set per_s = 'infinity' where id = %s", (broken,))
    await job.run()

    assert (await ranges.get(EVERY_STORE, broken)).error == "integer out of range"
    assert (await ranges.get(EVERY_STORE, sound)).replayed == 2


async def test_a_replay_that_fails_goes_to_the_end_of_the_line(shop, ranges, job, seed, begin, monkeypatch):
    monkeypatch.setattr(replay_job, "TURNS_MAX", 1)
    await seed("failed")
    broken, sound = await begin(), await begin(EVERY_STORE)
    await make_room(shop)
    await shop.connection.execute(
        "update pideai_host.replays set per_s = 'infinity', paced_at = paced_at - interval '1 day' where id = %s",
        (broken,),
    )
    await job.run()
    await job.run()

    assert (await ranges.get(EVERY_STORE, sound)).replayed == 1


async def test_old_replays_are_forgotten_with_what_they_watched(shop, ranges, job, seed, begin, finish):
    await seed("failed")
    old, running = await begin(), await begin()
    await finish(old)
    await shop.connection.execute(
        "update pideai_host.replays set finished_at = now() - interval '1 year' where id = %s", (old,)
    )
    await job.forget()

    assert [one.id for one in await ranges.list_newest(shop.store_id)] == [running]


class Crash(Exception):  # noqa: N818 - what happens, not a fault
    """The process ends here."""


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("at", range(6))
async def test_a_step_that_dies_anywhere_leaves_nothing_of_itself(
    way, shop, database, seed, begin, finish, monkeypatch, at
):
    """Each statement of a step fails in turn: log, lane and cursor stay as they were, and the next step does it all."""
    made = await seed(*["failed", "delivered"] * 3)
    replay = await begin(statuses=EVERYTHING)
    before = await everything(way)
    await make_room(shop)
    real, calls = psycopg.AsyncCursor.execute, 0

    async def dying(self, *arguments, **named):
        nonlocal calls
        calls += 1
        if calls > at:
            raise Crash
        return await real(self, *arguments, **named)

    async with open_pool(database.runtime_url, min_size=1, max_size=1, check=False) as fragile:
        monkeypatch.setattr(psycopg.AsyncCursor, "execute", dying)
        try:
            await ReplayJob(fragile, on_lanes=lambda _: None).step(replay)
            survived = True
        except Crash:
            survived = False
        monkeypatch.setattr(psycopg.AsyncCursor, "execute", real)

    if not survived:
        assert await everything(way) == before
    await finish(replay)
    assert await replayed_times(way) == dict.fromkeys(made, 1)


async def everything(way):
    return [
        await way.rows("select id, status, lane, history from public.plugin_events_log order by id"),
        await way.rows(f"select message from pgmq.q_{BULK} order by msg_id"),
        await way.rows("select at_time, at_id, done, replayed from pideai_host.replays"),
        await way.rows("select id from pideai_host.replay_watch"),
    ]


HAPPENINGS = st.lists(st.sampled_from(["step", "two leaders", "worker", "fails", "rewind", "single"]), max_size=14)
SEEDED = st.lists(st.sampled_from(["failed", "delivered", "sent", "expired", "pending", "untaken"]), max_size=9)


@pytest.mark.usefixtures("small", "installation")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seeded=SEEDED, happenings=HAPPENINGS, only_untaken=st.booleans())
async def test_nothing_is_doubled_whatever_is_repeated(
    way, shop, pool, installation, seed, begin, job, finish, seeded, happenings, only_untaken
):
    """Steps run at once, cursors go back as if a commit had been lost, what was replayed settles or fails."""
    await shop.connection.execute(
        "truncate public.plugin_events, public.plugin_events_log, pideai_host.replays cascade"
    )
    await shop.connection.execute(f"delete from pgmq.q_{BULK}")
    made = await seed(*seeded)
    replay = await begin(statuses=EVERYTHING, only_untaken=only_untaken)
    for happening in happenings:
        await make_room(shop)
        match happening:
            case "step":
                await job.step(replay)
            case "two leaders":
                await asyncio.gather(*(ReplayJob(pool, on_lanes=lambda _: None).step(replay) for _ in range(2)))
            case "worker":
                await settle(shop, "delivered")
            case "fails":
                await settle(shop, "failed")
            case "rewind":
                await shop.connection.execute(
                    "update pideai_host.replays set at_store = null, at_time = null, at_id = null, is_read = false"
                    " where status = 'running'"
                )
            case "single":
                await job.run()
    await finish(replay)

    wanted = [one for one, status in zip(made, seeded, strict=True) if (status == "untaken") == only_untaken]
    if only_untaken:
        expected = {delivery_id(one, installation): 1 for one in wanted}
    else:
        expected = {one: 1 for one, status in zip(made, seeded, strict=True) if status not in {"untaken", "pending"}}
    assert await replayed_times(way) == expected
