"""Names the plugin whose hook blocks the event loop: a thread that asks the loop for a sign of life.

Nobody else can: while the loop is blocked no coroutine runs, and afterwards it is too late to see what did it.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

from pideai_host.plugins.call import hook_in
from pideai_host.plugins.registry import Hook
from pideai_host.telemetry import LOOP_BLOCKS, get_logger

LIMIT_S: Final = 0.25
SECOND_LOOK_S: Final = 0.02
"""A loop that is only busy runs another hook by then."""

_log: Final = get_logger(__name__)


class Watchdog:
    """Watches one event loop from a daemon thread.

    Args:
        on_block: Told the slug whenever a plugin blocks the loop, on the watchdog's thread.
        limit_s: Seconds that the loop may take for a sign of life; also the pause between two questions.
    """

    def __init__(self, on_block: Callable[[str], None], *, limit_s: float = LIMIT_S) -> None:
        self._on_block = on_block
        self._limit_s = limit_s
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start to watch the running loop, which runs on this thread."""
        arguments = (asyncio.get_running_loop(), threading.get_ident())
        threading.Thread(target=self._run, args=arguments, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching; does not wait for the thread."""
        self._stopping.set()

    def _run(self, loop: asyncio.AbstractEventLoop, thread_id: int) -> None:
        while not self._stopping.wait(self._limit_s):
            asked_s = time.monotonic()
            answered = threading.Event()
            try:
                loop.call_soon_threadsafe(answered.set)
            except RuntimeError:  # the loop is closed
                return
            if not answered.wait(self._limit_s):
                self._look(thread_id, answered, asked_s)

    def _look(self, thread_id: int, answered: threading.Event, asked_s: float) -> None:
        """Find out who it is, then wait for the end of it."""
        found = _culprit(thread_id, answered)
        slug, place = ("", "") if found is None else (found[0].slug, found[1])
        if found is not None:
            LOOP_BLOCKS.labels(plugin=slug).inc()
            _log.error("loop_blocked", plugin=slug, hook=found[0].name, where=place)
            self._on_block(slug)
        while not answered.wait(self._limit_s):
            if self._stopping.is_set():
                return
        _log.info("loop_was_late", plugin=slug or None, seconds=round(time.monotonic() - asked_s, 3))


def _culprit(thread_id: int, answered: threading.Event) -> tuple[Hook, str] | None:
    """Return the hook that holds a thread over two looks, and where it stands; None if no single hook does."""
    first = _running_hook(thread_id)
    if first is None or answered.wait(SECOND_LOOK_S):
        return None
    second = _running_hook(thread_id)
    if second is None or second[0] is not first[0]:
        return None
    return second[1], second[2]


def _running_hook(thread_id: int) -> tuple[FrameType, Hook, str] | None:
    top = frame = sys._current_frames().get(thread_id)  # noqa: SLF001 - what faulthandler does, for one thread
    while frame is not None:
        hook = hook_in(frame)
        if hook is not None and top is not None:
            return frame, hook, f"{top.f_code.co_filename}:{top.f_lineno}"
        frame = frame.f_back
    return None
