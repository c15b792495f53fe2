"""A developer's server, and the identity provider whose keys the host fetches."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Self
from uuid import UUID

from aiohttp import web

from pideai_host.testing.tokens import TokenSigner

ISSUER = "http://127.0.0.1/auth/v1"


class Receiver:
    """Counts webhook ids, and answers 200 or whatever `answer` says."""

    def __init__(self) -> None:
        self.seen: Counter[UUID] = Counter()
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
        self.signer = TokenSigner(ISSUER)
        self.port = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/hook/{store}", self._take)
        app.router.add_get("/jwks.json", self._keys)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def hook(self, store_id: UUID) -> str:
        """Return the address that a store has set."""
        return f"http://127.0.0.1:{self.port}/hook/{store_id}"

    @property
    def doubled(self) -> set[UUID]:
        """The deliveries that came more than once."""
        return {one for one, times in self.seen.items() if times > 1}

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response(self.signer.jwks())

    async def _take(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.seen[UUID(request.headers["webhook-id"])] += 1
        return web.Response() if self.answer is None else await self.answer(request)
