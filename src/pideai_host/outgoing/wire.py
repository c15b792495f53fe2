"""One request, and the head of its answer, over a connection of aiohttp's pool.

aiohttp's own session spends half of a request's time on what `context.http` never does: cookies, redirects, proxies,
credentials, a task that writes the body. What is here stands in its place; connecting, TLS, framing and parsing stay
aiohttp's (docs/adr/0022).
"""

import asyncio
import functools
import re
from typing import Final, NamedTuple

import aiohttp
import httpx
import yarl
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http import StreamWriter
from multidict import CIMultiDict, CIMultiDictProxy

from pideai_host.outgoing.guard import web_url
from pideai_host.outgoing.request import KEPT_URL_CHARS
from pideai_host.outgoing.trace import Exchange

_MAY_COME_TWICE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
_LOST: Final = (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)
_PATH: Final = re.compile(r"/[!-~]*")
_NO_HEADERS: Final[CIMultiDictProxy[str]] = CIMultiDictProxy(CIMultiDict())


class Target(NamedTuple):
    """Where a request goes: the URL, which connections lead there, what its first line says."""

    url: yarl.URL
    key: ConnectionKey
    path: bytes


class WholeRequest(aiohttp.ClientRequest):
    """A request whose bytes are known, head and body, so that they go out in one write.

    It stands in for aiohttp's own wherever the connector asks, which would build the bytes again and write the body in
    a task.
    """

    proxy = proxy_auth = proxy_headers = server_hostname = None
    _ssl = True

    def __init__(self, method: str, target: Target, data: bytes, loop: asyncio.AbstractEventLoop) -> None:
        # Not the base's: that is what this class saves. Below is what the connector and errors read.
        self.method = method
        self.url = self.original_url = target.url
        self.loop = loop
        self._key = target.key
        self._data = data

    @property
    def connection_key(self) -> ConnectionKey:
        """Which connections of the pool it may use."""
        return self._key

    @property
    def request_info(self) -> aiohttp.RequestInfo:
        """What aiohttp's errors show: no headers, since they hold secrets."""
        return aiohttp.RequestInfo(self.url, self.method, _NO_HEADERS)

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Write it, and return the answer that is to come."""
        protocol, transport = conn.protocol, conn.transport
        if protocol is None or transport is None or transport.is_closing():
            raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")
        transport.write(self._data)
        protocol.start_timeout()
        return aiohttp.ClientResponse(
            self.method,
            self.url,
            writer=None,
            continue100=None,
            timer=None,  # type: ignore[arg-type] # aiohttp makes one that does nothing
            request_info=self.request_info,
            traces=[],
            loop=self.loop,
            session=None,  # type: ignore[arg-type] # aiohttp asks whether there is one
            stream_writer=StreamWriter(protocol, self.loop),
        )


def target_of(text: str) -> Target:
    """Return where a URL leads.

    Raises:
        httpx.UnsupportedProtocol, httpx.LocalProtocolError: it leads nowhere, see `guard.web_url`.
    """
    return _kept_target(text) if len(text) <= KEPT_URL_CHARS else _read_target(text)


async def ask(
    connector: aiohttp.BaseConnector,
    request: aiohttp.ClientRequest,
    timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's, and more than a number
    exchange: Exchange,
) -> aiohttp.ClientResponse:
    """Send a request and return when the head of its answer is there.

    A connection that was kept may turn out to be lost. What may come twice, and is whole, is then sent once more over
    another one.

    Args:
        connector: The pool.
        request: A `WholeRequest`, or aiohttp's own for a body that comes in parts.
        timeout: `total`, up to the last byte of the answer, and `connect` are set.
        exchange: Told when bytes are about to leave.

    Raises:
        aiohttp.ClientError, TimeoutError, OSError: see `faults`.
    """
    ends_at_s = request.loop.time() + (timeout.total or 0.0)
    may_repeat = request.method in _MAY_COME_TWICE and isinstance(request, WholeRequest)
    while True:
        connection = await connector.connect(request, [], timeout)
        exchange.leave()
        try:
            return await _ask_over(connection, request, timeout, ends_at_s)
        except _LOST:
            left_s = ends_at_s - request.loop.time()
            if not may_repeat or left_s <= 0:
                raise
            may_repeat = False
            connect_s = min(left_s, timeout.connect or left_s)
            timeout = aiohttp.ClientTimeout(timeout.total, connect=connect_s, sock_read=timeout.sock_read)


async def _ask_over(
    connection: Connection,
    request: aiohttp.ClientRequest,
    timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - as above
    ends_at_s: float,
) -> aiohttp.ClientResponse:
    try:
        connection.protocol.set_response_params(  # type: ignore[union-attr] # it was connected just now
            skip_payload=request.method == "HEAD",
            read_until_eof=True,
            auto_decompress=False,
            read_timeout=timeout.sock_read,
        )
        answer = await request.send(connection)
        timer = request.loop.call_later(ends_at_s - request.loop.time(), _cut_off, connection, answer)
        try:
            await answer.start(connection)
        except BaseException:  # cancelled while it waits: nobody reads the answer
            timer.cancel()
            answer.close()
            raise
        if answer.content.is_eof():
            timer.cancel()
        else:
            connection.add_callback(timer.cancel)
    except BaseException:  # cancelled in the middle of the request: no other fits behind it
        connection.close()
        raise
    return answer


def _cut_off(connection: Connection, answer: aiohttp.ClientResponse) -> None:
    """End what takes too long in all, as aiohttp ends what says nothing for too long."""
    error = aiohttp.SocketTimeoutError("the time for the whole request is over")
    if connection.protocol is not None:
        connection.protocol.set_exception(error)
    if answer.content is not None:
        answer.content.set_exception(error)


def _read_target(text: str) -> Target:
    url = web_url(text)
    if _PATH.fullmatch(url.raw_path_qs) is None:
        raise httpx.LocalProtocolError("the URL has a path that no request can name")
    key = ConnectionKey(url.raw_host or "", url.port, url.scheme == "https", True, None, None, None, None)
    return Target(url, key, url.raw_path_qs.encode("ascii"))


_kept_target = functools.lru_cache(maxsize=1_024)(_read_target)
