"""A lane that is missing stops its own plugin only, and is taken up again once it exists."""

import msgspec
import pytest
from tests.integration.events.conftest import bring

from pideai_host.events import existing


@pytest.fixture
def other(probe):
    """A second plugin, which does what the first does."""
    other = type(probe)()
    other.definition = msgspec.structs.replace(other.definition, slug="other")
    return other


@pytest.fixture
def loaded(probe, other):
    return {"probe": probe, "other": other}


@pytest.fixture
def looking_often(monkeypatch):
    monkeypatch.setattr(existing, "LOOK_AGAIN_S", 0.0)


async def drop(shop):
    for lane in ("pideai_other", "pideai_other__bulk"):
        await shop.connection.execute("select pgmq.drop_queue(%s)", [lane])


async def make(shop):
    for lane in ("pideai_other", "pideai_other__bulk"):
        await shop.connection.execute("select pideai_host.ensure_lane(%s)", [lane])


@pytest.fixture
async def running(way):
    """Start the worker when a test wants it; stop it in the end."""
    worker = way.worker()
    yield worker
    if worker.is_running:
        await worker.stop()


async def test_a_lane_dropped_under_a_running_worker_stops_no_other(way, running, shop, probe, other):
    await running.start()
    await bring(way, shop)
    await way.done(2)
    await drop(shop)
    await bring(way, shop)
    await way.done(3)

    assert (len(probe.calls), len(other.calls)) == (2, 1)


async def test_a_lane_that_is_missing_at_the_start_stops_no_other(way, running, shop, probe):
    await drop(shop)
    await running.start()
    await bring(way, shop)
    await way.done(1)

    assert len(probe.calls) == 1


@pytest.mark.usefixtures("looking_often")
async def test_a_lane_is_served_once_it_exists(way, running, shop, other):
    await drop(shop)
    await running.start()
    await make(shop)
    await bring(way, shop)
    await way.done(2)

    assert len(other.calls) == 1


@pytest.mark.usefixtures("looking_often")
async def test_what_came_while_the_lane_was_missing_is_kept_and_delivered(way, running, shop, other):
    await running.start()
    await drop(shop)
    await bring(way, shop)
    await way.done(1)
    await make(shop)
    await way.done(2)

    assert len(other.calls) == 1


async def test_a_table_dropped_by_hand_is_as_good_as_no_lane(way, running, shop, probe):
    await shop.connection.execute("drop table pgmq.q_pideai_other")
    await running.start()
    await bring(way, shop)
    await way.done(1)

    assert len(probe.calls) == 1


async def test_what_is_due_in_a_missing_lane_keeps_nothing_else_from_its_own(way, shop):
    await bring(way, shop)
    await shop.connection.execute(
        "update public.plugin_events_log set msg_id = null, next_attempt_at = now() - interval '1 minute'"
    )
    await drop(shop)
    lanes = await way.queue.existing_lanes()

    assert dict(await way.queue.promote(10, lanes=lanes)) == {"pideai_probe": 1}
