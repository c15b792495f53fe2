"""One request over aiohttp, spoken of in httpx's types.

httpx's own transport and client layers cost ten times what aiohttp does; this keeps the types that plugin authors
know and little else (docs/adr/0007).
"""

import functools
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from time import perf_counter
from typing import Any, Final

import aiohttp
import httpx

from pideai_host.outgoing.body import BodyBounds
from pideai_host.outgoing.connector import GuardedConnector
from pideai_host.outgoing.faults import httpx_error
from pideai_host.outgoing.guard import Network, web_url
from pideai_host.outgoing.trace import Exchange, exchange_of_task

_BREAKS: Final = re.compile(rb"[\r\n\0]")
_NO_CONTENT_TYPE: Final = ("Content-Type",)
_BODY_HEADERS: Final = frozenset({b"content-encoding", b"transfer-encoding"})


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests through one guarded pool; opens it with the first one, in the loop that runs then.

    Args:
        allow: Networks that may be reached although they are not public.
        total_s: Seconds that a request may take in all, whatever time-outs it asks for.
        max_body_bytes: The largest response body that is read, decoded.
    """

    def __init__(self, *, allow: tuple[Network, ...], total_s: float, max_body_bytes: int) -> None:
        self._allow = allow
        self._total_s = total_s
        self._max_body_bytes = max_body_bytes
        self._connector: GuardedConnector | None = None
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def fetch(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the whole answer.

        Raises:
            AddressRefused: the guard says no.
            httpx.HTTPError: as httpx would, see `faults`.
        """
        started = perf_counter()
        exchange, answer = await self._send(request)
        try:
            bounds = BodyBounds(answer.headers.get("Content-Encoding", ""), self._max_body_bytes)
            parts = [part async for part in _chunks(answer, bounds, request)]
        except BaseException:
            answer.close()
            raise
        exchange.answered()
        response = httpx.Response(
            answer.status, headers=_headers(answer), content=b"".join(parts), request=request, extensions=_about(answer)
        )
        response.elapsed = timedelta(seconds=perf_counter() - started)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return when the answer's head is there; its body is read, within bounds, as it is used."""
        exchange, answer = await self._send(request)
        exchange.answered()
        bounds = BodyBounds(answer.headers.get("Content-Encoding", ""), self._max_body_bytes)
        return httpx.Response(
            answer.status,
            headers=_headers(answer),
            stream=_Body(answer, bounds, request),
            request=request,
            extensions=_about(answer),
        )

    async def aclose(self) -> None:
        """Close all connections; a request after this is refused."""
        self._closed = True
        session, connector = self._session, self._connector
        self._session = self._connector = None
        if session is not None and connector is not None:
            await session.close()
            await connector.aclose()

    async def _send(self, request: httpx.Request) -> tuple[Exchange, aiohttp.ClientResponse]:
        url = web_url(str(request.url))
        headers = _request_headers(request)
        session = self._session or self._open()
        exchange = Exchange(request.method)
        exchange_of_task.set(exchange)
        try:
            answer = await session.request(
                request.method,
                url,
                data=_content(request),
                headers=headers,
                skip_auto_headers=None if "content-type" in request.headers else _NO_CONTENT_TYPE,
                allow_redirects=False,
                timeout=self._timeout(request),
            )
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise _about_request(httpx_error(error, host=url.host or "", left=exchange.left), request) from error
        return exchange, answer

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise RuntimeError("the HTTP client is closed")
        self._connector = GuardedConnector(self._allow)
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),  # one store's cookies must never reach another's request
            auto_decompress=False,
            trust_env=False,
        )
        return self._session

    def _timeout(self, request: httpx.Request) -> aiohttp.ClientTimeout:
        wanted = request.extensions.get("timeout", {})
        return _client_timeout(self._total_s, wanted.get("connect"), wanted.get("read"))


class _Body(httpx.AsyncByteStream):
    """A body that is still on its way."""

    def __init__(self, answer: aiohttp.ClientResponse, bounds: BodyBounds, request: httpx.Request) -> None:
        self._answer = answer
        self._bounds = bounds
        self._request = request

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _chunks(self._answer, self._bounds, self._request)

    async def aclose(self) -> None:
        # What is not read yet would spoil the connection for the next request.
        if self._answer.content.at_eof():
            self._answer.release()
        else:
            self._answer.close()


async def _chunks(answer: aiohttp.ClientResponse, bounds: BodyBounds, request: httpx.Request) -> AsyncIterator[bytes]:
    try:
        while chunk := await answer.content.readany():
            yield bounds.take(chunk)
        bounds.end()
    except httpx.HTTPError as error:
        error.request = request
        raise
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _about_request(httpx_error(error, host=request.url.host, left=True), request) from error


def _about_request(error: httpx.HTTPError, request: httpx.Request) -> httpx.HTTPError:
    error.request = request
    return error


@functools.lru_cache(maxsize=256)
def _client_timeout(total_s: float, connect_s: float | None, read_s: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total_s, connect=connect_s, sock_read=read_s)


def _request_headers(request: httpx.Request) -> list[tuple[str, str]]:
    raw = request.headers.raw
    if _BREAKS.search(b"".join(name + value for name, value in raw)):
        raise httpx.LocalProtocolError("a header holds a line break or a NUL", request=request)
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in raw
        # aiohttp frames the body itself.
        if name.lower() != b"transfer-encoding"
    ]


def _content(request: httpx.Request) -> Any:
    try:
        return request.content or None
    except httpx.RequestNotRead:
        return request.stream


def _headers(answer: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
    # The body is handed on decoded and unframed, so httpx must not undo it again.
    return [(name, value) for name, value in answer.raw_headers if name.lower() not in _BODY_HEADERS]


def _about(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    return {"http_version": b"HTTP/1.1", "reason_phrase": (answer.reason or "").encode("latin-1", "replace")}
