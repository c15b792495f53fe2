"""The leases of what a worker has in hand: lengthened as long as the worker lives, so that a lease can be short.

A hook may take minutes, but the messages of a worker that is killed come back after one lease, whatever the plugin's
own limit is. A lease that could not be lengthened in time runs out; then no call is begun under it any more.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

import psycopg

from pideai_host.events.queue import Claimed, Queue
from pideai_host.telemetry import get_logger

LEASE_S: Final = 60
RENEW_S: Final = 20.0
"""How old a lease is when it is lengthened."""

LOOK_S: Final = 5.0
"""How often is looked for such."""

MARGIN_S: Final = 10.0
"""No call is begun on the last stretch of a lease."""

_log: Final = get_logger(__name__)


class Leases:
    """What is in hand, and until when it is ours.

    Args:
        queue: Where leases are lengthened.
        monotonic: Seconds, injected; the leases themselves are the database's.
    """

    def __init__(self, queue: Queue, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._queue = queue
        self._monotonic = monotonic
        self._until_s: dict[tuple[str, int], tuple[Claimed, float]] = {}
        self._began_s: dict[tuple[str, int], float] = {}

    def hold(self, batch: Iterable[Claimed], began_s: float) -> None:
        """Note what a claim brought that was asked for at `began_s`."""
        until_s = began_s + LEASE_S
        for one in batch:
            self._until_s[one.lane, one.msg_id] = one, until_s
            self._began_s[one.lane, one.msg_id] = began_s

    def let_go(self, claimed: Claimed) -> None:
        """Forget what is out of hand."""
        found = self._until_s.get((claimed.lane, claimed.msg_id))
        if found is not None and found[0].read_ct == claimed.read_ct:
            del self._until_s[claimed.lane, claimed.msg_id], self._began_s[claimed.lane, claimed.msg_id]

    def held_s(self, claimed: Claimed) -> float:
        """Return for how long something has been in hand; 0 if it is not."""
        began_s = self._began_s.get((claimed.lane, claimed.msg_id))
        return 0.0 if began_s is None else self._monotonic() - began_s

    def is_short(self, claimed: Claimed) -> bool:
        """Tell whether too little of a lease is left to begin a call under it."""
        found = self._until_s.get((claimed.lane, claimed.msg_id))
        return found is None or found[0].read_ct != claimed.read_ct or found[1] - self._monotonic() < MARGIN_S

    async def renew(self) -> None:
        """Lengthen what is old enough, one statement a lane. Does not raise for what the database does."""
        now_s = self._monotonic()
        lanes: dict[str, list[Claimed]] = defaultdict(list)
        for one, until_s in self._until_s.values():
            if until_s - now_s <= LEASE_S - RENEW_S:
                lanes[one.lane].append(one)
        for lane, batch in lanes.items():
            try:
                renewed = await self._queue.renew(lane, batch, LEASE_S)
            except psycopg.Error as error:
                _log.warning("leases_not_renewed", lane=lane, messages=len(batch), error=type(error).__name__)
                continue
            for one in batch:
                if one.msg_id in renewed and (lane, one.msg_id) in self._until_s:
                    self._until_s[lane, one.msg_id] = one, now_s + LEASE_S
