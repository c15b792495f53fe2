"""Plugins' routes that are watched: the host calls one again and again, and tells as Server-Sent Events what changed.

Nothing of the plugin runs between the calls, and each call is one like any other (docs/adr/0031, 0051): a stream that
is open for hours costs the plugin no place, and no limit of time has to be lifted for it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Protocol, cast
from uuid import UUID

import msgspec
from litestar import Request
from litestar.types import HTTPDisconnectEvent, Receive, Scope, Send

from pideai_host.api import PideaiError
from pideai_host.events.feed import Watcher
from pideai_host.telemetry import get_logger
from pideai_host.web.access import require_access
from pideai_host.web.event_stream import RETRY_MS, EventStream, event, expiry_of, put
from pideai_host.web.problems import DATABASE_AWAY
from pideai_host.web.state import host_state, user_of

WATCHED: Final = "watched_every_s"
"""The option of a GET handler that has it answered as a stream, and how often it is called."""

EVERY_MIN_S: Final = 0.5
EVERY_MAX_S: Final = 60.0

_GOOD: Final = range(200, 300)
_log: Final = get_logger(__name__)


class Seen(Protocol):
    """An answer of the route."""

    @property
    def status(self) -> int:
        """Its status."""

    @property
    def body(self) -> bytes:
        """Its body."""

    async def give(self, send: Send) -> None:
        """Send it as it is."""


async def watch(
    scope: Scope, receive: Receive, send: Send, *, look: Callable[[], Awaitable[Seen]], every_s: float
) -> None:
    """Answer a request with what `look` shows now, and with each change of it as long as the client stays.

    A first look that shows no 2xx is answered as it is, and nothing is streamed.
    """
    first = await look()
    if first.status not in _GOOD:
        await first.give(send)
        return
    request: Request[Any, Any, Any] = Request(scope, receive, send)
    await RouteStream(request, first.body, look=look, every_s=every_s)(scope, receive, send)


async def never() -> HTTPDisconnectEvent:
    """Give a call nothing more of the request than its body: whether the client stays is the stream's to see."""
    return {"type": "http.disconnect"}


class RouteStream(EventStream):
    """The stream of one route.

    Args:
        request: Who asks.
        first: What the first look showed.
        look: Calls the route.
        every_s: Seconds between two calls.
    """

    __slots__ = ("_body", "_every_s", "_look")

    def __init__(
        self, request: Request[Any, Any, Any], first: bytes, *, look: Callable[[], Awaitable[Seen]], every_s: float
    ) -> None:
        user = user_of(request)
        super().__init__(
            host_state(request.scope).live,
            cast("UUID", request.scope["path_params"]["store_id"]),
            user.id,
            last_id=None,
            expires_at=expiry_of(user.claims),
            may_look=lambda: require_access(request, request.scope["route_handler"]),
        )
        self._body = first
        self._look = look
        self._every_s = every_s

    async def _send(self, watcher: Watcher, send: Send) -> None:
        await put(send, f"retry: {RETRY_MS}\n".encode() + _change(self._body))
        asked_s = beat_s = time.monotonic()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(watcher.over.wait(), min(self._every_s, self._left_s()))
            await watcher.next(0)  # of deliveries and notices its store's own stream tells
            why = await self._why_over(watcher, asked_s) or await self._looked(send)
            if why is not None:
                break
            now_s = time.monotonic()
            if now_s - asked_s >= self._recheck_s:
                asked_s = now_s
            if now_s - beat_s >= self._heartbeat_s:
                beat_s = now_s
                await put(send, b": still here\n\n")
        await put(send, event("end", {"reason": why}, None))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _left_s(self) -> float:
        return max(0.0, self._expires_at - self._wall())

    async def _looked(self, send: Send) -> str | None:
        """Look again and tell what changed; say in one word why there is nothing to see any more."""
        try:
            seen = await self._look()
        except PideaiError as error:
            return error.code
        except DATABASE_AWAY as error:
            _log.warning("watched_route_not_asked", store_id=str(self._store_id), error=type(error).__name__)
            return "database_unavailable"
        if seen.status not in _GOOD:
            return _code_in(seen.body)
        if seen.body != self._body:
            self._body = seen.body
            await put(send, _change(seen.body))
        return None


class _Problem(msgspec.Struct):
    code: str = "plugin_fault"


def _code_in(body: bytes) -> str:
    """Return the code of a problem; a plugin may answer anything."""
    try:
        return msgspec.json.decode(body, type=_Problem).code
    except msgspec.DecodeError:
        return "plugin_fault"


def _change(body: bytes) -> bytes:
    """Write an event; what a route answers may have lines of its own."""
    lines = body.decode("utf-8", "replace").splitlines() or [""]
    return b"event: change\n" + "".join(f"data: {line}\n" for line in lines).encode() + b"\n"
