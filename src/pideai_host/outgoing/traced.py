"""Requests of plugins as spans, where traces are recorded (docs/adr/0045)."""

from typing import TYPE_CHECKING, Any, Final

import httpx

from pideai_host.outgoing.request import BytesRequest
from pideai_host.outgoing.transport import GuardedTransport

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from pideai_host.telemetry.spans import Spans

HEADER: Final = "traceparent"
_REFUSED: Final = 400


class TracedTransport(GuardedTransport):
    """A transport whose requests are spans.

    Of a URL only host and port are told: paths and queries of providers hold tokens and phone numbers. Whoever is asked
    learns of the trace only where the operator says so.

    Args:
        spans: Makes them.
        tell: Hosts that are sent `traceparent`; one that begins with a dot stands for all below it.
    """

    def __init__(self, spans: "Spans", *, tell: frozenset[str], **named: Any) -> None:
        super().__init__(**named)
        self._spans = spans
        self._tell = tell

    async def fetch(self, request: httpx.Request) -> httpx.Response:
        """Send a request as `GuardedTransport.fetch` does; the span ends with the answer's last byte."""
        with self._spans.span(request.method, "client", attributes=_facts(request)) as span:
            return self._answered(span, await super().fetch(self._told(span, request)))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request as `GuardedTransport` does; the span ends with the answer's head."""
        with self._spans.span(request.method, "client", attributes=_facts(request)) as span:
            return self._answered(span, await super().handle_async_request(self._told(span, request)))

    def _answered(self, span: "Span", response: httpx.Response) -> httpx.Response:
        span.set_attribute("http.response.status_code", response.status_code)
        if response.status_code >= _REFUSED:
            self._spans.mark(span, str(response.status_code))
        return response

    def _told(self, span: "Span", request: httpx.Request) -> httpx.Request:
        if not self._tell or not self._is_told(request.url.host):
            return request
        traceparent = self._spans.traceparent(span)
        if traceparent is None:
            return request
        if isinstance(request, BytesRequest) and request.lines is not None and not _has_one(request.lines):
            request.lines = [*request.lines, f"{HEADER}: {traceparent}".encode()]
        else:
            request.headers[HEADER] = traceparent
        return request

    def _is_told(self, host: str) -> bool:
        return host in self._tell or any(one.startswith(".") and host.endswith(one) for one in self._tell)


def _has_one(lines: list[bytes]) -> bool:
    return any(line[: len(HEADER)].lower() == HEADER.encode() for line in lines)


def _facts(request: httpx.Request) -> dict[str, str | int]:
    url = request.url
    port = url.port or (443 if url.scheme == "https" else 80)
    return {"http.request.method": request.method, "server.address": url.host, "server.port": port}
