"""The host's own processes, started as an operator starts them: `pideai-host serve` and `pideai-host worker`."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from pideai_host.api import PideaiError

READY_LIMIT_S = 30.0
STOP_LIMIT_S = 45.0
_LOG_TAIL_LINES = 5


class ChildFailed(PideaiError):  # noqa: N818 - the demo's own condition
    """A process of the host ended before its time or did not get ready; carries the end of its log."""

    code = "demo_child_failed"


class HostProcess:
    """One process of the host, with its log in a file; used as an async context.

    Args:
        arguments: Of the command line, such as ``("serve", "--no-worker")``.
        environ: Variables beside the demo's own.
        log: Where its output goes.
    """

    def __init__(self, *arguments: str, environ: Mapping[str, str], log: Path) -> None:
        self._arguments = arguments
        self._environ = {**os.environ, **environ}
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "pideai_host.demo.child",
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self._environ,
                start_new_session=True,  # Ctrl-C is the demo's, which then stops the child in order
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_LIMIT_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def ended(self) -> None:
        """Wait until it ends, whoever ends it."""
        if self._process is not None:
            await self._process.wait()

    def require_alive(self) -> None:
        """Raise `ChildFailed` when the process has ended."""
        if self._process is None or self._process.returncode is not None:
            raise self.failure("ended early")

    def failure(self, what: str) -> ChildFailed:
        """Say what went wrong, with the last lines of the log."""
        lines = self._log.read_text(errors="replace").strip().splitlines()[-_LOG_TAIL_LINES:]
        said = " | ".join(line.strip() for line in lines) or "its log is empty"
        return ChildFailed(f"`pideai-host {' '.join(self._arguments)}` {what}: {said}", hint=f"Its log: {self._log}")


async def wait_until_ready(url: str, process: HostProcess) -> None:
    """Wait until the host says that it is ready.

    Raises:
        ChildFailed: it ended, or was not ready within `READY_LIMIT_S`.
    """
    said = "no answer"
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            async with asyncio.timeout(READY_LIMIT_S):
                while True:
                    process.require_alive()
                    try:
                        answer = await client.get(f"{url}/health/ready")
                    except httpx.TransportError:
                        await asyncio.sleep(0.05)
                        continue
                    if answer.is_success:
                        return
                    said = answer.text[:200]
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise process.failure(f"was not ready after {READY_LIMIT_S:g} s ({said})") from None


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
