"""A provider's way of posting reports: at least once, unordered, in memory, retried by its own rules.

Checked against Evolution 2.3.x: any 2xx counts; 400, 401, 403, 404 and 422 drop the report at once; everything else and
every broken connection is retried with an identical body, ten times in all, after pauses that double. They begin with a
fiftieth of a second here, with five seconds there.
"""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp

ATTEMPTS: Final = 10
DROPPED_AT_ONCE: Final = frozenset({400, 401, 403, 404, 422})


@dataclass
class Posted:
    """One attempt to post a report; status 0 for a connection that broke."""

    url: str
    body: bytes
    status: int


@dataclass
class Poster:
    """Posts in the background.

    Attributes:
        copies: How often each report is sent, though it was answered 200.
        is_held: Keep reports back; `release` sends them, in a mixed order if `shuffles`.
        at_once: How many are on their way at one time.
        pause_s: Before the second attempt.
    """

    copies: int = 1
    is_held: bool = False
    shuffles: bool = False
    at_once: int = 32
    pause_s: float = 0.02
    attempts: list[Posted] = field(default_factory=list)
    seed: int = 5

    def __post_init__(self) -> None:
        self._held: list[tuple[str, bytes, Mapping[str, str]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._places = asyncio.Semaphore(self.at_once)
        self._random = random.Random(self.seed)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a report, or keep it while reports are held."""
        if self.is_held:
            self._held.append((url, body, headers))
            return
        for _ in range(self.copies):
            task = asyncio.get_running_loop().create_task(self._post(url, body, headers))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def release(self) -> None:
        """Send what was held."""
        held, self._held, self.is_held = self._held, [], False
        if self.shuffles:
            self._random.shuffle(held)
        for url, body, headers in held:
            self.post(url, body, headers)

    async def settled(self) -> None:
        """Wait until every report is answered, dropped or given up."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def lose(self) -> None:
        """Lose what is not sent yet, as a restart of the server does."""
        self._held.clear()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Stop for good."""
        await self.lose()
        if self._session is not None:
            await self._session.close()

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        for n in range(ATTEMPTS):
            async with self._places:
                status = await self._attempt(self._session, url, body, headers)
            self.attempts.append(Posted(url=url, body=body, status=status))
            if 200 <= status < 300 or status in DROPPED_AT_ONCE:
                return
            await asyncio.sleep(self.pause_s * 2**n)

    async def _attempt(self, session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        try:
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0
