"""How much of a lane a worker takes, and when."""

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
def lanes(clock):
    definition = PluginDefinition(
        slug="probe",
        name="Probe",
        version="1",
        type=PluginType.NOTIFICATION,
        subscribed_events=("order.created",),
        limits=Limits(timeout_s=30, concurrency=40, concurrency_per_installation=1),
    )
    return list(LaneState.of("probe", definition, monotonic=clock))


@pytest.fixture
def lane(lanes):
    return lanes[0]


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


def test_few_free_places_are_waited_on_for_a_moment_only(lane, clock):
    lane.asked()
    lane.claimed(40, 40)
    lane.release(5)
    at_once = lane.wanted(100, 1.0)
    clock.now_s = 0.02

    assert (at_once, lane.wanted(100, 1.0).count) == (None, 5)


def test_half_the_places_are_claimed_for_at_once(lane):
    lane.asked()
    lane.claimed(40, 40)
    lane.release(20)

    assert lane.wanted(100, 1.0).count == 20


def test_room_is_told_of_once_as_it_comes(lane):
    lane.claimed(40, 40)

    assert [lane.release(1) for _ in range(40)].count(True) == 1


def test_a_bulk_lane_has_all_places_while_the_main_lane_rests(lanes):
    assert lanes[1].wanted(100, 1.0).count == 40


def test_a_bulk_lane_takes_hardly_any_place_while_the_main_lane_has_work(lanes, clock):
    main, bulk = lanes
    main.claimed(1, 40)
    busy = bulk.wanted(100, 1.0).count
    clock.now_s = 1.0

    assert (busy, bulk.wanted(100, 1.0).count) == (8, 40)
