"""A lane as one worker sees it: how much of it is in hand, when to look again.

A place is a call's until it ends, so that the next one does not wait until the database has written what became of it;
but what is unwritten is bounded too.

A plugin's bulk lane stands behind its main lane: it takes hardly any of the plugin's places while the main lane has
work, so that what nobody waits for is done in the time that is left.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

from pideai_host.api import Limits, PluginDefinition
from pideai_host.events.installed import Installed
from pideai_host.events.leases import LEASE_S
from pideai_host.events.queue import Wanted
from pideai_host.events.turns import Turns
from pideai_host.plugins.lanes import bulk_lane, main_lane

BULK_POLITE: Final = 8
"""Calls of the bulk lane at once while the main lane has work."""

UNWRITTEN_MAX: Final = 2
"""So many times its places a lane may hold of deliveries that are claimed and not written; while it makes way, once."""

CROWDED_S: Final = 0.02
"""How often a lane is claimed from at the most while few places are free."""

BUSY_S: Final = 0.25
"""The main lane has work as long after a claim that brought something."""


class LaneState:
    """One lane of one plugin in one worker.

    Args:
        lane: The queue's name.
        slug: The plugin's.
        limits: The plugin's.
        turns: The plugin's places for its installations, shared by its lanes.
        before: The lane that goes first, for a bulk lane.
        monotonic: Seconds, injected.
    """

    def __init__(
        self,
        lane: str,
        slug: str,
        limits: Limits,
        *,
        turns: Turns,
        before: "LaneState | None" = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lane = lane
        self.slug = slug
        self.turns = turns
        self.is_hot = True
        """Whether it may have work, as far as is known."""
        self._limits = limits
        self._most = limits.concurrency
        self._before = before
        self._monotonic = monotonic
        self._in_hand = 0
        self._unwritten = 0
        self._looked_at_s = float("-inf")
        self._brought_at_s = float("-inf")

    @classmethod
    def of(
        cls, slug: str, definition: PluginDefinition, *, monotonic: Callable[[], float] = time.monotonic
    ) -> Iterator["LaneState"]:
        """Make the two lanes of a plugin."""
        limits, turns = definition.limits, Turns(monotonic=monotonic)
        main = cls(main_lane(slug), slug, limits, turns=turns, monotonic=monotonic)
        yield main
        yield cls(bulk_lane(slug), slug, limits, turns=turns, before=main, monotonic=monotonic)

    @property
    def has_work(self) -> bool:
        """Whether a claim brought something lately."""
        return self._monotonic() - self._brought_at_s < BUSY_S

    def places_of(self, installed: Installed | None) -> int:
        """Return how many calls at once an installation may have; one that is gone has none to wait for."""
        return self._limits.concurrency if installed is None else installed.delivery.concurrency_per_installation

    def wanted(self, most: int, poll_s: float) -> Wanted | None:
        """Say how much to claim now, or None: nothing is known to be there, or enough is in hand."""
        free = self._free(most)
        if free <= 0 or self._rests_in(free, most, poll_s) > 0:
            return None
        return Wanted(self.lane, free, LEASE_S)

    def rests_s(self, most: int, poll_s: float) -> float:
        """Return the seconds until the lane wants something for no reason but time: not before its hand has room."""
        free = self._free(most)
        return self._rests_in(free, most, poll_s) if free > 0 else float("inf")

    def asked(self) -> None:
        """Note that a claim is about to look: what is said from now on may be of messages that it does not see."""
        self.is_hot = False
        self._looked_at_s = self._monotonic()

    def claimed(self, count: int, asked: int) -> None:
        """Note what the claim brought: a full batch says that there is more."""
        self._in_hand += count
        self.is_hot |= count >= asked
        if count:
            self._brought_at_s = self._monotonic()

    def ended(self) -> bool:
        """Note that a delivery's call is over and its outcome unwritten; tell whether that makes room for a claim.

        Room is told of once as it comes: when a claim is worth its while now and was not before.
        """
        return self._makes_room(-1, 1)

    def written(self) -> bool:
        """Note that the outcome of a call that was over is written; tell whether that makes room, as `ended` does."""
        return self._makes_room(0, -1)

    def dropped(self) -> bool:
        """Note that a delivery is out of hand without an outcome; tell whether that makes room, as `ended` does."""
        return self._makes_room(-1, 0)

    def _makes_room(self, in_hand: int, unwritten: int) -> bool:
        places = self._places()
        before = self._room(places)
        self._in_hand += in_hand
        self._unwritten += unwritten
        return before < self._enough(places) <= self._room(places)

    @property
    def _makes_way(self) -> bool:
        return self._before is not None and self._before.has_work

    def _places(self) -> int:
        return min(self._most, BULK_POLITE) if self._makes_way else self._most

    def _enough(self, most: int) -> int:
        """Return how many make a claim worth its while; each one counts while others are to be made way for."""
        places = self._places()
        return max(1, min(most, places if self._makes_way else places // 2))

    def _room(self, places: int) -> int:
        unwritten_max = places if self._makes_way else UNWRITTEN_MAX * places
        return min(places - self._in_hand, unwritten_max - self._in_hand - self._unwritten)

    def _free(self, most: int) -> int:
        return min(most, self._room(self._places()))

    def _rests_in(self, free: int, most: int, poll_s: float) -> float:
        since_s = self._monotonic() - self._looked_at_s
        if not self.is_hot:
            return poll_s - since_s
        # With few places free a claim waits for more of them, but not long: what holds the others may hang.
        return 0.0 if free >= self._enough(most) else CROWDED_S - since_s
