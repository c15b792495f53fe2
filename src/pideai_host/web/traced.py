"""Requests to the host as spans, where traces are recorded (docs/adr/0045)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import HTTPScope, Message, Receive, Scope, Send

from pideai_host.web.clients import is_trusted
from pideai_host.web.front import Front
from pideai_host.web.headers import NO_ROUTE
from pideai_host.web.requests import request_id
from pideai_host.web.routes import metrics, webhooks

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from pideai_host.telemetry.spans import Spans

_UNTRACED: Final = frozenset({metrics.PATH, "/health/live", "/health/ready"})
"""Asked all day by machines."""
_STREAM: Final = b"text/event-stream"
_FAILED: Final = 500


class TracedFront(Front):
    """A front whose requests are spans.

    A caller's own `traceparent` counts only where it comes from a trusted proxy: of anybody else it would decide what
    is recorded here. A live stream's span ends when it is open.

    Args:
        app: As for `Front`.
        spans: Makes them.
    """

    def __init__(self, app: Litestar, spans: "Spans") -> None:
        super().__init__(app)
        self._spans = spans

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != ScopeType.HTTP or scope["path"] in _UNTRACED:
            await super().__call__(scope, receive, send)
            return
        span = self._spans.start(scope["method"], "server", parent=self._parent(scope))

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._answered(span, scope, message)
            await send(message)

        try:
            with self._spans.within(span):
                await super().__call__(scope, receive, noted)
        except BaseException as error:  # one that was cancelled is marked as such, too
            self._spans.mark(span, type(error).__name__)
            raise
        finally:
            if span.is_recording():  # a stream's has ended
                span.end()

    def _answered(self, span: "Span", scope: HTTPScope, message: Mapping[str, Any]) -> None:
        known = cast("dict[str, Any]", scope)
        route = str(known.get("path_template") or (webhooks.PATH if scope["path"] == webhooks.PATH else NO_ROUTE))
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.request.method", scope["method"])
        span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", message["status"])
        span.set_attribute("pideai.request", request_id(cast("Scope", scope)))
        store_id = (known.get("path_params") or {}).get("store_id")
        if isinstance(store_id, UUID):
            span.set_attribute("pideai.store", str(store_id))
        if message["status"] >= _FAILED:
            self._spans.mark(span, str(message["status"]))
        if any(name == b"content-type" and value.startswith(_STREAM) for name, value in message["headers"]):
            span.end()

    def _parent(self, scope: HTTPScope) -> str | None:
        given = [value for name, value in scope["headers"] if name == b"traceparent"]
        if len(given) != 1 or not is_trusted(scope, self._host.trusted_proxies):
            return None
        return given[0].decode("latin-1")
