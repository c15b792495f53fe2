"""Plugins that this process does no more work for, since they take it from the others; lifted by a restart."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from pideai_host.telemetry import PLUGINS_QUARANTINED, get_logger

BLOCKS_MAX: Final = 10
WINDOW_S: Final = 300.0
STUCK_MAX: Final = 8
"""As many as a plugin has threads: then its plain hooks cannot run any more anyway."""
LEFT_MAX: Final = 1_000
"""Tasks left running; far more than the calls of a plugin that may be about to end at any moment."""

_log: Final = get_logger(__name__)


class Quarantine:
    """Counts what plugins do to a process, and says which of them it should leave to other processes.

    Args:
        blocks_max: Times that a plugin may block the event loop within `window_s`.
        window_s: Seconds.
        stuck_max: Calls that may hang at once past their limit.
        left_max: Tasks that its calls may leave running at once.
        monotonic: Seconds, injected.
    """

    def __init__(
        self,
        *,
        blocks_max: int = BLOCKS_MAX,
        window_s: float = WINDOW_S,
        stuck_max: int = STUCK_MAX,
        left_max: int = LEFT_MAX,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._window_s = window_s
        self._stuck_max = stuck_max
        self._left_max = left_max
        self._blocks_max = blocks_max
        self._monotonic = monotonic
        self._blocks: dict[str, deque[float]] = {}
        self._reasons: dict[str, str] = {}

    @property
    def reasons(self) -> Mapping[str, str]:
        """Slug -> why, of the plugins that are quarantined now; a live view."""
        return MappingProxyType(self._reasons)

    def blocked(self, slug: str) -> None:
        """Note that a plugin blocked the event loop. From any thread, but one at a time."""
        now_s = self._monotonic()
        blocks = self._blocks.setdefault(slug, deque(maxlen=self._blocks_max))
        blocks.append(now_s)
        if len(blocks) == self._blocks_max and now_s - blocks[0] <= self._window_s:
            self._quarantine(slug, f"blocked the event loop {self._blocks_max} times within {self._window_s:g} s")

    def stuck(self, slug: str, calls: int) -> None:
        """Note how many calls of a plugin hang past their limit."""
        if calls >= self._stuck_max:
            self._quarantine(slug, f"{calls} calls hang past their limit and cannot be ended")

    def left(self, slug: str, tasks: int) -> None:
        """Note how many tasks run that calls of a plugin started and left behind."""
        if tasks >= self._left_max:
            self._quarantine(slug, f"its calls left {tasks} tasks running")

    def _quarantine(self, slug: str, why: str) -> None:
        if slug in self._reasons:
            return
        self._reasons[slug] = why
        PLUGINS_QUARANTINED.labels(plugin=slug).set(1)
        _log.error("plugin_quarantined", plugin=slug, reason=why, hint="Its lanes wait; a restart lifts it.")
