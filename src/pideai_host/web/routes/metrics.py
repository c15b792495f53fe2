"""``GET /metrics`` for Prometheus: with a token of the operator's, or, where none is set, from this machine alone."""

import hmac
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, Final, Protocol

from litestar import Request, get
from litestar.exceptions import NotFoundException
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.response.base import ASGIResponse
from litestar.types import Scope

from pideai_host.telemetry import exposition
from pideai_host.telemetry.pools import note_pools
from pideai_host.web.auth import bearer_token
from pideai_host.web.claims import TokenInvalid
from pideai_host.web.openapi import METRICS, problems
from pideai_host.web.state import host_state

PATH: Final = "/metrics"
MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_EXAMPLE: Final = """# HELP pideai_lane_ready Messages of a lane that may be claimed, as the leading process saw it
# TYPE pideai_lane_ready gauge
pideai_lane_ready{lane="pideai_whatsapp"} 3.0
"""
_FORWARDED: Final = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip"})


class HasTokens(Protocol):
    """Who knows which tokens let in."""

    @property
    def metrics_tokens(self) -> Sequence[bytes]:
        """Each lets its bearer read the metrics; with none, only this machine may."""


@get(
    PATH,
    operation_id="getMetrics",
    tags=["Health"],
    summary="Read this process's metrics",
    security=METRICS,
    responses={
        200: ResponseSpec(
            str,
            description="Prometheus' text format, version 0.0.4; docs/metrics.md lists them",
            media_type="text/plain",
            generate_examples=False,
            examples=[Example(summary="Some of them", value=_EXAMPLE)],
        ),
        **problems("unauthenticated", "token_invalid", "not_found"),
    },
)
async def get_metrics(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Write the metrics of the process that answers; each process has its own.

    Where no token is set, only requests straight from the host's own machine find this address.
    """
    host = host_state(request.scope)
    require_reader(request.scope, host)
    note_pools(host.pools)
    return ASGIResponse(body=exposition(), media_type=MEDIA_TYPE, headers={"cache-control": "no-store"})


def require_reader(scope: Scope, host: HasTokens) -> None:
    """Return if the request may read metrics.

    Raises:
        Unauthenticated, TokenInvalid: a token is wanted, and this is not it.
        NotFoundException: none is set, and the request does not come straight from this machine.
    """
    if host.metrics_tokens:
        given = bearer_token(scope).encode()
        matches = False
        for token in host.metrics_tokens:
            matches |= hmac.compare_digest(given, token)
        if not matches:
            raise TokenInvalid("the token is not one of PIDEAI_METRICS_TOKEN")
        return
    if not _is_local(scope):
        raise NotFoundException


def _is_local(scope: Scope) -> bool:
    """Tell whether a request comes from this machine, and through no proxy that runs here."""
    client = scope["client"]
    try:
        is_local = client is not None and ip_address(client[0]).is_loopback
    except ValueError:
        return False
    return is_local and not any(name in _FORWARDED for name, _ in scope["headers"])
