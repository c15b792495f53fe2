"""Whose KeyboardInterrupt it is: the operator's Ctrl-C ends the process, one that a plugin raises hurts the plugin.

Only where plugins' code runs on the main thread without an event loop is there a question: while a process starts.
Threads never get the signal, and the loops of `serve` and `worker` hear of it by handlers of their own, which raise
nothing.
"""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class Interrupts:
    """Notes Ctrl-C while a block runs; used as a context around code of a plugin's. The signal does what it always did.

    Attributes:
        came: Whether the operator pressed it.
    """

    def __init__(self) -> None:
        self.came = False
        self._is_watching = False

    def __enter__(self) -> Self:
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):
            signal.signal(signal.SIGINT, self._note)
            self._is_watching = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop noting; what the operator wanted and the plugin's code swallowed happens now.

        Raises:
            KeyboardInterrupt: the operator pressed it.
        """
        if self._is_watching:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self.came and kind is None:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        signal.default_int_handler(number, frame)
