"""A plugin that ends worker after worker is left alone by all of them, and tried again by one."""

import asyncio
from datetime import UTC, datetime

import pytest
from tests.integration.events.conftest import bring

from pideai_host.api import wait
from pideai_host.events.quarantine_rows import CRASHES_MAX, QuarantineRows
from pideai_host.events.quarantines import Quarantines
from pideai_host.events.suspects import Suspects

NOW = datetime(2026, 11, 28, tzinfo=UTC)
CRASHED = "select 1 from public.plugin_events_log where status = 'failed' having count(*) = %s"
QUARANTINED = "select 1 from pideai_host.plugin_quarantines"
RELEASED = "select 1 where not exists (select from pideai_host.plugin_quarantines)"


@pytest.fixture
def rows(way):
    return QuarantineRows(way.pool, cool_down_s=900.0)


async def crash(way, count):
    """Leave behind so many messages whose calls were begun alone and never ended."""
    for _ in range(3):
        claimed = await way.claim(count, lease_s=0)
    suspects = Suspects(way.queue, now=lambda: NOW, worker="gone")
    for one in claimed:
        await suspects.has_crashed(one, begins_alone=True)
    return claimed


async def run_until(worker, condition, until):
    await worker.start()
    await until(condition)
    await worker.stop()


async def test_after_three_crashes_its_messages_wait_for_all_workers(way, shop, probe, until):
    await bring(way, shop, CRASHES_MAX)
    await crash(way, CRASHES_MAX)
    await run_until(way.worker(), lambda: way.rows(QUARANTINED), until)
    await until(lambda: way.rows(CRASHED, CRASHES_MAX))
    await bring(way, shop)
    another = way.worker()
    await another.start()
    another.wake(None)
    await way.rows("select 1")  # time enough to look at its lanes
    await another.stop()

    assert (probe.calls, await way.rows("select read_ct from pgmq.q_pideai_probe")) == ([], [(0,)])


async def test_fewer_crashes_are_borne(way, shop, probe, until):
    await bring(way, shop, CRASHES_MAX - 1)
    await crash(way, CRASHES_MAX - 1)
    await bring(way, shop)
    await run_until(
        way.worker(), lambda: way.rows("select 1 from public.plugin_events_log where status = 'delivered'"), until
    )

    assert (len(probe.calls), await way.rows(QUARANTINED)) == (1, [])


async def test_a_crash_counts_once_however_often_it_is_found(way, shop, rows):
    await bring(way, shop)
    [claimed] = await crash(way, 1)
    said = [await rows.blame("probe", claimed) for _ in range(CRASHES_MAX + 1)]

    assert said == [None] * (CRASHES_MAX + 1)


async def test_crashes_long_ago_do_not_count(way, shop, rows):
    await bring(way, shop, CRASHES_MAX)
    *before, last = await crash(way, CRASHES_MAX)
    for one in before:
        await rows.blame("probe", one)
    await shop.connection.execute("update pideai_host.plugin_crashes set found_at = now() - interval '31 minutes'")

    assert await rows.blame("probe", last) is None


async def test_the_reason_says_how_many_and_within_which_time(way, shop, rows):
    await bring(way, shop, CRASHES_MAX)
    said = [await rows.blame("probe", one) for one in await crash(way, CRASHES_MAX)]

    assert said == [None, None, "ended 3 workers within 30 minutes"]


async def test_crashes_that_are_found_at_the_same_moment_all_count(way, shop, rows):
    await bring(way, shop, CRASHES_MAX)
    said = await asyncio.gather(*(rows.blame("probe", one) for one in await crash(way, CRASHES_MAX)))

    assert sorted(said, key=str) == [None, None, "ended 3 workers within 30 minutes"]


async def test_another_plugin_is_not_held_to_account(way, shop, rows):
    await bring(way, shop, CRASHES_MAX)
    for one in await crash(way, CRASHES_MAX):
        await rows.blame("probe", one)
    quarantines = Quarantines(rows)
    await quarantines.refresh()

    assert ("probe" in quarantines, "other" in quarantines) == (True, False)


@pytest.fixture
async def quarantined(way, shop, rows):
    """The probe, quarantined, with three messages that nobody has claimed yet."""
    await bring(way, shop, CRASHES_MAX)
    for one in await crash(way, CRASHES_MAX):
        await rows.blame("probe", one)
    await shop.connection.execute("delete from public.plugin_events_log")
    await shop.connection.execute("delete from pgmq.q_pideai_probe")
    await bring(way, shop, 3)


async def test_an_operator_lifts_it_and_everything_flows(way, rows, probe, quarantined):
    worker = way.worker()
    await worker.start()
    lifted = await rows.lift("probe")
    await way.done(3)
    await worker.stop()

    assert (lifted, len(probe.calls), await way.rows("select 1 from pideai_host.plugin_crashes")) == (True, 3, [])


async def test_what_is_not_quarantined_cannot_be_lifted(rows):
    assert await rows.lift("probe") is False


async def test_when_its_time_is_over_one_call_that_goes_well_lifts_it(way, shop, probe, quarantined):
    seen = []

    async def look(_):
        seen.extend(await way.rows("select until > now() from pideai_host.plugin_quarantines"))

    await shop.connection.execute("update pideai_host.plugin_quarantines set until = now()")
    probe.answers = [look]
    worker = way.worker()
    await worker.start()
    await way.done(3)
    await worker.stop()

    assert (seen, len(probe.calls), await way.rows(QUARANTINED)) == ([(True,)], 3, [])


async def test_a_call_that_says_nothing_lets_another_one_be_tried(way, shop, probe, quarantined):
    await shop.connection.execute("update pideai_host.plugin_quarantines set until = now()")
    probe.answers = [wait("the channel is down", retry_after_s=0.0)]
    worker = way.worker()
    await worker.start()
    await way.done(3)
    await worker.stop()

    assert (len(probe.calls), await way.rows(QUARANTINED)) == (4, [])


async def test_of_several_workers_one_gets_the_call_and_the_time_doubles(shop, way, rows, quarantined):
    await shop.connection.execute("update pideai_host.plugin_quarantines set until = now()")
    taken = [await rows.take_try("probe") for _ in range(2)]
    left = await way.rows(
        "select round(extract(epoch from until - now())), cool_down_s from pideai_host.plugin_quarantines"
    )

    assert (taken, left) == ([True, False], [(1800, 1800.0)])


async def test_the_call_that_ended_its_worker_is_found_and_another_one_tried(
    way, shop, rows, probe, until, quarantined
):
    """The first try ends its worker at its first claim; the next worker that may try finds it written down."""
    await rows.take_try("probe")
    [claimed] = await way.claim(1, lease_s=0)
    await Suspects(way.queue, now=lambda: NOW, worker="gone").has_crashed(claimed, begins_alone=True)
    await shop.connection.execute("update pideai_host.plugin_quarantines set until = now()")
    worker = way.worker()
    await worker.start()
    await way.done(3)
    await worker.stop()
    failed = await way.rows("select id from public.plugin_events_log where status = 'failed'")

    assert (failed, len(probe.calls), await way.rows(QUARANTINED)) == ([(claimed.id,)], 2, [])


async def test_an_operator_sees_which_why_and_until_when(rows, quarantined):
    [state] = await rows.all()

    assert (state.plugin, state.reason, state.crashes) == ("probe", "ended 3 workers within 30 minutes", 3)
    assert (state.until - state.since).total_seconds() == 900.0
