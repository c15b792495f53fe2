"""A lane as one worker sees it: how much of it is in hand, when to look again, whose turn it is."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final
from uuid import UUID

from pideai_host.api import PluginDefinition
from pideai_host.events.queue import Wanted
from pideai_host.plugins.lanes import bulk_lane, main_lane

LEASE_MIN_S: Final = 60.0
LEASE_MARGIN_S: Final = 30.0
"""What a lease holds beyond the hook's own limit: the wait for a turn, the settling."""


class LaneState:
    """One lane of one plugin in one worker.

    Args:
        lane: The queue's name.
        slug: The plugin's.
        definition: For its limits.
        monotonic: Seconds, injected.
    """

    def __init__(
        self,
        lane: str,
        slug: str,
        definition: PluginDefinition,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lane = lane
        self.slug = slug
        self.is_hot = True
        self._limits = definition.limits
        self._lease_s = max(LEASE_MIN_S, definition.limits.timeout_s + LEASE_MARGIN_S)
        self._monotonic = monotonic
        self._in_hand = 0
        self._looked_at_s = float("-inf")
        self._turns: dict[UUID, asyncio.Semaphore] = {}
        self._queued: dict[UUID, int] = {}

    @classmethod
    def of(cls, slug: str, definition: PluginDefinition) -> Iterator["LaneState"]:
        """Make the two lanes of a plugin."""
        yield cls(main_lane(slug), slug, definition)
        yield cls(bulk_lane(slug), slug, definition)

    def wanted(self, most: int, poll_s: float) -> Wanted | None:
        """Say how much to claim now, or None: nothing is known to be there, or enough is in hand."""
        free = min(most, self._limits.concurrency - self._in_hand)
        enough = min(most, self._limits.concurrency) // 4
        if free < max(enough, 1) or not (self.is_hot or self.poll_in(poll_s) <= 0):
            return None
        return Wanted(self.lane, free, int(self._lease_s))

    def poll_in(self, poll_s: float) -> float:
        """Return the seconds until the lane is looked at for no reason but time."""
        return max(0.0, self._looked_at_s + poll_s - self._monotonic())

    def claimed(self, count: int, asked: int) -> None:
        """Note what a claim brought: a full batch says that there is more."""
        self._in_hand += count
        self._looked_at_s = self._monotonic()
        self.is_hot = count >= asked

    def release(self, count: int) -> None:
        """Note that deliveries are out of hand."""
        self._in_hand -= count

    @contextlib.asynccontextmanager
    async def turn(self, installation: UUID) -> AsyncIterator[None]:
        """Wait for one of the installation's places: one busy store leaves room for the others."""
        turns = self._turns.setdefault(installation, asyncio.Semaphore(self._limits.concurrency_per_installation))
        self._queued[installation] = self._queued.get(installation, 0) + 1
        try:
            async with turns:
                yield
        finally:
            self._queued[installation] -= 1
            if not self._queued[installation]:
                del self._queued[installation], self._turns[installation]

    def lease_is_short(self, claimed_at_s: float) -> bool:
        """Tell whether too little of a lease is left for a call that may take its whole limit."""
        return self._monotonic() - claimed_at_s > self._lease_s - self._limits.timeout_s - LEASE_MARGIN_S / 3
