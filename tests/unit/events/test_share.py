"""A store beyond its share of a main lane is found out, and comes back when it has less."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from pideai_host.events.share import LOOK_AGAIN_S, LOOK_EVERY, SHARE, Shares

ONE, OTHER = UUID(int=1), UUID(int=2)
AT = datetime(2026, 1, 2, tzinfo=UTC)


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def shares(clock):
    return Shares(monotonic=clock)


def test_a_store_that_gets_little_is_never_looked_at(shares):
    assert [shares.to_look_at({ONE: 1}) for _ in range(LOOK_EVERY - 1)] == [[]] * (LOOK_EVERY - 1)


def test_a_store_that_gets_much_is_looked_at_every_so_often(shares):
    shares.to_look_at({ONE: LOOK_EVERY - 1, OTHER: 1})

    assert shares.to_look_at({ONE: 1, OTHER: 1}) == [ONE]


def test_a_look_is_not_repeated_before_more_has_come(shares):
    shares.to_look_at({ONE: LOOK_EVERY})
    shares.learn([(ONE, 0, AT)])

    assert shares.to_look_at({ONE: 1}) == []


@pytest.mark.parametrize(("unsettled", "is_over"), [(SHARE - 1, False), (SHARE, True)])
def test_so_much_and_no_more_is_a_share(shares, unsettled, is_over):
    shares.learn([(ONE, unsettled, AT)])

    assert shares.is_over(ONE) is is_over


def test_a_store_over_its_share_is_looked_at_by_time(shares, clock):
    shares.learn([(ONE, SHARE, AT)])
    at_once = shares.to_look_at({ONE: 1})
    clock.now_s = LOOK_AGAIN_S

    assert (at_once, shares.to_look_at({ONE: 1})) == ([], [ONE])


def test_a_store_is_back_in_the_main_lane_only_when_it_has_clearly_less(shares):
    shares.learn([(ONE, SHARE, AT)])
    shares.learn([(ONE, SHARE - 1, AT)])
    still = shares.is_over(ONE)
    shares.learn([(ONE, SHARE - LOOK_EVERY - 1, AT)])

    assert (still, shares.is_over(ONE)) == (True, False)


def test_since_when_it_is_over_its_share_is_known_until_it_is_not(shares):
    shares.learn([(ONE, SHARE, AT)])
    shares.learn([(ONE, SHARE, AT + timedelta(seconds=1))])
    since = shares.over_since(ONE)
    shares.learn([(ONE, 0, AT)])

    assert (since, shares.over_since(ONE)) == (AT, None)


def test_other_stores_are_none_of_its_business(shares):
    shares.learn([(ONE, SHARE, AT)])

    assert not shares.is_over(OTHER)
