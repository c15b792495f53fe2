"""`context.http`: the one HTTP client that plugins use, shared by all of a process."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Final, Self

import httpx

import pideai_host
from pideai_host.outgoing.guard import KEPT_URL_CHARS, Network
from pideai_host.outgoing.transport import GuardedTransport

TIMEOUT: Final = httpx.Timeout(15.0, connect=5.0)
"""Unless a request says otherwise: 5 s to connect, 15 s between two reads."""

TOTAL_S: Final = 60.0
MAX_BODY_BYTES: Final = 1_048_576

_DEFAULT_HEADERS: Final = [
    ("accept", "*/*"),
    ("accept-encoding", "identity"),
    ("user-agent", f"PideAI-Host/{pideai_host.__version__}"),
]
_OTHER_CONTENT: Final = ("data", "files", "json", "params", "cookies")
_SHARED: Final = frozenset({"auth", "base_url", "cookies", "event_hooks", "headers", "params", "timeout", "trust_env"})


def make_client(
    *,
    allow: tuple[Network, ...] = (),
    total_s: float = TOTAL_S,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> "OutgoingClient":
    """Make the client of a process; it opens its pool with the first request, `aclose` closes it.

    Args:
        allow: Networks that may be reached although they are not public (`Settings.http_allow`).
        total_s: Seconds that one request may take in all, whatever time-outs it asks for.
        max_body_bytes: The largest response body that is read, decoded.
    """
    return OutgoingClient(GuardedTransport(allow=allow, total_s=total_s, max_body_bytes=max_body_bytes), owns_pool=True)


class OutgoingClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` that is safe to share between stores and cannot be turned against the host's network.

    What differs from httpx: addresses that are not public raise `AddressRefused`; redirects are never followed, and
    asking for it raises ValueError; no proxy, netrc or cookie jar; a body beyond the limit raises `httpx.ReadError`;
    settings of the client cannot be changed, they are passed with each request; requests are not logged, since URLs
    hold secrets.

    Concurrency: safe to call from many tasks of one loop. Cost: about a tenth of httpx, twice bare aiohttp.
    """

    def __init__(self, transport: GuardedTransport, *, owns_pool: bool) -> None:
        super().__init__(transport=transport, trust_env=False, timeout=TIMEOUT)
        self._pool = transport
        self._owns_pool = owns_pool
        self._headers = _FixedHeaders(_DEFAULT_HEADERS)
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
        limits = TIMEOUT if timeout is httpx.USE_CLIENT_DEFAULT else httpx.Timeout(timeout)
        about = {"timeout": limits.as_dict(), **(extensions or {})}
        target = _url(url) if isinstance(url, str) else url
        if type(body := content.get("content")) is bytes and not any(content.get(other) for other in _OTHER_CONTENT):
            return _request_of_bytes(method, target, _merged(headers), body, about)
        return httpx.Request(method, target, headers=_merged(headers), extensions=about, **content)

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


class _FixedHeaders(httpx.Headers):
    """Headers of a client that all stores share: a token put here would travel with every store's requests."""

    def __setitem__(self, key: str, value: str) -> None:
        raise TypeError(f"this client is shared between stores: pass {key} with each request")

    def __delitem__(self, key: str) -> None:
        raise TypeError(f"this client is shared between stores: {key} is sent with every request")

    def update(self, *_: Any, **__: Any) -> None:
        raise TypeError("this client is shared between stores: pass headers with each request")


def _request_of_bytes(
    method: str, url: httpx.URL, headers: list[tuple[str, str]], body: bytes, about: dict[str, Any]
) -> httpx.Request:
    """What `httpx.Request(content=body)` makes, at a third of its time: it builds its headers three times."""
    names = {name.lower() for name, _ in headers}
    framing = [("Content-Length", str(len(body)))] if "content-length" not in names else []
    if "host" not in names:
        framing.append(("Host", url.netloc.decode("ascii")))
    request = httpx.Request(method, url, headers=framing + headers, stream=httpx.ByteStream(body), extensions=about)
    request.read()
    return request


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


def _merged(headers: Any) -> list[tuple[str, str]]:
    if headers is None:
        return _DEFAULT_HEADERS
    given = list(headers.items()) if type(headers) is dict else httpx.Headers(headers).multi_items()
    names = {(name if isinstance(name, str) else name.decode("latin-1")).lower() for name, _ in given}
    return [pair for pair in _DEFAULT_HEADERS if pair[0] not in names] + given


@functools.lru_cache(maxsize=1_024)
def _parsed(text: str) -> httpx.URL:
    return httpx.URL(text)


def _url(text: str) -> httpx.URL:
    # The same few URLs are asked for all day; very long ones are not kept.
    return _parsed(text) if len(text) <= KEPT_URL_CHARS else httpx.URL(text)
