"""One request over aiohttp, spoken of in httpx's types.

httpx's own transport and client layers cost ten times what aiohttp does; this keeps the types that plugin authors
know and little else (docs/adr/0007).
"""

import asyncio
import functools
from datetime import timedelta
from time import perf_counter
from typing import Any, Final

import aiohttp
import httpx

from pideai_host.outgoing.answer import Answer, Incoming, arrived
from pideai_host.outgoing.connector import GuardedConnector
from pideai_host.outgoing.faults import httpx_error
from pideai_host.outgoing.guard import Network
from pideai_host.outgoing.request import TOKEN, BytesRequest, Field, KnownHeaders
from pideai_host.outgoing.trace import Exchange
from pideai_host.outgoing.wire import Target, WholeRequest, ask, target_of

WHOLE_MAX_BYTES: Final = 65_536
"""Bodies up to this size go out in one write with their head: a socket takes that much at once."""

_CONTROL: Final = bytes({*range(32), 127} - set(b"\t"))
_AIOHTTPS: Final = frozenset({b"transfer-encoding", b"expect"})
_BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_NOT_ADDED: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


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
            body = arrived(answer, max_body_bytes=self._max_body_bytes)
            if body is None:
                body = b"".join([part async for part in Incoming(answer, request, self._max_body_bytes)])
        except BaseException:  # cancelled while it reads: nobody reads the rest
            answer.close()
            raise
        exchange.answered()
        response = Answer(answer, request, body, max_body_bytes=self._max_body_bytes)
        response.is_closed = response.is_stream_consumed = True
        response.elapsed = timedelta(seconds=perf_counter() - started)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return when the answer's head is there; its body is read, within bounds, as it is used."""
        exchange, answer = await self._send(request)
        exchange.answered()
        body = arrived(answer, max_body_bytes=self._max_body_bytes)
        return Answer(answer, request, body, max_body_bytes=self._max_body_bytes)

    async def aclose(self) -> None:
        """Close all connections; a request after this is refused."""
        self._closed = True
        connector, self._connector = self._connector, None
        if connector is not None:
            await connector.aclose()

    async def _send(self, request: httpx.Request) -> tuple[Exchange, aiohttp.ClientResponse]:
        target = target_of(str(request.url))
        connector = self._connector or self._open()
        exchange = Exchange(request.method)
        try:
            return exchange, await ask(connector, _sending(request, target), self._timeout(request), exchange)
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            fault = httpx_error(error, host=target.url.host or "", left=exchange.left)
            fault.request = request
            raise fault from error

    def _open(self) -> GuardedConnector:
        if self._closed:
            raise RuntimeError("the HTTP client is closed")
        self._connector = GuardedConnector(self._allow)
        return self._connector

    def _timeout(self, request: httpx.Request) -> aiohttp.ClientTimeout:
        wanted = request.extensions.get("timeout", {})
        return _client_timeout(self._total_s, wanted.get("connect"), wanted.get("read"))


@functools.lru_cache(maxsize=256)
def _client_timeout(total_s: float, connect_s: float | None, read_s: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total_s, connect=min(connect_s or total_s, total_s), sock_read=read_s)


def _sending(request: httpx.Request, target: Target) -> aiohttp.ClientRequest:
    """Return what goes out: the bytes themselves, or aiohttp's own request where something is to be worked out.

    Raises:
        httpx.LocalProtocolError: what goes out would not be this one request.
    """
    written = request.lines if isinstance(request, BytesRequest) else None
    fields = _fields(request.headers) if written is None else []
    lines = written or [name + b": " + value for name, _, value in fields]
    text = b"\r\n".join(lines)
    breaks = 2 * max(len(lines) - 1, 0)
    if len(text.translate(None, _CONTROL)) + breaks != len(text) or TOKEN.fullmatch(request.method) is None:
        raise httpx.LocalProtocolError("the method or a header holds a control character", request=request)
    loop = asyncio.get_running_loop()
    body = _content(request)
    is_whole = isinstance(body, bytes) and len(body) <= WHOLE_MAX_BYTES
    if is_whole and (written or _is_framed(fields, body, request.method)):
        method = request.method.encode("ascii")
        data = b"".join((method, b" ", target.path, b" HTTP/1.1\r\n", text, b"\r\n\r\n", body))
        return WholeRequest(request.method, target, data, loop)
    fields = fields or _fields(request.headers)
    return aiohttp.ClientRequest(
        request.method,
        target.url,
        data=body or None,
        # aiohttp frames the body itself.
        headers=[(n.decode("latin-1"), v.decode("latin-1")) for n, low, v in fields if low != b"transfer-encoding"],
        skip_auto_headers=_NOT_ADDED,
        loop=loop,
    )


def _fields(headers: httpx.Headers) -> list[Field]:
    return headers.fields if isinstance(headers, KnownHeaders) else [(n, n.lower(), v) for n, v in headers.raw]


def _is_framed(fields: list[Field], body: bytes, method: str) -> bool:
    """Tell whether a request is complete as it stands: one host, one length that is the body's, no header twice."""
    by_name = {name: value for _, name, value in fields}
    length = by_name.get(b"content-length")
    is_measured = length == b"%d" % len(body) or (length is None and not body and method in _BODILESS)
    is_single = b"host" in by_name and len(by_name) == len(fields)
    return is_measured and is_single and _AIOHTTPS.isdisjoint(by_name)


def _content(request: httpx.Request) -> Any:
    try:
        return request.content
    except httpx.RequestNotRead:
        return request.stream
