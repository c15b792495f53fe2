"""Server-Sent Events of one store to one client, as long as that client may see them.

Whether it still may is asked again and again: the stream ends with its token, and soon after a store has changed hands.
It is sent no faster than the client reads; one that reads too slowly is dropped, and goes on from the last id it got.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from pideai_host.api import PideaiError
from pideai_host.events.change_log import Place
from pideai_host.events.feed import Reset, Told, Watcher
from pideai_host.events.live import Live
from pideai_host.stores.notices import Notice
from pideai_host.telemetry import get_logger
from pideai_host.web.log_models import DeliveryOut
from pideai_host.web.models import NoticeOut

HEARTBEAT_S: Final = 15.0
RECHECK_S: Final = 45.0
"""How often is asked whether the client may still look; answers are remembered for a few seconds besides."""
RETRY_MS: Final = 3_000
"""How long a client should wait before it connects again."""

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
_log: Final = get_logger(__name__)


class EventStream(ASGIResponse):
    """An answer that goes on until the client leaves, must leave, or the process stops.

    Args:
        live: The streams of the process.
        store_id: Whose changes.
        user_id: Who watches.
        last_id: What the client got last, as it says.
        expires_at: When its token ends, in Unix seconds.
        may_look: Raises a `PideaiError` when the client may not look any more.
        wall: Clock in Unix seconds.
    """

    __slots__ = (
        "_expires_at",
        "_heartbeat_s",
        "_last_id",
        "_live",
        "_may_look",
        "_recheck_s",
        "_store_id",
        "_user_id",
        "_wall",
    )

    def __init__(
        self,
        live: Live,
        store_id: UUID,
        user_id: UUID,
        *,
        last_id: str | None,
        expires_at: float,
        may_look: Callable[[], Awaitable[None]],
        wall: Callable[[], float] = time.time,
        heartbeat_s: float = HEARTBEAT_S,
        recheck_s: float = RECHECK_S,
    ) -> None:
        super().__init__(media_type="text/event-stream")
        self.headers["cache-control"] = "no-store"
        self.headers["x-accel-buffering"] = "no"
        del self.headers["content-length"]
        self._live = live
        self._store_id = store_id
        self._user_id = user_id
        self._last_id = last_id
        self._expires_at = expires_at
        self._may_look = may_look
        self._wall = wall
        self._heartbeat_s = heartbeat_s
        self._recheck_s = recheck_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - what ASGI calls
        """Watch, and send what comes."""
        after = None if self._last_id is None else Place.read(self._last_id)
        async with self._live.watch(self._store_id, self._user_id, after) as watcher:
            if self._last_id is not None and after is None:
                watcher.put(Reset(watcher.place))  # no id of ours: what was missed is not known
            await self.start_response(send)
            sending = asyncio.create_task(self._send(watcher, send))
            leaving = asyncio.create_task(_until_gone(receive))
            dropped = asyncio.create_task(watcher.dropped.wait())
            tasks = (sending, leaving, dropped)
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    sending.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, watcher: Watcher, send: Send) -> None:
        place = watcher.start
        await put(send, f"retry: {RETRY_MS}\n".encode() + event("ready", {"store_id": self._store_id}, place))
        asked_s = time.monotonic()
        while True:
            wait_s = min(self._heartbeat_s, self._recheck_s, max(0.0, self._expires_at - self._wall()))
            told = await watcher.next(wait_s)
            resting = watcher.place
            why = await self._why_over(watcher, asked_s)
            if why is not None:
                break
            if time.monotonic() - asked_s >= self._recheck_s:
                asked_s = time.monotonic()
            await put(send, b"".join(map(_shown, told)) if told else f": still here\nid: {resting}\n\n".encode())
        await put(send, event("end", {"reason": why}, None))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _why_over(self, watcher: Watcher, asked_s: float) -> str | None:
        """Say why nothing more may be sent, in one word, None if it may."""
        if watcher.over.is_set():
            return "stopping"
        if self._wall() >= self._expires_at:
            return "token_expired"
        if time.monotonic() - asked_s >= self._recheck_s:
            try:
                await self._may_look()
            except PideaiError as error:
                return error.code
            except Exception as error:  # noqa: BLE001 - whoever cannot be asked about does not look any more
                _log.warning("stream_recheck_failed", store_id=str(self._store_id), error=type(error).__name__)
                return "database_unavailable"
        return None


def event(name: str, data: Any, place: Place | None) -> bytes:
    """Write an event."""
    at = "" if place is None else f"id: {place}\n"
    return f"event: {name}\n{at}data: ".encode() + _encode(data) + b"\n\n"


class _Claims(msgspec.Struct):
    exp: float


def expiry_of(claims: str) -> float:
    """Return when a token ends, in Unix seconds."""
    return msgspec.json.decode(claims, type=_Claims).exp


def _shown(told: Told) -> bytes:
    if isinstance(told, Reset):
        return event("reset", {}, told.place)
    if isinstance(told.row, Notice):
        return event("notice", NoticeOut.of(told.row), told.place)
    return event("delivery", DeliveryOut.of(told.row), told.place)


async def put(send: Send, body: bytes) -> None:
    """Send a part."""
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
