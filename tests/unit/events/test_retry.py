"""When a delivery is tried again."""

from hypothesis import assume, given
from hypothesis import strategies as st

from pideai_host.api import ExponentialDelays, RetryPolicy
from pideai_host.events.retry import WAIT_MIN_S, delay_after, longest_delay, wait_for

POLICY = RetryPolicy()
CHANCES = st.floats(0, 1, exclude_max=True)
SECONDS = st.floats(0.001, 86_400)
EXPONENTIAL = st.builds(
    ExponentialDelays, base_s=SECONDS, factor=st.floats(1, 100), cap_s=SECONDS, calls=st.integers(1, 20)
)
POLICIES = st.builds(
    RetryPolicy,
    delays_s=st.lists(SECONDS, max_size=10).map(tuple) | EXPONENTIAL,
    jitter=st.floats(0, 1),
    max_retry_after_s=SECONDS,
)


def test_the_default_schedule_makes_four_calls_in_all():
    delays = [delay_after(POLICY, calls, retry_after_s=None, random=lambda: 0.0) for calls in (1, 2, 3, 4)]

    assert delays == [1.0, 5.0, 30.0, None]


@given(CHANCES)
def test_chance_adds_at_most_a_tenth(chance):
    assert 5.0 <= delay_after(POLICY, 2, retry_after_s=None, random=lambda: chance) <= 5.5


def test_a_receivers_retry_after_is_honoured():
    assert delay_after(POLICY, 1, retry_after_s=120, random=lambda: 0.0) == 120


@given(st.floats())
def test_no_retry_after_makes_it_sooner_or_later_than_the_bounds(asked_s):
    assert 1.0 <= delay_after(POLICY, 1, retry_after_s=asked_s, random=lambda: 0.0) <= POLICY.max_retry_after_s


@given(EXPONENTIAL, CHANCES, st.integers(1, 30))
def test_an_exponential_delay_lies_between_nothing_and_the_cap(delays, chance, calls):
    delay_s = delay_after(RetryPolicy(delays_s=delays), calls, retry_after_s=None, random=lambda: chance)

    assert delay_s is None or 0 <= delay_s <= delays.cap_s


@given(EXPONENTIAL)
def test_the_bounds_of_exponential_delays_never_shrink(delays):
    bounds = [longest_delay(delays, calls) for calls in range(1, delays.calls)]

    assert bounds == sorted(bounds)
    assert bounds[:1] in ([], [min(delays.base_s, delays.cap_s)])


def test_exponential_bounds_grow_by_the_factor_up_to_the_cap():
    delays = ExponentialDelays(base_s=2.0, factor=3.0, cap_s=20.0, calls=5)

    assert [longest_delay(delays, calls) for calls in (1, 2, 3, 4, 5)] == [2.0, 6.0, 18.0, 20.0, None]


@given(CHANCES)
def test_chance_takes_any_share_of_an_exponential_bound(share):
    policy = RetryPolicy(delays_s=ExponentialDelays(base_s=8.0), jitter=1.0)

    assert delay_after(policy, 1, retry_after_s=None, random=lambda: share) == 8.0 * share


def test_a_bound_too_great_for_a_number_is_the_cap():
    delays = ExponentialDelays(base_s=1.0, factor=1e200, cap_s=60.0, calls=9)

    assert longest_delay(delays, 8) == 60.0


@given(POLICIES, CHANCES, st.none() | st.floats())
def test_no_policy_makes_more_calls_than_it_says(policy, chance, asked_s):
    most = policy.delays_s.calls if isinstance(policy.delays_s, ExponentialDelays) else len(policy.delays_s) + 1
    delays = [delay_after(policy, calls, retry_after_s=asked_s, random=lambda: chance) for calls in range(1, 40)]

    assert [delay is not None for delay in delays] == [calls < most for calls in range(1, 40)]


@given(POLICIES, CHANCES, st.integers(1, 20), st.floats())
def test_retry_after_is_honoured_and_clamped_whatever_the_schedule(policy, chance, calls, asked_s):
    scheduled_s = delay_after(policy, calls, retry_after_s=None, random=lambda: chance)
    delay_s = delay_after(policy, calls, retry_after_s=asked_s, random=lambda: chance)

    assume(scheduled_s is not None)
    assert scheduled_s <= delay_s <= max(scheduled_s, policy.max_retry_after_s)
    if asked_s <= policy.max_retry_after_s:
        assert delay_s >= asked_s


def test_waiting_ends():
    assert wait_for(POLICY, POLICY.max_wait_s, asked_s=1) is None


@given(st.floats(), st.floats(0, 7_199))
def test_a_wait_is_never_a_busy_loop_nor_past_its_end(asked_s, waited_s):
    assert WAIT_MIN_S <= wait_for(POLICY, waited_s, asked_s=asked_s) <= max(WAIT_MIN_S, POLICY.max_wait_s - waited_s)
