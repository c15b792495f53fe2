"""What the stand-ins share: a server on a free port, answers given instead of the real ones, and what was asked."""

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from whatsapp_fakes.posting import Poster


@dataclass
class Canned:
    """An answer that is given instead of the real one; `hangs` never answers, `drops` closes the connection."""

    status: int = 200
    body: Any = None
    raw: bytes | None = None
    hangs: bool = False
    drops: bool = False
    headers: dict[str, str] = field(default_factory=dict)


class FakeServer:
    """`async with FakeX() as fake`: then `fake.url` answers.

    Attributes:
        canned: Answers for the next sends, taken in turn.
        loses: So many sends from now on are taken, and their answers lost on the way.
        hanging: Set once a call hangs.
        requests: Whose account, number or instance each send named, and its body.
        poster: How reports are posted.
    """

    def __init__(self) -> None:
        self.canned: deque[Canned] = deque()
        self.loses = 0
        self.url = ""
        self.requests: list[tuple[str, str]] = []
        self.poster = Poster()
        self.hanging = asyncio.Event()
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Say what is answered."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        app = web.Application()
        self.add_routes(app.router)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, backlog=2_048).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.poster.close()
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def let_go(self) -> None:
        """End the calls that hang: their connections break."""
        self._released.set()
        self._released = asyncio.Event()
        self.hanging.clear()

    def on_its_way(self, request: web.Request, answer: web.Response) -> web.Response:
        """Return the answer to a send that was taken, or break the connection instead."""
        if self.loses:
            self.loses -= 1
            if request.transport is not None:
                request.transport.abort()
        return answer

    async def answer_canned(self, request: web.Request, answer: Canned) -> web.StreamResponse:
        """Give an answer as it stands."""
        if answer.hangs:
            self.hanging.set()
            await self._released.wait()
        if answer.drops or answer.hangs:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        payload = answer.raw if answer.raw is not None else json.dumps(answer.body).encode()
        return web.Response(status=answer.status, body=payload, headers=answer.headers, content_type="application/json")
