"""What the database would not take is written once it does, in order, and at last let go of."""

import asyncio

import pytest

from pideai_host.events.unwritten import FRESH_S, Unwritten
from pideai_host.telemetry import OUTCOMES_UNWRITTEN

LANE = "pideai_probe"


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


class Database:
    """Takes nothing `away` times, and what is in `refused` never."""

    def __init__(self):
        self.away = 0
        self.refused = set()
        self.written = []
        self.asked = 0

    async def write(self, lane, outcomes):
        self.asked += 1
        if self.away:
            self.away -= 1
            return range(len(outcomes))
        self.written += [(lane, one) for one in outcomes if one not in self.refused]
        return [n for n, one in enumerate(outcomes) if one in self.refused]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def database():
    return Database()


@pytest.fixture
def unwritten(database, clock):
    return Unwritten(database.write, retry_s=0.0, give_up_s=900.0, last_s=0.05, monotonic=clock)


def keep(unwritten, *outcomes, lane=LANE):
    done = []
    for one in outcomes:
        unwritten.keep(lane, one, lambda one=one: done.append(one))
    return done


async def ended(unwritten):
    while len(unwritten):  # noqa: ASYNC110 - it is emptied by its own task
        await asyncio.sleep(0)


async def test_it_is_written_as_soon_as_the_database_takes_it(unwritten, database):
    database.away = 3
    done = keep(unwritten, 1, 2)
    await ended(unwritten)

    assert (database.asked, database.written, done) == (4, [(LANE, 1), (LANE, 2)], [1, 2])


async def test_what_comes_while_it_is_tried_is_tried_as_well(unwritten, database):
    database.away = 1
    keep(unwritten, 1)
    await asyncio.sleep(0)
    keep(unwritten, 2, lane="pideai_other")
    await ended(unwritten)

    assert sorted(database.written) == [("pideai_other", 2), (LANE, 1)]


async def test_what_is_never_taken_does_not_keep_the_others_back_and_is_let_go_of_at_last(unwritten, database, clock):
    database.refused = {1}
    done = keep(unwritten, 1, 2)
    while not done:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0)
    before = list(done)
    clock.now_s = 900.0
    await ended(unwritten)

    assert (before, done, database.written) == ([2], [2, 1], [(LANE, 2)])


async def test_a_process_that_stops_writes_what_can_be_written_soon(unwritten, database):
    database.away = 3
    done = keep(unwritten, 1)
    await unwritten.stop()

    assert (database.written, done) == ([(LANE, 1)], [1])


async def test_and_gives_up_the_rest(unwritten, database):
    database.refused = {1}
    done = keep(unwritten, 1)
    await unwritten.stop()

    assert (database.written, done, len(unwritten)) == ([], [1], 0)


async def test_nothing_new_is_to_be_made_while_something_was_put_off_lately(unwritten, database, clock):
    database.refused = {1}
    before = unwritten.are_fresh
    keep(unwritten, 1)
    lately = unwritten.are_fresh
    clock.now_s = FRESH_S + 1
    later = unwritten.are_fresh
    database.refused.clear()
    await ended(unwritten)

    assert (before, lately, later) == (False, True, False)


async def test_stopping_with_nothing_kept_does_nothing(unwritten, database):
    await unwritten.stop()

    assert database.asked == 0


async def test_how_many_wait_is_told(unwritten, database):
    def told():
        return OUTCOMES_UNWRITTEN._value.get()

    before = told()
    database.away = 1
    keep(unwritten, 1, 2)
    kept = told()
    await ended(unwritten)

    assert (kept - before, told() - before) == (2, 0)
