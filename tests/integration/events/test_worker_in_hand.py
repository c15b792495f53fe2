"""What a worker has in hand when it stops, shares with another, fails or quarantines a plugin: nothing stays behind."""

import asyncio

import psycopg
import pytest
from tests.integration.events.conftest import bring, limited

from pideai_host.api import delivered, retry


async def test_a_stop_right_after_a_claim_leaves_no_call_behind(way, shop, probe):
    """What runs begins more: the batch its calls, a call its settling. A stop waits for these as well."""
    for _ in range(20):
        await bring(way, shop)
    worker = way.worker()
    claimed, claim = asyncio.Event(), way.queue.claim

    async def noted(wanted):
        found = await claim(wanted)
        claimed.set()
        return found

    way.queue.claim = noted
    await worker.start()
    await claimed.wait()
    await worker.stop()
    left = await way.rows("select count(*) from pgmq.q_pideai_probe where read_ct > 0")

    assert (left, worker._handler._running) == ([(0,)], set())


async def test_a_stopping_worker_gives_back_what_it_has_not_begun(way, shop, probe):
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow(context):
        began.set()
        await go_on.wait()
        return delivered()

    limited(way, probe, concurrency_per_installation=1)
    probe.answers = [slow]
    for _ in range(3):
        await bring(way, shop)
    worker = way.worker()
    await worker.start()
    await began.wait()
    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0)
    go_on.set()
    await stopping

    assert (sorted(await way.statuses()), len(probe.calls)) == (["delivered", "pending", "pending"], 1)


async def test_a_call_begins_while_what_became_of_the_one_before_cannot_be_written(way, shop, probe):
    called, second = 0, asyncio.Event()

    async def note(_):
        nonlocal called
        called += 1
        if called == 2:
            second.set()
        return delivered()

    limited(way, probe, concurrency=1)
    probe.answers = [note, note]
    await bring(way, shop, 2)
    worker = way.worker()
    async with shop.connection.transaction():
        await shop.connection.execute("select from public.plugin_events_log for update")
        await worker.start()
        async with asyncio.timeout(30):
            await second.wait()
        unwritten = await way.statuses()
    await worker.stop()

    assert (unwritten, await way.statuses()) == (["pending", "pending"], ["delivered", "delivered"])


async def test_an_outcome_that_cannot_even_be_built_leaves_nothing_in_hand(way, shop, probe, monkeypatch):
    called = asyncio.Event()

    async def note(_):
        called.set()
        return delivered()

    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("pideai_host.events.handle.settlement_of", broken)
    probe.answers = [note]
    await bring(way, shop)
    worker = way.worker()
    await worker.start()
    async with asyncio.timeout(30):
        await called.wait()
    await worker.stop()
    lane = worker._lanes["pideai_probe"]

    assert (lane._in_hand, lane._unwritten, worker._leases._until_s) == (0, 0, {})


async def test_a_batch_that_cannot_be_begun_is_put_off_for_a_moment_not_for_a_lease(way, shop, probe):
    real, broken = way.installed.for_batch, [psycopg.OperationalError("cut")]

    async def for_batch(batch):
        if broken:
            raise broken.pop()
        return await real(batch)

    way.installed.for_batch = for_batch
    worker = way.worker()
    await worker.start()
    await bring(way, shop)
    log = await way.done()
    await worker.stop()

    assert log == [("delivered", 1, None)]


@pytest.mark.parametrize("fault", [psycopg.OperationalError("cut"), KeyError("ours")], ids=["database", "ours"])
async def test_calls_that_cannot_be_begun_are_put_off_whatever_the_reason(way, shop, probe, fault):
    worker = way.worker()
    real, broken = worker._handler._held_back, [fault]

    async def held_back(batch, installed):
        if broken:
            raise broken.pop()
        return await real(batch, installed)

    worker._handler._held_back = held_back
    await worker.start()
    await bring(way, shop)
    log = await way.done()
    await worker.stop()

    assert log == [("delivered", 1, None)]


async def test_a_stop_finishes_what_runs(way, shop, probe):
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow(context):
        began.set()
        await go_on.wait()
        return delivered()

    probe.answers = [slow]
    worker = way.worker()
    await worker.start()
    await bring(way, shop)
    worker.wake(None)
    await began.wait()
    stopping = asyncio.create_task(worker.stop())
    go_on.set()
    await stopping

    assert await way.statuses() == ["delivered"]


async def test_two_workers_share_a_backlog_without_doubling(way, shop, probe):
    for _ in range(30):
        await bring(way, shop)
    one, two = way.worker(), way.worker()
    await asyncio.gather(one.start(), two.start())
    await way.done(30)
    await asyncio.gather(one.stop(), two.stop())

    assert (len(probe.calls), len({event.id for event in probe.calls})) == (30, 30)


async def test_a_quarantined_plugins_lanes_are_left_to_other_workers(way, shop, probe, until):
    leaving, serving = way.worker(quarantined={"probe": "blocks"}), way.worker()
    await leaving.start()
    await bring(way, shop)
    leaving.wake(None)
    await until(lambda: way.rows("select 1 from pgmq.q_pideai_probe where read_ct = 0"))
    before = list(probe.calls)
    await serving.start()
    await way.done()
    await asyncio.gather(leaving.stop(), serving.stop())

    assert (before, len(probe.calls)) == ([], 1)


async def test_what_a_worker_holds_of_a_plugin_when_it_is_quarantined_goes_back(way, shop, probe, until):
    quarantined = {}

    async def misbehave(context):
        quarantined["probe"] = "blocks"
        return retry("again")

    limited(way, probe, concurrency_per_installation=1)
    probe.answers = [misbehave]
    for _ in range(3):
        await bring(way, shop)
    worker = way.worker(quarantined=quarantined)
    await worker.start()

    async def all_went_back():
        [[waiting]] = await way.rows("select count(*) from pgmq.q_pideai_probe where read_ct = 0")
        return probe.calls and waiting == 3

    await until(all_went_back)
    await worker.stop()

    assert len(probe.calls) == 1
