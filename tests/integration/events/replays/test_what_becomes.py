"""What a replay makes of each delivery, parked, copied or uninstalled, and when it is over."""

from pideai_host.events import replay_job
from pideai_host.events.delivery_log import DeliveryStatus
from pideai_host.events.identity import copy_id

EVERYTHING = tuple(one for one in DeliveryStatus if one is not DeliveryStatus.PENDING)


async def test_what_a_replay_makes_is_not_met_by_it_again(seed, begin, finish):
    await seed("delivered", "delivered")
    state = await finish(await begin(statuses=EVERYTHING))

    assert (state.done, state.replayed) == (2, 2)


async def test_a_copy_that_arrived_is_not_copied_by_the_next_replay(seed, begin, finish, replayed_times):
    made = await seed("delivered", "delivered")
    for _ in range(2):
        await finish(await begin(statuses=EVERYTHING))

    assert await replayed_times() == dict.fromkeys(made, 2)


async def test_copies_that_failed_go_again_as_they_are(way, seed, begin, finish, replayed_times):
    [made] = await seed("delivered")
    first = await begin(statuses=EVERYTHING)
    await finish(first, status="failed")
    await finish(await begin())

    assert await way.rows("select status from public.plugin_events_log where id = %s", copy_id(made, first)) == [
        ("delivered",)
    ]
    assert await replayed_times() == {made: 2}


async def test_uninstalled_ones_are_skipped_and_counted(shop, seed, begin, finish, replayed_times):
    await seed("failed", "delivered")
    await shop.connection.execute("delete from public.store_plugins")
    state = await finish(await begin(statuses=EVERYTHING))

    assert (state.done, state.replayed, state.skipped) == (2, 0, {"uninstalled": 2})
    assert await replayed_times() == {}


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
    way, shop, ranges, seed, begin, finish, job, monkeypatch, make_room
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
        await make_room()
        await job.run()
    partly = await ranges.get(shop.store_id, replay)
    await shop.connection.execute("update public.plugin_events_log set status = 'delivered' where status = 'pending'")
    for _ in range(3):
        await make_room()
        await job.run()
    after = await ranges.get(shop.store_id, replay)

    assert done.results == {"parked": 5}
    assert (partly.results, partly.unsettled) == ({"parked": 1, "delivered": 3, "failed": 1}, 0)
    assert (after.status, after.results) == ("done", {"delivered": 4, "failed": 1})
    assert after.finished_at == done.finished_at
    assert await way.rows("select is_followed from pideai_host.replays") == [(False,)]
    assert await way.rows("select count(*) from pideai_host.replay_watch") == [(0,)]


async def test_what_a_breaker_parked_is_followed_likewise(shop, ranges, seed, begin, move, job, make_room):
    await seed("failed")
    replay = await begin()
    await move(replay)
    await shop.connection.execute("update public.plugin_events_log set msg_id = null, park_reason = 'breaker'")
    await move(replay)
    await shop.connection.execute("update public.plugin_events_log set status = 'expired', processed_at = now()")
    await make_room()
    await job.run()
    state = await ranges.get(shop.store_id, replay)

    assert (state.status, state.results, state.unsettled) == ("done", {"expired": 1}, 0)


async def test_a_replay_that_has_nothing_new_to_tell_rests(way, shop, seed, begin, finish, job, make_room):
    await seed("failed")
    await shop.connection.execute("update public.store_plugins set enabled = false")
    await finish(await begin())
    await make_room()
    await job.run()

    assert await way.rows("select is_followed, paced_at > now() from pideai_host.replays") == [(True, True)]


async def test_a_replay_is_over_only_when_what_it_queued_is_settled(shop, ranges, seed, begin, move, settle):
    await seed("failed")
    replay = await begin()
    await move(replay)
    before = await ranges.get(shop.store_id, replay)
    await settle("failed")
    await move(replay)
    after = await ranges.get(shop.store_id, replay)

    assert (before.status, before.done, before.unsettled) == ("running", 1, 1)
    assert (after.status, after.results, after.unsettled) == ("done", {"failed": 1}, 0)
    assert after.finished_at is not None
