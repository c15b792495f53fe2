"""Which pages may read the API: those of the origins that the operator lists, and no cookies with them.

Every answer says `Vary: Origin`, whoever asks: a cache must not give a page what was answered to another, or to none.
"""

from collections.abc import Collection
from typing import Any, Final

from litestar import Litestar, Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from pideai_host.api import PideaiError
from pideai_host.web.problems import to_response

MAX_AGE_S: Final = 600
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ASKED: Final = ("authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "last-event-id")
"""Headers that a page may send, beside those that need no leave."""
_NEED_NO_LEAVE: Final = frozenset({"accept", "accept-language", "content-language", *ASKED})
_EXPOSED: Final = b"ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
_VARY: Final = b"vary"
_PREFLIGHT_VARY: Final = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


class OriginNotAllowed(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """A page asks for leave to do what pages of its origin may not."""

    code = "origin_not_allowed"


class Cors:
    """Stands around an application's handler.

    Args:
        app: What answers requests.
        origins: Exact origins, such as ``https://panel.example.com``.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a page that asks for leave, or have a request answered and say who may read it."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        origin = _header(scope, b"origin")
        method = _header(scope, b"access-control-request-method")
        if scope["method"] == "OPTIONS" and origin is not None and method is not None:
            await self._give_leave(scope, receive, send, origin, method.decode("latin-1"))
            return
        allowed = [(b"access-control-allow-origin", origin)] if origin in self._origins and origin is not None else []
        if allowed:
            allowed.append((b"access-control-expose-headers", _EXPOSED))

        async def send_allowed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*_varied(list(message["headers"])), *allowed]
            await send(message)

        await self._app(scope, receive, send_allowed)

    async def _give_leave(self, scope: Scope, receive: Receive, send: Send, origin: bytes, method: str) -> None:
        asked = (_header(scope, b"access-control-request-headers") or b"").decode("latin-1").lower().split(",")
        refused = sorted({name.strip() for name in asked} - _NEED_NO_LEAVE - {""})
        why = None
        if origin not in self._origins:
            why = "pages of this origin may not read the API"
        elif method not in METHODS:
            why = f"pages may not send {method[:20]}"
        elif refused:
            why = f"pages may not send the headers {', '.join(refused)[:100]}"
        if why is not None:
            request: Request[Any, Any, Any] = Request(scope, receive, send)
            error = OriginNotAllowed(why, hint="PIDEAI_CORS_ORIGINS lists the origins that may.")
            told = to_response(request, error).to_asgi_response(app=None, request=request)
            await told(scope, receive, _varying(send))
            return
        headers = [
            (_VARY, _PREFLIGHT_VARY),
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", ", ".join(METHODS).encode()),
            (b"access-control-allow-headers", ", ".join(ASKED).encode()),
            (b"access-control-max-age", str(MAX_AGE_S).encode()),
        ]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def let_pages_in(app: Litestar, origins: Collection[str]) -> Litestar:
    """Have an application let pages of some origins read it; where none is listed, nothing is said at all."""
    if origins:
        app.asgi_handler = Cors(app.asgi_handler, origins)
    return app


def _varying(send: Send) -> Send:
    async def send_varied(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (_VARY, _PREFLIGHT_VARY)]
        await send(message)

    return send_varied


def _varied(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Add the origin to what an answer depends on already."""
    known = [value for name, value in headers if name.lower() == _VARY]
    others = [(name, value) for name, value in headers if name.lower() != _VARY]
    return [*others, (_VARY, b", ".join([*known, b"Origin"]))]


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == wanted), None)
