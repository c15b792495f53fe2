"""Run `pideai-host …` as a child of the demo: when the demo dies, however it dies, the child ends as well.

The demo holds the other end of standard input. The kernel closes it with the demo, a read returns, and the child sends
itself the SIGTERM that an operator would send.
"""

import os
import signal
import sys
import threading

from pideai_host.cli import main


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # the bare call: a lock of Python's own would be held across the server's fork
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    main()
