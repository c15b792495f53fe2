"""What is known of missing lanes, when it is looked again, and what an error tells."""

from types import SimpleNamespace

import psycopg
import pytest

from pideai_host.events.existing import LOOK_AGAIN_S, ExistingLanes


class Queue:
    def __init__(self, *lanes):
        self.lanes = set(lanes)
        self.looks = 0
        self.error = None

    async def existing_lanes(self):
        self.looks += 1
        if self.error is not None:
            raise self.error
        return set(self.lanes)


@pytest.fixture
def queue():
    return Queue("a", "b", "foreign")


@pytest.fixture
def clock():
    return SimpleNamespace(now_s=0.0)


@pytest.fixture
def existing(queue, clock):
    return ExistingLanes(queue, ["a", "b"], monotonic=lambda: clock.now_s)


async def test_as_long_as_all_are_there_nothing_is_kept_out_and_nobody_looks_again(existing, queue, clock):
    await existing.look()
    clock.now_s = 10 * LOOK_AGAIN_S
    await existing.keep_up()

    assert (existing.only, "a" in existing, queue.looks) == (None, True, 1)


async def test_what_is_missing_is_left_out(existing, queue):
    queue.lanes.remove("b")
    await existing.look()

    assert ("a" in existing, "b" in existing, existing.only) == (True, False, {"a", "foreign"})


async def test_it_is_looked_again_until_the_lane_is_there(existing, queue, clock):
    queue.lanes.remove("b")
    await existing.look()
    queue.lanes.add("b")
    clock.now_s = LOOK_AGAIN_S - 1
    await existing.keep_up()
    too_early = "b" in existing
    clock.now_s = LOOK_AGAIN_S
    await existing.keep_up()

    assert (too_early, "b" in existing, existing.only) == (False, True, None)


async def test_an_error_that_a_missing_lane_explains_is_worth_another_try(existing, queue):
    await existing.look()
    queue.lanes.remove("b")

    assert await existing.heard(psycopg.errors.RaiseException("queue b does not exist"))
    assert "b" not in existing


async def test_an_error_that_no_missing_lane_explains_is_not(existing, queue):
    await existing.look()

    assert not await existing.heard(psycopg.errors.RaiseException("something else"))


async def test_the_same_missing_lane_explains_no_second_error(existing, queue):
    queue.lanes.remove("b")
    await existing.look()

    assert not await existing.heard(psycopg.errors.UndefinedTable("pgmq.q_b"))


async def test_a_missing_lane_of_a_plugin_that_is_not_served_is_kept_out_of_what_all_share(existing):
    await existing.look()

    assert await existing.heard(psycopg.errors.UndefinedTable("pgmq.q_other"))
    assert (existing.only, "a" in existing) == ({"a", "b", "foreign"}, True)


async def test_a_database_that_is_away_says_nothing_of_lanes(existing, queue):
    await existing.look()
    before = queue.looks

    assert (await existing.heard(psycopg.OperationalError()), queue.looks) == (False, before)


async def test_when_it_cannot_be_looked_what_is_known_stays(existing, queue, clock):
    queue.lanes.remove("b")
    await existing.look()
    queue.error = psycopg.OperationalError()
    clock.now_s = LOOK_AGAIN_S
    await existing.keep_up()

    assert "b" not in existing
    assert not await existing.heard(psycopg.errors.UndefinedTable("pgmq.q_b"))
