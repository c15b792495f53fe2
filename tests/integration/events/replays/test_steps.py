"""A range goes again as it was counted: in bounded steps, at its rate, the oldest first."""

from datetime import UTC, datetime, timedelta

import pytest

from pideai_host.api import PluginUnknown
from pideai_host.events import replay_job, replay_range
from pideai_host.events.delivery_log import DeliveryStatus

BULK = "pideai_probe__bulk"
EVERYTHING = tuple(one for one in DeliveryStatus if one is not DeliveryStatus.PENDING)


async def test_the_preview_counts_by_the_rule_of_the_replay(ranges, shop, seed, begin, finish, wanting):
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
async def test_a_range_is_narrowed_by_each_of_its_parts(seed, begin, finish, wanted, expected, replayed_times):
    await seed("failed", "delivered")
    await seed("failed", event_type="order.updated")
    await seed("failed", age="3 hours")
    state = await finish(await begin(**wanted))

    assert (state.total, state.replayed, len(await replayed_times())) == (expected, expected, expected)


async def test_a_plugin_that_there_is_not_is_refused(ranges, shop, wanting):
    with pytest.raises(PluginUnknown):
        await ranges.preview(shop.store_id, wanting(plugin="nope"))


async def test_a_count_looks_at_a_bounded_number_of_rows(ranges, shop, seed, monkeypatch, wanting):
    await seed(*["failed"] * 6)
    monkeypatch.setattr(replay_range, "COUNTED_MAX", 4)

    assert not (await ranges.preview(shop.store_id, wanting())).is_exact


@pytest.mark.usefixtures("small")
async def test_each_delivery_goes_again_once_in_steps(seed, begin, finish, replayed_times):
    made = await seed(*["failed", "delivered"] * 8)
    state = await finish(await begin(statuses=EVERYTHING))

    assert await replayed_times() == dict.fromkeys(made, 1)
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


async def test_no_more_is_queued_while_too_much_is_unsettled(way, seed, begin, move, monkeypatch, settle):
    monkeypatch.setattr(replay_job, "UNSETTLED_MIN", 4)
    await seed(*["failed"] * 10)
    replay = await begin(per_s=2.0)
    queued = []
    for _ in range(3):
        await move(replay)
        queued += (await way.rows(f"select count(*) from pgmq.q_{BULK}"))[0]
    await settle("failed")
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
