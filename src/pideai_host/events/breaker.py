"""The rules of one installation's breaker: pure, time given in seconds of any clock that only goes forward.

closed      calls are made; failures in a row are counted
open        nothing is called until the cool-down ends; each opening in a row has a longer one
half open   one call is made, the probe: its success closes, its failure opens again
"""

from enum import StrEnum

import msgspec

from pideai_host.api import BreakerPolicy
from pideai_host.events.channel import Channel


class Phase(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """One installation's breaker at one moment.

    Attributes:
        failures: In a row, while closed.
        last_failure_s: When the last of them was.
        openings: In a row, without a rest of `max_cool_down_s` between them.
        until_s: Open: when a probe may be made. Closed: when the openings are forgotten.
    """

    phase: Phase = Phase.CLOSED
    failures: int = 0
    last_failure_s: float = 0.0
    openings: int = 0
    until_s: float = 0.0

    def after(self, channel: Channel | None, policy: BreakerPolicy, now_s: float) -> "Breaker":
        """Take the word of one call; while half open this is the probe's. Returns itself where nothing changes."""
        match self.phase:
            case Phase.CLOSED:
                return self._after_call(channel, policy, now_s)
            case Phase.HALF_OPEN:
                return self._after_probe(channel, policy, now_s)
            case Phase.OPEN:
                return self  # of a call that had begun before

    def has_forgotten(self, policy: BreakerPolicy, now_s: float) -> bool:
        """Tell whether it is as good as new."""
        is_in_a_row = self.failures > 0 and now_s - self.last_failure_s <= policy.window_s
        return self.phase is Phase.CLOSED and not is_in_a_row and (not self.openings or now_s >= self.until_s)

    def _after_call(self, channel: Channel | None, policy: BreakerPolicy, now_s: float) -> "Breaker":
        if channel is Channel.WORKS and self.failures:
            return msgspec.structs.replace(self, failures=0)
        if channel is not Channel.BROKEN:
            return self
        earlier = self.failures if now_s - self.last_failure_s <= policy.window_s else 0
        if earlier + 1 < policy.failures:
            return msgspec.structs.replace(self, failures=earlier + 1, last_failure_s=now_s)
        return _opened(policy, now_s, openings=(self.openings if now_s < self.until_s else 0) + 1)

    def _after_probe(self, channel: Channel | None, policy: BreakerPolicy, now_s: float) -> "Breaker":
        match channel:
            case Channel.WORKS:
                return Breaker(openings=self.openings, until_s=now_s + policy.max_cool_down_s)
            case Channel.BROKEN:
                return _opened(policy, now_s, openings=self.openings + 1)
            case None:
                return msgspec.structs.replace(self, phase=Phase.OPEN, until_s=now_s)


def cool_down_after(openings: int, policy: BreakerPolicy) -> float:
    """Return the seconds that the so manieth opening in a row lasts before its probe."""
    try:
        grown = policy.cool_down_s * policy.growth ** (openings - 1)
    except OverflowError:
        return policy.max_cool_down_s
    return min(grown, policy.max_cool_down_s)


def _opened(policy: BreakerPolicy, now_s: float, *, openings: int) -> Breaker:
    return Breaker(phase=Phase.OPEN, openings=openings, until_s=now_s + cool_down_after(openings, policy))
