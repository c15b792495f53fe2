"""The rules of a breaker: when it opens, how long it rests, what its probe decides."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pideai_host.api import BreakerPolicy
from pideai_host.events.breaker import Breaker, Phase, cool_down_after
from pideai_host.events.channel import Channel

POLICY = BreakerPolicy(failures=3, window_s=60.0, cool_down_s=10.0, growth=2.0, max_cool_down_s=35.0)
WORDS = (Channel.WORKS, Channel.BROKEN, None)


NEW = Breaker()


def heard(*words, breaker=NEW, now_s=0.0):
    for word in words:
        breaker = breaker.after(word, POLICY, now_s)
    return breaker


def probing(breaker):
    return msgspec.structs.replace(breaker, phase=Phase.HALF_OPEN)


OPEN = heard(*[Channel.BROKEN] * 3)


def test_failures_in_a_row_open_it():
    assert (OPEN.phase, OPEN.until_s) == (Phase.OPEN, 10.0)


def test_fewer_do_not():
    assert heard(*[Channel.BROKEN] * 2).phase is Phase.CLOSED


def test_a_success_between_them_begins_the_row_anew():
    assert heard(Channel.BROKEN, Channel.BROKEN, Channel.WORKS, Channel.BROKEN).failures == 1


def test_a_call_that_says_nothing_changes_nothing():
    before = heard(Channel.BROKEN)

    assert heard(None, breaker=before) is before


def test_failures_far_apart_are_no_row():
    assert heard(Channel.BROKEN, breaker=heard(*[Channel.BROKEN] * 2), now_s=60.1).failures == 1


def test_a_call_from_before_the_opening_does_not_close_it():
    assert heard(Channel.WORKS, breaker=OPEN) is OPEN


def test_a_probe_that_succeeds_closes_it():
    closed = heard(Channel.WORKS, breaker=probing(OPEN), now_s=12.0)

    assert (closed.phase, closed.failures) == (Phase.CLOSED, 0)


def test_a_probe_that_fails_opens_it_for_longer():
    assert heard(Channel.BROKEN, breaker=probing(OPEN), now_s=12.0).until_s == 12.0 + 20.0


def test_a_probe_that_says_nothing_is_followed_by_another_at_once():
    again = heard(None, breaker=probing(OPEN), now_s=12.0)

    assert (again.phase, again.until_s, again.openings) == (Phase.OPEN, 12.0, 1)


@pytest.mark.parametrize(("after_s", "cool_down_s"), [(34.0, 20.0), (35.0, 10.0)], ids=["soon", "later"])
def test_only_a_rest_makes_it_forget_its_openings(after_s, cool_down_s):
    closed = heard(Channel.WORKS, breaker=probing(OPEN), now_s=0.0)
    again = heard(*[Channel.BROKEN] * 3, breaker=closed, now_s=after_s)

    assert again.until_s - after_s == cool_down_s


@given(openings=st.integers(min_value=1, max_value=100_000))
def test_a_cool_down_stays_within_its_bounds_however_often_it_opened(openings):
    assert POLICY.cool_down_s <= cool_down_after(openings, POLICY) <= POLICY.max_cool_down_s


@given(failures=st.integers(1, 5), calls=st.lists(st.sampled_from(WORDS), max_size=40))
def test_it_opens_exactly_at_the_first_row_that_is_long_enough(failures, calls):
    policy = msgspec.structs.replace(POLICY, failures=failures)
    breaker, row = Breaker(), 0
    for word in calls:
        row = 0 if word is Channel.WORKS else row + (word is Channel.BROKEN)
        breaker = breaker.after(word, policy, 0.0)
        assert (breaker.phase is Phase.OPEN) == (row >= failures)
        if row >= failures:
            break


class Machine(RuleBasedStateMachine):
    """One breaker through any calls, probes and times."""

    def __init__(self):
        super().__init__()
        self.now_s = 0.0
        self.breaker = Breaker()

    @rule(seconds=st.floats(0.0, 120.0))
    def time_passes(self, seconds):
        self.now_s += seconds

    @precondition(lambda self: self.breaker.phase is not Phase.HALF_OPEN)
    @rule(word=st.sampled_from(WORDS))
    def a_call_ends(self, word):
        before = self.breaker
        self.breaker = before.after(word, POLICY, self.now_s)
        assert before.phase is Phase.CLOSED or self.breaker is before

    @precondition(lambda self: self.breaker.phase is Phase.OPEN and self.now_s >= self.breaker.until_s)
    @rule()
    def a_probe_begins(self):
        self.breaker = probing(self.breaker)

    @precondition(lambda self: self.breaker.phase is Phase.HALF_OPEN)
    @rule(word=st.sampled_from(WORDS))
    def the_probe_ends(self, word):
        self.breaker = self.breaker.after(word, POLICY, self.now_s)
        assert (self.breaker.phase is Phase.CLOSED) == (word is Channel.WORKS)

    @invariant()
    def closed_means_fewer_failures_than_it_takes(self):
        assert self.breaker.failures < POLICY.failures

    @invariant()
    def a_probe_is_never_further_off_than_the_longest_cool_down(self):
        if self.breaker.phase is Phase.OPEN:
            assert self.breaker.until_s <= self.now_s + POLICY.max_cool_down_s

    @invariant()
    def one_that_is_open_has_forgotten_nothing(self):
        assert self.breaker.phase is Phase.CLOSED or not self.breaker.has_forgotten(POLICY, self.now_s)


TestMachine = Machine.TestCase
