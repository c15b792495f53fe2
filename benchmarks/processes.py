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


class BenchmarkFailed(Exception):  # noqa: N818 - the run's own condition
    """What was measured is not what was to be measured: a process died, something is missing or came twice."""


class Process:
    """A Python process; used as an async context.

    Args:
        arguments: Behind the interpreter, such as ``("-m", "pideai_host", "worker")``.
        environ: Variables beside our own.
        log: Where its errors go; its output can be read.
    """

    def __init__(self, *arguments: str, environ: Mapping[str, str], log: Path) -> None:
        self._arguments = arguments
        self._environ = {**os.environ, **environ}
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._arguments,
                stdin=asyncio.subprocess.DEVNULL,
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

    async def line(self) -> bytes:
        """Return the next line of its output.

        Raises:
            BenchmarkFailed: it ended instead.
            TimeoutError: it said nothing for `LINE_LIMIT_S`.
        """
        output = self._running.stdout
        async with asyncio.timeout(LINE_LIMIT_S):
            text = await output.readline() if output is not None else b""
        if not text:
            await self._running.wait()
            self.require_alive()
        return text

    def require_alive(self) -> None:
        """Raise `BenchmarkFailed` when the process has ended."""
        if self._running.returncode is not None:
            lines = self._log.read_text(errors="replace").strip().splitlines()[-_LOG_TAIL_LINES:]
            raise BenchmarkFailed(f"`python {' '.join(self._arguments)}` ended: {' | '.join(lines)}")

    @property
    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError("the process is not started")
        return self._process
