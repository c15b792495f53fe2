"""End what would hold up a stop, in the process that granian serves from.

On a stop granian waits for open connections before it ends the application's lifespan, and a live stream never closes
by itself. Its process is always told by SIGTERM, even after Ctrl-C; so that is where streams are ended. granian's own
handler of that signal is replaced by this, and is reached by the other signal that it handles alike.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from pideai_host.api import PideaiError


def end_on_sigterm(end: Callable[[], None]) -> None:
    """Call `end` when the process is told to stop, then have granian stop it. Only for a loop that granian runs."""

    def stop() -> None:
        end()
        signal.raise_signal(signal.SIGINT)

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)


def leave(error: PideaiError) -> NoReturn:
    """End a process of the server that cannot start, with the lines that the command line would show.

    Raised on, the error would reach the server, which shows where in the code it came from and not what to do.
    """
    print(f"error: {error.message}", file=sys.stderr)  # noqa: T201 - it is the last word of a command
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)  # noqa: T201 - as above
    sys.stderr.flush()
    os._exit(1)
