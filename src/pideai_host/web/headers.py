"""Headers of every answer that tell browsers what not to do with it. HSTS is the proxy's that ends TLS."""

from functools import cache
from typing import Final

from litestar.types import Message, Scope
from prometheus_client import Counter

from pideai_host.telemetry import HTTP_REQUESTS

API: Final = "/api/"
NO_ROUTE: Final = "none"

_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_NO_STORE: Final = (b"cache-control", b"no-store")
_DATA: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_PAGE: Final = (
    b"content-security-policy",
    (
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        b" base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
)


async def add_security(message: Message, scope: Scope) -> None:
    """Put them on an answer, unless it has its own; to be registered as `before_send`."""
    if message["type"] != "http.response.start":
        return
    headers = list(message["headers"])
    known = dict(headers)
    is_page = known.get(b"content-type", b"").startswith(b"text/html")
    wanted = [*_ALWAYS, _PAGE if is_page else _DATA]
    if f"/{scope['path'].lstrip('/')}".startswith(API):
        wanted.append(_NO_STORE)  # also on what no handler answered
    message["headers"] = headers + [one for one in wanted if one[0] not in known]


async def count_answer(message: Message, scope: Scope) -> None:
    """Count an answer by the template of its route; to be registered as `before_send`."""
    if message["type"] == "http.response.start":
        route = str(scope.get("path_template") or NO_ROUTE)
        counted(known_method(scope), route, message["status"]).inc()


def known_method(scope: Scope) -> str:
    """Return the method of a request, one of few."""
    method = str(scope["method"])  # type: ignore[typeddict-item]
    return method if method in _METHODS else "other"


@cache
def counted(method: str, route: str, status: int) -> Counter:
    """Return the counter of some answers; of few words each, so that all can be kept."""
    return HTTP_REQUESTS.labels(method=method, route=route, status=str(status))
