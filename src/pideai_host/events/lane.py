"""A lane as one worker sees it: how much of it is in hand, when to look again, whose turn it is."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final
from uuid import UUID

from pideai_host.api import PluginDefinition
from pideai_host.events.installed import Installed
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
        """Whether it may have work, as far as is known."""
        self._limits = definition.limits
        self._lease_s = max(LEASE_MIN_S, definition.limits.timeout_s + LEASE_MARGIN_S)
        self._monotonic = monotonic
        self._in_hand = 0
        self._looked_at_s = float("-inf")
        self._turns: dict[tuple[UUID, int], asyncio.Semaphore] = {}
        self._queued: dict[tuple[UUID, int], int] = {}

    @classmethod
    def of(cls, slug: str, definition: PluginDefinition) -> Iterator["LaneState"]:
        """Make the two lanes of a plugin."""
        yield cls(main_lane(slug), slug, definition)
        yield cls(bulk_lane(slug), slug, definition)

    def wanted(self, most: int, poll_s: float) -> Wanted | None:
        """Say how much to claim now, or None: nothing is known to be there, or enough is in hand."""
        free = self._free(most)
        if not free or not (self.is_hot or self._poll_in(poll_s) <= 0):
            return None
        return Wanted(self.lane, free, int(self._lease_s))

    def rests_s(self, most: int, poll_s: float) -> float:
        """Return the seconds until the lane wants something for no reason but time: not before its hand has room."""
        return self._poll_in(poll_s) if self._free(most) else float("inf")

    def asked(self) -> None:
        """Note that a claim is about to look: what is said from now on may be of messages that it does not see."""
        self.is_hot = False
        self._looked_at_s = self._monotonic()

    def claimed(self, count: int, asked: int) -> None:
        """Note what the claim brought: a full batch says that there is more."""
        self._in_hand += count
        self.is_hot |= count >= asked

    def _free(self, most: int) -> int:
        """Return how many to claim; 0 when that would be so few that a claim is not worth its while."""
        free = min(most, self._limits.concurrency - self._in_hand)
        enough = min(most, self._limits.concurrency) // 4
        return free if free >= max(enough, 1) else 0

    def _poll_in(self, poll_s: float) -> float:
        return max(0.0, self._looked_at_s + poll_s - self._monotonic())

    def release(self, count: int) -> None:
        """Note that deliveries are out of hand."""
        self._in_hand -= count

    def places(self, installed: Installed | None) -> int:
        """Return how many calls at once an installation may have; one that is gone has none to wait for."""
        return self._limits.concurrency if installed is None else installed.delivery.concurrency_per_installation

    @contextlib.asynccontextmanager
    async def turn(self, installation: UUID, places: int) -> AsyncIterator[None]:
        """Wait for one of the installation's places: one busy store leaves room for the others.

        Calls that began under another number of places are not counted.
        """
        key = (installation, places)
        turns = self._turns.setdefault(key, asyncio.Semaphore(places))
        self._queued[key] = self._queued.get(key, 0) + 1
        try:
            async with turns:
                yield
        finally:
            self._queued[key] -= 1
            if not self._queued[key]:
                del self._queued[key], self._turns[key]

    def lease_is_short(self, claimed_at_s: float) -> bool:
        """Tell whether too little of a lease is left for a call that may take its whole limit."""
        return self._monotonic() - claimed_at_s > self._lease_s - self._limits.timeout_s - LEASE_MARGIN_S / 3
