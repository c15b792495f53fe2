"""Whose turn it is: one plugin's places in one worker, so many at once for each installation.

A store whose calls hang must not fill the hand of a lane: what finds no place waits a moment, and where the place does
not come, or those who have one hold on to it, it is put back for later instead.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final
from uuid import UUID

SLOW_S: Final = 2.0
"""While a call of an installation runs for longer than this, nothing more waits for a place of its."""

PATIENCE_S: Final = 1.0
"""How long a delivery waits for a place before it is put back."""

SOON_S: Final = 0.5
"""It does not begin to wait if, as fast as calls end, its place would come later than this."""

_WEIGHT: Final = 0.1
"""Of the latest call, in the mean of how long calls take."""


class _Places:
    """What one installation has: when each running call began and who waits, both oldest first; how long calls take."""

    __slots__ = ("began_s", "mean_s", "waiting")

    def __init__(self) -> None:
        self.began_s: dict[int, float] = {}
        self.mean_s = 0.0
        self.waiting: deque[asyncio.Future[int | None]] = deque()


class Turns:
    """The places of all installations, kept only while somebody has one.

    Args:
        monotonic: Seconds, injected.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._places: dict[UUID, _Places] = {}
        self._tickets = 0

    def take(self, installation: UUID, most: int) -> int | None:
        """Take a place if one of `most` is free; return the ticket to give it back with, or None. Never waits."""
        places = self._places.get(installation)
        if places is None:
            places = self._places[installation] = _Places()
        elif len(places.began_s) >= most or places.waiting:
            return None
        return self._begin(places)

    async def wait(self, installation: UUID, most: int) -> int | None:
        """Wait for a place after `take` found none; None when it is better to come back later."""
        ticket = self.take(installation, most)
        if ticket is not None:
            return ticket
        places = self._places[installation]
        oldest_s = next(iter(places.began_s.values()), self._monotonic())
        if self._monotonic() - oldest_s > SLOW_S or len(places.waiting) / most * places.mean_s > SOON_S:
            return None
        loop = asyncio.get_running_loop()
        place: asyncio.Future[int | None] = loop.create_future()
        places.waiting.append(place)
        timer = loop.call_later(PATIENCE_S, _give_up, place)
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and (got := place.result()) is not None:
                self.give_back(installation, got)
            raise
        finally:
            timer.cancel()

    def give_back(self, installation: UUID, ticket: int) -> None:
        """Give a place to whoever has waited for it longest."""
        places = self._places[installation]
        took_s = self._monotonic() - places.began_s.pop(ticket)
        places.mean_s += _WEIGHT * (took_s - places.mean_s)
        while places.waiting:
            place = places.waiting.popleft()
            if not place.done():
                place.set_result(self._begin(places))
                return
        if not places.began_s:
            del self._places[installation]

    def _begin(self, places: _Places) -> int:
        self._tickets += 1
        places.began_s[self._tickets] = self._monotonic()
        return self._tickets


def _give_up(place: asyncio.Future[int | None]) -> None:
    if not place.done():
        place.set_result(None)
