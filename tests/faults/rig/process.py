"""A process of the host, started as an operator starts it, that can be killed with all that belongs to it."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import httpx

from rig.waiting import PATIENCE_S, wait_until


class Process:
    """A running `pideai-host …`; its output goes into a file."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log

    @classmethod
    async def start(cls, *arguments: str, environ: Mapping[str, str], log: Path) -> Self:
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "rig.child",
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                env={**os.environ, **environ},
                start_new_session=True,
            )
        return cls(process, log)

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def require_alive(self) -> None:
        assert self._process.returncode is None, f"ended with {self._process.returncode}: {self.log[-2_000:]}"

    async def said(self, word: str) -> None:
        """Wait until a word stands in the log."""

        async def found() -> bool:
            self.require_alive()
            return word in self.log

        await wait_until(found)

    async def answers(self, url: str) -> httpx.Response:
        """Wait until the process serves, and return what it says of itself."""
        async with httpx.AsyncClient(trust_env=False) as client:

            async def ready() -> httpx.Response | None:
                self.require_alive()
                try:
                    answer = await client.get(f"{url}/health/ready")
                except httpx.TransportError:
                    return None
                return answer if answer.is_success else None

            found: httpx.Response = await wait_until(ready)
            return found

    async def kill(self) -> None:
        """Kill -9, the server's own processes included."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    def terminate(self) -> None:
        """Ask it to stop, as an operator does."""
        self._process.send_signal(signal.SIGTERM)

    async def ended(self, *, limit_s: float | None = PATIENCE_S) -> int:
        """Wait until it has ended; return its exit code."""
        return await asyncio.wait_for(self._process.wait(), limit_s)
