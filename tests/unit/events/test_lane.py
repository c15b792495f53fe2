"""How much of a lane a worker takes, and when."""

import asyncio
from uuid import UUID

import pytest

from pideai_host.api import Limits, PluginDefinition, PluginType
from pideai_host.events.lane import LaneState


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lane(clock):
    definition = PluginDefinition(
        slug="probe",
        name="Probe",
        version="1",
        type=PluginType.NOTIFICATION,
        subscribed_events=("order.created",),
        limits=Limits(timeout_s=30, concurrency=40, concurrency_per_installation=1),
    )
    return LaneState("pideai_probe", "probe", definition, monotonic=clock)


def test_a_new_lane_is_looked_at_at_once(lane):
    assert lane.wanted(100, 1.0).count == 40


def test_an_empty_lane_rests_until_its_poll(lane, clock):
    lane.asked()
    lane.claimed(0, 40)
    early = lane.wanted(100, 1.0)
    clock.now_s = 1.0

    assert (early, lane.wanted(100, 1.0).count) == (None, 40)


def test_a_full_batch_is_followed_by_another_look(lane):
    lane.claimed(20, 20)

    assert lane.wanted(100, 1.0).count == 20


def test_a_full_hand_takes_nothing(lane):
    lane.claimed(40, 40)

    assert lane.wanted(100, 1.0) is None


def test_what_is_said_while_a_claim_looks_is_not_forgotten_when_the_claim_brings_nothing(lane):
    lane.asked()
    lane.is_hot = True
    lane.claimed(0, 40)

    assert lane.wanted(100, 1.0).count == 40


def test_a_lane_with_a_full_hand_is_not_polled_before_it_has_room(lane, clock):
    lane.asked()
    lane.claimed(40, 40)
    clock.now_s = 60.0

    assert lane.rests_s(100, 1.0) == float("inf")


def test_a_lane_with_room_rests_until_its_poll(lane):
    lane.asked()
    lane.claimed(0, 40)

    assert lane.rests_s(100, 1.0) == 1.0


def test_a_lease_outlasts_the_hook(lane):
    assert lane.wanted(100, 1.0).lease_s > 30


def test_a_call_is_not_begun_on_the_last_stretch_of_a_lease(lane, clock):
    clock.now_s = 25.0

    assert lane.lease_is_short(0.0)


async def test_one_stores_calls_take_turns(lane):
    running, most = 0, 0

    async def call():
        nonlocal running, most
        async with lane.turn(UUID(int=1), 1):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(call() for _ in range(5)))

    assert most == 1


async def test_places_that_an_installation_is_given_anew_do_not_wait_for_the_old_ones(lane):
    async with lane.turn(UUID(int=1), 1), asyncio.timeout(5), lane.turn(UUID(int=1), 2):
        reached = True

    assert reached


async def test_other_stores_do_not_wait_for_it(lane):
    async with lane.turn(UUID(int=1), 1), asyncio.timeout(5), lane.turn(UUID(int=2), 1):
        reached = True

    assert reached
