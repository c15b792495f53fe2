"""Threads for plain hooks: few, kept for the next call, and never in the way of the process's end.

`concurrent.futures.ThreadPoolExecutor` joins its threads when the interpreter exits, so one plugin that hangs would
keep a stopped host alive for good; daemon threads are left behind instead.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

_Job = tuple[Future[Any], Callable[[], Any]]


class DaemonPool:
    """Runs calls on at most `size` daemon threads, started when needed; what finds none free waits its turn."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._started = 0

    def submit(self, call: Callable[[], Any]) -> Future[Any]:
        """Run a call on a thread; its result, or whatever it raises, is the future's.

        Cancelling the future works only while the call waits its turn. Submit from one thread at a time.
        """
        future: Future[Any] = Future()
        self._jobs.put((future, call))
        if not self._idle.acquire(blocking=False) and self._started < self._size:
            self._started += 1
            threading.Thread(target=self._work, name=f"{self._name}-{self._started}", daemon=True).start()
        return future

    def close(self) -> None:
        """Let every thread end after what it runs and what waits."""
        for _ in range(self._started):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            _run(*job)
            del job  # an idle thread must not keep the last call's payload alive
            self._idle.release()


def _run(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - handed on to whoever waits for the future
        future.set_exception(error)
    else:
        future.set_result(result)
