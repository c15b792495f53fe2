"""What comes back, in httpx's types: a body that is there already, or one on its way, read within bounds."""

import functools
from collections.abc import AsyncIterator
from typing import Final

import aiohttp
import httpx

from pideai_host.outgoing.body import BodyBounds
from pideai_host.outgoing.faults import httpx_error

_PLAIN: Final = frozenset({"", "identity"})
_UNDONE: Final = frozenset({b"content-encoding", b"transfer-encoding"})
"""The body is handed on decoded and unframed, so httpx must not undo it again."""


class Answer(httpx.Response):
    """An answer of aiohttp's.

    Args:
        answer: With its head.
        request: What it is the answer to.
        body: All of the body, decoded; else it is read as it is used.
        max_body_bytes: More of it is not read.
    """

    def __init__(
        self, answer: aiohttp.ClientResponse, request: httpx.Request, body: bytes | None, *, max_body_bytes: int
    ) -> None:
        about = {"http_version": b"HTTP/1.1", "reason_phrase": (answer.reason or "").encode("latin-1", "replace")}
        stream = httpx.ByteStream(body) if body is not None else Incoming(answer, request, max_body_bytes)
        super().__init__(answer.status, stream=stream, request=request, extensions=about)
        self.headers = _AnswerHeaders(answer.raw_headers)
        self._is_whole = body is not None
        if body is not None:
            self._content = body

    async def aclose(self) -> None:
        """Let go of the connection, unless that is done."""
        if self._is_whole:
            self.is_closed = True
        else:
            await super().aclose()


class Incoming(httpx.AsyncByteStream):
    """A body that is still on its way."""

    def __init__(self, answer: aiohttp.ClientResponse, request: httpx.Request, max_body_bytes: int) -> None:
        self._answer = answer
        self._request = request
        self._bounds = BodyBounds(answer.headers.get("Content-Encoding", ""), max_body_bytes)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while chunk := await self._answer.content.readany():
                yield self._bounds.take(chunk)
            self._bounds.end()
        except httpx.HTTPError as error:
            error.request = self._request
            raise
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            fault = httpx_error(error, host=self._request.url.host, left=True)
            fault.request = self._request
            raise fault from error

    async def aclose(self) -> None:
        """Let go of the connection; what is not read yet would spoil it for the next request."""
        if self._answer.content.at_eof():
            self._answer.release()
        else:
            self._answer.close()


class _AnswerHeaders(httpx.Headers):
    """Headers that are read when somebody asks for one: few callers do."""

    def __init__(self, raw: tuple[tuple[bytes, bytes], ...]) -> None:
        self._raw = raw
        self._encoding = None

    @functools.cached_property
    def _list(self) -> list[tuple[bytes, bytes, bytes]]:  # type: ignore[override] # the base sets it when it is made
        named = ((name, name.lower(), value) for name, value in self._raw)
        return [one for one in named if one[1] not in _UNDONE]


def arrived(answer: aiohttp.ClientResponse, *, max_body_bytes: int) -> bytes | None:
    """Return the body if all of it is here and as it was before it was sent; mostly it comes with the head."""
    content = answer.content
    is_here = content.is_eof() and content.exception() is None and content.total_bytes <= max_body_bytes
    if not is_here or answer.headers.get("Content-Encoding", "").strip().lower() not in _PLAIN:
        return None
    return content.read_nowait()
