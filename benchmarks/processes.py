"""The processes under measurement, each with its log in a file."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_LIMIT_S = 45.0
LINE_LIMIT_S = 120.0
_LOG_TAIL_LINES = 5
_COMMAND_CHARS = 200


class BenchmarkFailed(Exception):  # noqa: N818 - the run's own condition
    """What was measured is not what was to be measured: a process died, something is missing or came twice."""


class Process:
    """A process; used as an async context.

    Args:
        arguments: Behind the program, such as ``("-m", "pideai_host", "worker")``.
        program: What runs, by default Python.
        environ: Variables beside our own.
        log: Where its errors go; its output can be read.
    """

    def __init__(self, *arguments: str, environ: Mapping[str, str], log: Path, program: str = sys.executable) -> None:
        self._program = program
        self._arguments = arguments
        self._environ = {**os.environ, **environ}
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._program,
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self._environ,
                start_new_session=True,  # Ctrl-C is the run's, which then stops its processes in order
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._running
        if process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            # Reads on, so that a process with much to say is not stuck at its end.
            await asyncio.wait_for(process.communicate(), STOP_LIMIT_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def pid(self) -> int:
        """Its id."""
        return self._running.pid

    async def tell(self) -> None:
        """Write an empty line to its input."""
        if self._running.stdin is not None:
            self._running.stdin.write(b"\n")
            await self._running.stdin.drain()

    async def line(self, limit_s: float = LINE_LIMIT_S) -> bytes:
        """Return the next line of its output.

        Raises:
            BenchmarkFailed: it ended instead.
            TimeoutError: it said nothing for so long.
        """
        output = self._running.stdout
        async with asyncio.timeout(limit_s):
            text = await output.readline() if output is not None else b""
        if not text:
            await self._running.wait()
            self.require_alive()
        return text

    async def ended(self) -> None:
        """Wait until it has done its work.

        Raises:
            BenchmarkFailed: it has not, by its own account.
        """
        await self._running.communicate()
        if self._running.returncode:
            self.require_alive()

    def require_alive(self) -> None:
        """Raise `BenchmarkFailed` when the process has ended."""
        if self._running.returncode is not None:
            lines = self._log.read_text(errors="replace").strip().splitlines()[-_LOG_TAIL_LINES:]
            command = " ".join((Path(self._program).name, *self._arguments))[:_COMMAND_CHARS]
            raise BenchmarkFailed(f"`{command}` ended: {' | '.join(lines)}")

    @property
    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError("the process is not started")
        return self._process
