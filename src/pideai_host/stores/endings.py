"""Settles what ended deliveries hold of credits soon after their outcomes are written, aside from the writing.

A balance may be locked for long, by the shop's own sessions for one; no outcome waits for that.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Final

from pideai_host.db.pool import Pool
from pideai_host.stores.holds import PAGE, Held, Holds
from pideai_host.telemetry import get_logger

WAITING_MAX: Final = 10_000
"""Beyond this the newest are left to the scheduler."""

_log: Final = get_logger(__name__)


class Endings:
    """Deliveries that have ended and may hold a credit still, on their way to `Holds.settle`."""

    def __init__(self, pool: Pool) -> None:
        self._holds = Holds(pool)
        self._waiting: deque[tuple[str, Held]] = deque()
        self._task: asyncio.Task[None] | None = None

    def add(self, ended: Sequence[tuple[str, Held]]) -> None:
        """Tell of deliveries, each with its plugin, after the commit of their outcomes. Never waits."""
        if not ended:
            return
        self._waiting.extend(ended[: WAITING_MAX - len(self._waiting)])
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="endings")

    async def stop(self) -> None:
        """Finish what was told of."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._waiting:
            by_plugin: dict[str, list[Held]] = defaultdict(list)
            for _ in range(min(PAGE, len(self._waiting))):
                plugin, held = self._waiting.popleft()
                by_plugin[plugin].append(held)
            for plugin, deliveries in by_plugin.items():
                try:
                    await self._holds.settle(plugin, deliveries)
                except Exception as error:  # noqa: BLE001 - whatever it was, the scheduler asks after them again
                    _log.warning("holds_not_settled", plugin=plugin, holds=len(deliveries), error=type(error).__name__)
