"""Ports of the loopback interface: free ones, and waiting until somebody listens."""

import asyncio
import contextlib
import socket
from typing import Final

from benchmarks.processes import Process

START_LIMIT_S: Final = 30.0
_LOOK_S: Final = 0.02


async def wait_until_answering(port: int, process: Process) -> None:
    """Wait until something listens on a port.

    Raises:
        BenchmarkFailed: the process ended instead.
        TimeoutError: nothing did within `START_LIMIT_S`.
    """
    async with asyncio.timeout(START_LIMIT_S):
        while True:
            process.require_alive()
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(_LOOK_S)


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
