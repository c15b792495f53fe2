"""When to try again: pure rules, chance injected."""

import math
from collections.abc import Callable

from pideai_host.api import ExponentialDelays, RetryPolicy

WAIT_MIN_S = 0.2
"""A plugin that asks to wait for less is asking for a busy loop."""


def delay_after(
    policy: RetryPolicy, calls: int, *, retry_after_s: float | None, random: Callable[[], float]
) -> float | None:
    """Return the seconds until the next call, or None when the schedule is used up.

    A listed delay plus up to `policy.jitter` of it, or any delay up to the bound of an exponential one. A receiver's
    Retry-After makes it longer, never shorter, and is clamped to `policy.max_retry_after_s`.

    Args:
        policy: The plugin's.
        calls: Calls made so far, this one included; 1 or more.
        retry_after_s: What the receiver asked for, if it did.
        random: Uniform in [0, 1).
    """
    bound_s = longest_delay(policy.delays_s, calls)
    if bound_s is None:
        return None
    share = random() if isinstance(policy.delays_s, ExponentialDelays) else 1 + policy.jitter * random()
    return max(bound_s * share, _asked(retry_after_s, policy.max_retry_after_s))


def longest_delay(delays: tuple[float, ...] | ExponentialDelays, calls: int) -> float | None:
    """Return the seconds until the next call before chance has its say, or None when the schedule is used up."""
    if not isinstance(delays, ExponentialDelays):
        return delays[calls - 1] if calls <= len(delays) else None
    if calls >= delays.calls:
        return None
    try:
        return min(delays.base_s * delays.factor ** (calls - 1), delays.cap_s)
    except OverflowError:
        return delays.cap_s


def wait_for(policy: RetryPolicy, waited_s: float, *, asked_s: float | None) -> float | None:
    """Return the seconds to wait without using an attempt, or None when the delivery has waited long enough in all."""
    if waited_s >= policy.max_wait_s:
        return None
    return max(WAIT_MIN_S, _asked(asked_s, policy.max_wait_s - waited_s))


def _asked(seconds: float | None, most: float) -> float:
    if seconds is None or math.isnan(seconds):
        return 0.0
    return min(max(seconds, 0.0), most)
