"""When a delivery is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from pideai_host.api import RetryPolicy
from pideai_host.events.retry import WAIT_MIN_S, delay_after, wait_for

POLICY = RetryPolicy()


def test_the_default_schedule_makes_four_calls_in_all():
    delays = [delay_after(POLICY, calls, retry_after_s=None, random=lambda: 0.0) for calls in (1, 2, 3, 4)]

    assert delays == [1.0, 5.0, 30.0, None]


@given(st.floats(0, 1, exclude_max=True))
def test_chance_adds_at_most_a_tenth(chance):
    assert 5.0 <= delay_after(POLICY, 2, retry_after_s=None, random=lambda: chance) <= 5.5


def test_a_receivers_retry_after_is_honoured():
    assert delay_after(POLICY, 1, retry_after_s=120, random=lambda: 0.0) == 120


@given(st.floats())
def test_no_retry_after_makes_it_sooner_or_later_than_the_bounds(asked_s):
    assert 1.0 <= delay_after(POLICY, 1, retry_after_s=asked_s, random=lambda: 0.0) <= POLICY.max_retry_after_s


def test_waiting_ends():
    assert wait_for(POLICY, POLICY.max_wait_s, asked_s=1) is None


@given(st.floats(), st.floats(0, 7_199))
def test_a_wait_is_never_a_busy_loop_nor_past_its_end(asked_s, waited_s):
    assert WAIT_MIN_S <= wait_for(POLICY, waited_s, asked_s=asked_s) <= max(WAIT_MIN_S, POLICY.max_wait_s - waited_s)
