"""`context.http`: the one HTTP client that plugins use, shared by all of a process."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Self

import httpx

from pideai_host.outgoing.guard import Network
from pideai_host.outgoing.request import headers_of, request_of_bytes
from pideai_host.outgoing.traced import TracedTransport
from pideai_host.outgoing.transport import GuardedTransport
from pideai_host.telemetry import tracing

TIMEOUT: Final = httpx.Timeout(15.0, connect=5.0)
"""Unless a request says otherwise: 5 s to connect, 15 s between two reads."""

TOTAL_S: Final = 60.0
MAX_BODY_BYTES: Final = 1_048_576

_OTHER_CONTENT: Final = ("data", "files", "json", "params", "cookies")
_SHARED: Final = frozenset({"auth", "base_url", "cookies", "event_hooks", "headers", "params", "timeout", "trust_env"})


def make_client(
    *,
    allow: tuple[Network, ...] = (),
    total_s: float = TOTAL_S,
    max_body_bytes: int = MAX_BODY_BYTES,
    trace_hosts: frozenset[str] = frozenset(),
) -> "OutgoingClient":
    """Make the client of a process; it opens its pool with the first request, `aclose` closes it.

    Args:
        allow: Networks that may be reached although they are not public (`Settings.http_allow`).
        total_s: Seconds that one request may take in all, whatever time-outs it asks for.
        max_body_bytes: The largest response body that is read, decoded.
        trace_hosts: Hosts that are told of the trace, where one is recorded (`Settings.trace_hosts`).
    """
    limits: dict[str, Any] = {"allow": allow, "total_s": total_s, "max_body_bytes": max_body_bytes}
    if tracing.active is None:
        return OutgoingClient(GuardedTransport(**limits), owns_pool=True)
    return OutgoingClient(TracedTransport(tracing.active, tell=trace_hosts, **limits), owns_pool=True)


class OutgoingClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` that is safe to share between stores and cannot be turned against the host's network.

    What differs from httpx: addresses that are not public raise `AddressRefused`; redirects are never followed, and
    asking for it raises ValueError; no proxy, netrc or cookie jar; a body beyond the limit raises `httpx.ReadError`;
    settings of the client cannot be changed, they are passed with each request; requests are not logged, since URLs
    hold secrets. A streamed response whose body came with its head has its `content` from the start.

    Concurrency: safe to call from many tasks of one loop. Cost: a tenth of httpx, no more than aiohttp's own client.
    """

    def __init__(self, transport: GuardedTransport, *, owns_pool: bool) -> None:
        super().__init__(transport=transport, trust_env=False, timeout=TIMEOUT)
        self._pool = transport
        self._owns_pool = owns_pool
        self._headers = _FixedHeaders(headers_of(None))
        self._is_shared = True

    def lent(self) -> "OutgoingClient":
        """Return a client on the same pool that a plugin may hold: closing it closes nothing."""
        return OutgoingClient(self._pool, owns_pool=False)

    def build_request(
        self,
        method: str,
        url: httpx.URL | str,
        *,
        headers: Any = None,
        timeout: Any = httpx.USE_CLIENT_DEFAULT,
        extensions: Any = None,
        **content: Any,
    ) -> httpx.Request:
        """Make a request as `httpx.AsyncClient.build_request` does."""
        limits = TIMEOUT if timeout is httpx.USE_CLIENT_DEFAULT else timeout
        if not isinstance(limits, httpx.Timeout):
            limits = httpx.Timeout(limits)
        about = {"timeout": limits.as_dict(), **(extensions or {})}
        body = content.get("content")
        if type(body) is bytes and (len(content) == 1 or not any(content.get(other) for other in _OTHER_CONTENT)):
            return request_of_bytes(method, url, headers, body, about)
        return httpx.Request(method, url, headers=headers_of(headers), extensions=about, **content)

    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: Any = None,
        follow_redirects: Any = False,
    ) -> httpx.Response:
        """Send a request as `httpx.AsyncClient.send` does, but for redirects.

        Raises:
            ValueError: `follow_redirects` is True.
        """
        if follow_redirects is True:
            raise ValueError("redirects are not followed: check where it leads, then ask for that URL")
        exchange = self._pool.handle_async_request if stream else self._pool.fetch
        if auth is None or auth is httpx.USE_CLIENT_DEFAULT:
            return await exchange(request)
        return await _authenticated(request, httpx.BasicAuth(*auth) if isinstance(auth, tuple) else auth, exchange)

    def stream(  # type: ignore[override] # httpx's own generator costs as much as the request
        self,
        method: str,
        url: httpx.URL | str,
        *,
        auth: Any = None,
        follow_redirects: Any = False,
        **content: Any,
    ) -> "_Streaming":
        """Send a request and hold its answer open, as `httpx.AsyncClient.stream` does."""
        return _Streaming(self, (method, url), content, auth=auth, follow_redirects=follow_redirects)

    async def aclose(self) -> None:
        """Close the pool; a lent client closes nothing. Idempotent."""
        if self._owns_pool:
            await self._pool.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.aclose()

    def __setattr__(self, name: str, value: object) -> None:
        if name in _SHARED and self.__dict__.get("_is_shared"):
            raise AttributeError(f"this client is shared between stores: pass {name} with each request")
        super().__setattr__(name, value)


class _Streaming(AbstractAsyncContextManager[httpx.Response]):
    """An answer that is open for a block."""

    __slots__ = ("_client", "_content", "_options", "_response", "_where")

    def __init__(
        self, client: OutgoingClient, where: tuple[str, httpx.URL | str], content: dict[str, Any], **options: Any
    ) -> None:
        self._client = client
        self._where = where
        self._content = content
        self._options = options

    async def __aenter__(self) -> httpx.Response:
        request = self._client.build_request(*self._where, **self._content)
        self._response = await self._client.send(request, stream=True, **self._options)
        return self._response

    async def __aexit__(self, *failure: object) -> None:
        await self._response.aclose()


class _FixedHeaders(httpx.Headers):
    """Headers of a client that all stores share: a token put here would travel with every store's requests."""

    def __setitem__(self, key: str, value: str) -> None:
        raise TypeError(f"this client is shared between stores: pass {key} with each request")

    def __delitem__(self, key: str) -> None:
        raise TypeError(f"this client is shared between stores: {key} is sent with every request")

    def update(self, *_: Any, **__: Any) -> None:
        raise TypeError("this client is shared between stores: pass headers with each request")


async def _authenticated(
    request: httpx.Request, auth: httpx.Auth, exchange: Callable[[httpx.Request], Awaitable[httpx.Response]]
) -> httpx.Response:
    flow = auth.async_auth_flow(request)
    try:
        response = await exchange(await anext(flow))
        while True:
            if auth.requires_response_body:
                await response.aread()
            try:
                following = await flow.asend(response)
            except StopAsyncIteration:
                return response
            await response.aclose()
            response = await exchange(following)
    finally:
        await flow.aclose()
