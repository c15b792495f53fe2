"""A replay can be cancelled, begun again under its id, and is its own store's."""

import asyncio
from uuid import uuid4

import pytest

from pideai_host.events import replay_range
from pideai_host.events.replay_faults import ReplayOver, ReplaysBusy, ReplayUnknown
from pideai_host.events.scope import EVERY_STORE

BULK = "pideai_probe__bulk"


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
async def test_a_cancelled_replay_tells_what_became_of_what_it_had_queued(shop, ranges, seed, begin, move, job, settle):
    await seed(*["failed"] * 9)
    replay = await begin()
    await move(replay)
    cancelled = await ranges.cancel(shop.store_id, replay)
    await job.run()
    under_way = await ranges.get(shop.store_id, replay)
    await settle("delivered")
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
