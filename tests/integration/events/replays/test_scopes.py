"""Whose deliveries and events a replay takes, and what one that fails does to the others."""

import pytest

from pideai_host.events import replay_job
from pideai_host.events.identity import delivery_id
from pideai_host.events.scope import EVERY_STORE


async def test_a_stores_replay_leaves_the_others_alone(seed, others, begin, finish, replayed_times):
    made = await seed("failed")
    await finish(await begin())

    assert await replayed_times() == {made[0]: 1}


@pytest.mark.usefixtures("small")
async def test_the_operator_replays_every_store(monkeypatch, seed, others, begin, finish, replayed_times):
    monkeypatch.setattr(replay_job, "STORES_MAX", 1)
    made = await seed(*["failed"] * 7)
    state = await finish(await begin(EVERY_STORE))

    assert await replayed_times() == dict.fromkeys([*made, *others], 1)
    assert (state.total, state.done) == (9, 9)


async def test_events_that_nobody_took_are_delivered_and_the_others_are_not(
    installation, seed, begin, finish, replayed_times
):
    events = await seed("untaken", "failed", "untaken", "delivered")
    state = await finish(await begin(only_untaken=True))
    made = {delivery_id(one, installation) for one in (events[0], events[2])}

    assert set(await replayed_times()) == made
    assert (state.total, state.done, state.replayed, state.results) == (2, 2, 2, {"delivered": 2})


async def test_events_that_still_nobody_takes_are_skipped_and_counted(shop, seed, begin, finish):
    await seed("untaken", "untaken")
    await shop.connection.execute("update public.store_plugins set enabled = false")
    state = await finish(await begin(only_untaken=True))

    assert (state.done, state.replayed, state.skipped) == (2, 0, {"untaken": 2})


async def test_a_replay_that_fails_says_why_and_stops_no_other(shop, ranges, job, seed, begin, make_room):
    await seed("failed", "failed")
    broken, sound = await begin(), await begin(EVERY_STORE)
    await make_room()
    await shop.connection.execute("update pideai_host.replays set per_s = 'infinity' where id = %s", (broken,))
    await job.run()

    assert (await ranges.get(EVERY_STORE, broken)).error == "integer out of range"
    assert (await ranges.get(EVERY_STORE, sound)).replayed == 2


async def test_a_replay_that_fails_goes_to_the_end_of_the_line(shop, ranges, job, seed, begin, monkeypatch, make_room):
    monkeypatch.setattr(replay_job, "TURNS_MAX", 1)
    await seed("failed")
    broken, sound = await begin(), await begin(EVERY_STORE)
    await make_room()
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
