"""How much of a lane a worker takes, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.api import Limits, PluginDefinition, PluginType
from pideai_host.events.lane import LaneState

PLACES = 40
DEFINITION = PluginDefinition(
    slug="probe",
    name="Probe",
    version="1",
    type=PluginType.NOTIFICATION,
    subscribed_events=("order.created",),
    limits=Limits(timeout_s=30, concurrency=PLACES, concurrency_per_installation=1),
)


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lanes(clock):
    return list(LaneState.of("probe", DEFINITION, monotonic=clock))


@pytest.fixture
def lane(lanes):
    return lanes[0]


def end(lane, count):
    for _ in range(count):
        lane.ended()


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
    end(lane, 5)
    at_once = lane.wanted(100, 1.0)
    clock.now_s = 0.02

    assert (at_once, lane.wanted(100, 1.0).count) == (None, 5)


def test_half_the_places_are_claimed_for_at_once(lane):
    lane.asked()
    lane.claimed(40, 40)
    end(lane, 20)

    assert lane.wanted(100, 1.0).count == 20


def test_a_place_is_free_when_its_call_is_over_and_not_only_when_that_is_written(lane):
    lane.claimed(40, 40)
    end(lane, 40)

    assert lane.wanted(100, 1.0).count == 40


def test_no_more_is_claimed_while_twice_the_places_are_claimed_and_not_written(lane):
    for _ in range(2):
        lane.claimed(40, 40)
        end(lane, 40)

    assert lane.wanted(100, 1.0) is None


def test_what_is_written_makes_room_where_too_much_was_unwritten(lane):
    for _ in range(2):
        lane.claimed(40, 40)
        end(lane, 40)
    told = [lane.written() for _ in range(40)]

    assert (told.count(True), lane.wanted(100, 1.0).count) == (1, 40)


def test_what_is_dropped_makes_room_at_once(lane):
    lane.claimed(40, 40)
    told = [lane.dropped() for _ in range(40)]

    assert (told.count(True), lane.wanted(100, 1.0).count) == (1, 40)


@given(st.lists(st.sampled_from(["claim", "end", "write", "drop"]), max_size=60))
def test_calls_never_exceed_the_places_nor_what_is_unwritten_twice_of_them(acts):
    lane = next(LaneState.of("probe", DEFINITION))
    in_hand = unwritten = 0
    for act in acts:
        if act == "claim" and (wanted := lane.wanted(100, 0.0)) is not None:
            lane.claimed(wanted.count, wanted.count)
            in_hand += wanted.count
        elif act == "end" and in_hand:
            lane.ended()
            in_hand, unwritten = in_hand - 1, unwritten + 1
        elif act == "write" and unwritten:
            lane.written()
            unwritten -= 1
        elif act == "drop" and in_hand:
            lane.dropped()
            in_hand -= 1
        assert in_hand <= PLACES
        assert in_hand + unwritten <= 2 * PLACES


def test_room_is_told_of_once_as_it_comes(lane):
    lane.claimed(40, 40)

    assert [lane.ended() for _ in range(40)].count(True) == 1


def test_a_bulk_lane_has_all_places_while_the_main_lane_rests(lanes):
    assert lanes[1].wanted(100, 1.0).count == 40


def test_a_bulk_lane_takes_hardly_any_place_while_the_main_lane_has_work(lanes, clock):
    main, bulk = lanes
    main.claimed(1, 40)
    busy = bulk.wanted(100, 1.0).count
    clock.now_s = 0.25

    assert (busy, bulk.wanted(100, 1.0).count) == (8, 40)


def test_a_bulk_lane_that_makes_way_claims_when_all_it_had_is_written(lanes):
    main, bulk = lanes
    main.claimed(1, 40)
    bulk.claimed(8, 8)
    bulk.asked()
    bulk.is_hot = True
    end(bulk, 8)
    unwritten = bulk.wanted(100, 1.0)
    told = [bulk.written() for _ in range(8)]

    assert (unwritten, told.index(True), bulk.wanted(100, 1.0).count) == (None, 7, 8)
