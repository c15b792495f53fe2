"""How long requests wait for their answers, and how many do, by the template of their route."""

import time
from functools import cache
from typing import Any, Final

from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Gauge, Histogram

from pideai_host.telemetry import HTTP_IN_FLIGHT, HTTP_SECONDS
from pideai_host.web.headers import NO_ROUTE, known_method

_BEGAN: Final = "pideai_began_s"


class Measured(ASGIMiddleware):
    """Measures what has a route; `end_of_wait`, as `before_send`, ends that when the answer begins."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Measure one request."""
        waiting = in_flight(_route(scope))
        waiting.inc()
        state: dict[str, Any] = scope["state"]
        state[_BEGAN] = time.perf_counter()
        is_to_be_told = False
        try:
            await next_app(scope, receive, send)
        except Exception:
            is_to_be_told = True  # what was raised, also by another middleware, is answered further out
            raise
        finally:
            if not is_to_be_told and state.pop(_BEGAN, None) is not None:  # no answer: the client went away
                waiting.dec()


async def end_of_wait(message: Message, scope: Scope) -> None:
    """Note that an answer begins; to be registered as `before_send`."""
    if message["type"] != "http.response.start":
        return
    began_s = scope["state"].pop(_BEGAN, None)
    if began_s is not None:
        route = _route(scope)
        in_flight(route).dec()
        seconds(known_method(scope), route).observe(time.perf_counter() - began_s)


@cache
def in_flight(route: str) -> Gauge:
    """Return the gauge of a route; of few, so that all can be kept."""
    return HTTP_IN_FLIGHT.labels(route=route)


@cache
def seconds(method: str, route: str) -> Histogram:
    """Return the histogram of a route; of few, so that all can be kept."""
    return HTTP_SECONDS.labels(method=method, route=route)


def _route(scope: Scope) -> str:
    return str(scope.get("path_template") or NO_ROUTE)
