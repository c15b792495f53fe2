"""Tasks that hooks start and leave running: counted for each plugin, since no limit of a call bounds them.

A task belongs to the call in whose context it was made. What of it still runs when the call has ended is left over. It
is not cancelled, since a plugin may well keep a connection alive; it is counted until it ends, and a plugin that leaves
ever more is quarantined (docs/adr/0019). None of it can end the process (`contained`).
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from pideai_host.plugins.contained import Contained
from pideai_host.telemetry import TASKS_LEFT, get_logger

TELL_AT: Final = (10, 100, 1_000)
"""Counts that are worth a line in the log, once each."""

current_call: Final[ContextVar["Call | None"]] = ContextVar("current_call", default=None)

_log: Final = get_logger(__name__)


class Call:
    """One call of an async hook, and the tasks that it started and that still run."""

    __slots__ = ("on_change", "slug", "tasks")

    def __init__(self, slug: str = "") -> None:
        self.slug = slug
        self.tasks: set[asyncio.Task[Any]] = set()
        self.on_change: Callable[[], None] | None = None

    def started(self, task: asyncio.Task[Any]) -> None:
        """Note a task of the call's."""
        self.tasks.add(task)
        task.add_done_callback(self._ended)
        if self.on_change is not None:
            self.on_change()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if self.on_change is not None:
            self.on_change()


class Leftovers:
    """What the calls of one event loop left running.

    Args:
        on_left: Told slug and count whenever that of a plugin changes, but for none.
    """

    def __init__(self, on_left: Callable[[str, int], None] | None = None) -> None:
        self._on_left = on_left
        self._left: dict[str, set[asyncio.Task[Any]]] = {}
        self._told: dict[str, int] = {}

    @staticmethod
    def watch(loop: asyncio.AbstractEventLoop) -> None:
        """Have a loop note for each task which call it belongs to; without this nothing is counted."""
        loop.set_task_factory(_make_task)

    def count(self, slug: str) -> int:
        """Count what the calls of a plugin left and what still runs."""
        return len(self._left.get(slug, ()))

    def tasks(self) -> list[asyncio.Task[Any]]:
        """Return all that still runs."""
        return [task for tasks in self._left.values() for task in tasks]

    def take(self, slug: str, call: Call) -> None:
        """Take over what a call that has ended leaves, with all that it will start."""
        left = self._left.setdefault(slug, set())
        left |= call.tasks
        call.tasks = left
        call.on_change = partial(self._show, slug)
        self._show(slug)

    def _show(self, slug: str) -> None:
        count = self.count(slug)
        TASKS_LEFT.labels(plugin=slug).set(count)
        passed = max((number for number in TELL_AT if number <= count), default=0)
        if passed > self._told.get(slug, 0):
            self._told[slug] = passed
            _log.warning("tasks_left_running", plugin=slug, tasks=count)
        if count and self._on_left is not None:
            self._on_left(slug, count)


def _make_task(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any] | Generator[Any, None, Any], **about: Any
) -> asyncio.Task[Any]:
    call = current_call.get()
    if call is None:
        return asyncio.Task(work, loop=loop, **about)
    task: asyncio.Task[Any] = asyncio.Task(Contained(work, call.slug), loop=loop, **about)
    call.started(task)
    return task
