"""Messages whose claims ended without an outcome, again and again: which of them ends the worker?

A plugin that ends the process takes down with it every call under way and every message claimed beside it, those of
other plugins too. To tell the culprit from who stood by, a message on its last claim is a suspect. Suspects are called
before everything else that the worker has in hand, each while no other call runs, and that it begins is written down
first. Found written down at a later claim, it is the culprit; all in hand are looked at before one of them is called.
Messages that only waited for their turn are not held to account, however often they were claimed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from pideai_host.events.queue import CLAIMS_MAX, Claimed, Queue

DRAIN_S: Final = 10.0
"""How long a suspect waits for the calls that run already. In the company of one that is slower it is not blamed."""


def is_suspect(claimed: Claimed) -> bool:
    """Tell whether a message is on its last claim."""
    return claimed.read_ct >= CLAIMS_MAX


class Suspects:
    """Keeps the suspects of one worker apart from each other and from all others.

    Args:
        queue: Where it is written down.
        now: For the history of the delivery.
        worker: The name of this worker, for the history as well.
        drain_s: Seconds, see `DRAIN_S`.
    """

    def __init__(self, queue: Queue, *, now: Callable[[], datetime], worker: str, drain_s: float = DRAIN_S) -> None:
        self._queue = queue
        self._now = now
        self._worker = worker
        self._drain_s = drain_s
        self._in_hand: set[tuple[str, int]] = set()
        self._are_gone = asyncio.Event()
        self._unknown: set[tuple[str, int]] = set()
        self._are_known = asyncio.Event()
        self._others = 0
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()
        self._turn = asyncio.Lock()

    @property
    def are_in_hand(self) -> bool:
        """Whether others have to wait before they begin."""
        return bool(self._in_hand)

    def take(self, suspects: Iterable[Claimed]) -> None:
        """Note what a claim brought; until they are let go of, nothing else begins."""
        keys = [(one.lane, one.msg_id) for one in suspects]
        if keys:
            self._in_hand.update(keys)
            self._unknown.update(keys)
            self._are_gone.clear()
            self._are_known.clear()

    def let_go(self, claimed: Claimed) -> None:
        """Note that a message is out of hand, suspect or not."""
        if self._in_hand:
            self._in_hand.discard((claimed.lane, claimed.msg_id))
            if not self._in_hand:
                self._are_gone.set()
            self.is_known(claimed)

    def is_known(self, claimed: Claimed) -> None:
        """Note that it has been looked at whether a suspect has ended a worker."""
        self._unknown.discard((claimed.lane, claimed.msg_id))
        if not self._unknown:
            self._are_known.set()

    async def wait_until_gone(self) -> None:
        """Wait until no suspect is in hand."""
        while self._in_hand:
            await self._are_gone.wait()

    def other_begins(self) -> None:
        """Note that the call of another message begins."""
        self._others += 1
        self._is_quiet.clear()

    def other_ended(self) -> None:
        """Note that it has ended."""
        self._others -= 1
        if not self._others:
            self._is_quiet.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        """Wait for the one place of all suspects; gives whether nobody else is being called."""
        async with self._turn:
            while self._unknown:
                await self._are_known.wait()
            try:
                await asyncio.wait_for(self._is_quiet.wait(), self._drain_s)
            except TimeoutError:
                yield False
            else:
                yield True

    async def has_crashed(self, claimed: Claimed, *, begins_alone: bool) -> bool:
        """Tell whether a suspect has ended a worker; if not, and it begins alone, note that it begins now.

        Raises:
            psycopg.Error: it could not be noted, or perhaps it was; the call must not begin under this message.
        """
        return await self._queue.begin(claimed, at=self._now(), worker=self._worker, is_noted=begins_alone)
