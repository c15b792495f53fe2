"""Outcomes that the database would not take: kept until it does, since one that is lost is a call made twice.

A server that restarts, fails over or has no room left on its disk answers again some time. Until then the messages stay
in hand, their leases are renewed as far as that can be written, and the worker claims no more for a while: what it
would do could not be written either.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Container
from typing import Final, Generic, TypeVar

from pideai_host.telemetry import OUTCOMES_UNWRITTEN, get_logger

RETRY_S: Final = 1.0
GIVE_UP_S: Final = 900.0
"""An outcome that the database takes no more although it takes others: its message returns by itself."""
LAST_S: Final = 10.0
"""How long a process that stops goes on trying."""
AT_ONCE: Final = 200
FRESH_S: Final = 60.0
"""An outcome kept for longer says nothing of others any more."""

Outcome = TypeVar("Outcome")
_log: Final = get_logger(__name__)


class Unwritten(Generic[Outcome]):
    """Keeps outcomes by their lanes.

    Args:
        write: Writes some outcomes of a lane; returns those that could not be written now. Does not raise.
        retry_s: Seconds between two tries.
        give_up_s: Seconds after which one is let go of.
        last_s: Seconds, see `LAST_S`.
        monotonic: Seconds, injected.
    """

    def __init__(
        self,
        write: Callable[[str, list[Outcome]], Awaitable[Container[int]]],
        *,
        retry_s: float = RETRY_S,
        give_up_s: float = GIVE_UP_S,
        last_s: float = LAST_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._retry_s = retry_s
        self._give_up_s = give_up_s
        self._last_s = last_s
        self._monotonic = monotonic
        self._kept: dict[str, list[tuple[float, Outcome, Callable[[], None]]]] = defaultdict(list)
        self._task: asyncio.Task[None] | None = None

    @property
    def are_fresh(self) -> bool:
        """Whether something could not be written lately."""
        since_s = self._monotonic() - FRESH_S
        return any(kept_s > since_s for some in self._kept.values() for kept_s, _, _ in some[-1:])

    def __contains__(self, lane: object) -> bool:
        return bool(self._kept.get(str(lane)))

    def __len__(self) -> int:
        return sum(len(some) for some in self._kept.values())

    def keep(self, lane: str, outcome: Outcome, done: Callable[[], None]) -> None:
        """Keep one; `done` is called once it is written, or given up on."""
        self._kept[lane].append((self._monotonic(), outcome, done))
        OUTCOMES_UNWRITTEN.inc()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="unwritten")

    async def stop(self) -> None:
        """Go on for a while, then give up."""
        if self._task is None:
            return
        await asyncio.wait((self._task,), timeout=self._last_s)
        self._task.cancel()
        await asyncio.wait((self._task,))
        for lane in list(self._kept):
            self._let_go(lane, self._kept.pop(lane))

    async def _run(self) -> None:
        while len(self):
            await asyncio.sleep(self._retry_s)
            for lane in list(self._kept):
                await self._try_again(lane)

    async def _try_again(self, lane: str) -> None:
        """Write what is kept of a lane, up to the first that still cannot be written."""
        while some := self._kept[lane][:AT_ONCE]:
            left = await self._write(lane, [outcome for _, outcome, _ in some])
            too_old_s = self._monotonic() - self._give_up_s
            still = [one for n, one in enumerate(some) if n in left]
            old = [one for one in still if one[0] <= too_old_s]
            self._kept[lane][: len(some)] = [one for one in still if one[0] > too_old_s]
            for n, (_, _, done) in enumerate(some):
                if n not in left:
                    OUTCOMES_UNWRITTEN.dec()
                    done()
            self._let_go(lane, old)
            if still:
                return
        del self._kept[lane]

    def _let_go(self, lane: str, some: list[tuple[float, Outcome, Callable[[], None]]]) -> None:
        if some:
            _log.error("settle_failed", lane=lane, deliveries=len(some))
        for _, _, done in some:
            OUTCOMES_UNWRITTEN.dec()
            done()
